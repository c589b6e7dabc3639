import Foundation
import IO
import Spark

/// What the engine's workloads read, written once for all servers.
struct BenchEngineData: Sendable {
    let folder: String
    let broker: Endpoint
    let records: Int
    let fileRecords: Int

    private static let topicName = "bench_users"
    private static let files = 8

    var users: String { folder + "/users" }
    var events: String { folder + "/events" }

    func topic() -> LogicalPlan {
        .read(
            DataSourceRead(
                format: "kafka",
                options: [
                    "kafka.bootstrap.servers": "\(broker)", "subscribe": Self.topicName, "startingOffsets": "earliest",
                ],
                isStreaming: true))
    }

    func lines(isStreaming: Bool) -> LogicalPlan {
        .read(DataSourceRead(format: "text", options: ["path": users], isStreaming: isStreaming))
    }

    func prepare(for workloads: [BenchEngineWorkload]) async throws {
        if workloads.contains(.topic) { try await BenchUser.fill(Self.topicName, at: broker, count: records) }
        if workloads.contains(.json) || workloads.contains(.fromJSON) {
            try write(fileRecords, to: users) { number, line in line += BenchUser(number).json }
        }
        if workloads.contains(.window) {
            // Two hours of events, a second's number of keys at a time.
            try write(records, to: events) { number, line in
                let second = number * 7_200 / max(records, 1)
                let time = String(format: "2026-01-01T%02d:%02d:%02d.000Z", second / 3_600, second / 60 % 60, second % 60)
                line += Array("{\"ts\":\"\(time)\",\"k\":\"key-\(UInt32(truncatingIfNeeded: number) &* 2_654_435_761)\"}".utf8)
            }
        }
    }

    private func write(_ count: Int, to path: String, _ line: (Int, inout [UInt8]) -> Void) throws {
        Terminal.note("writing \(count) records to files")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for file in 0..<Self.files {
            var text: [UInt8] = []
            for number in count * file / Self.files..<count * (file + 1) / Self.files {
                line(number, &text)
                text.append(UInt8(ascii: "\n"))
            }
            try Data(text).write(to: URL(filePath: "\(path)/part-\(file).json"))
        }
    }
}
