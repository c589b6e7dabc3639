import ArgumentParser
import Foundation
import IO
import Spark

/// What `leat bench engine` has a server do.
enum BenchEngineWorkload: String, CaseIterable, ExpressibleByArgument, Sendable {
    case topic
    case fromJSON = "from_json"
    case json
    case window
    case start
    case row
    case idle

    /// One figure of a run.
    struct Figure: Sendable {
        let name: String
        let value: Double
        var unit: String
        var digits = 0
    }

    static let fields =
        "id STRING, first_name STRING, last_name STRING, gender STRING, address STRING, post_code STRING, email STRING, username STRING, dob STRING, registered_date STRING, phone STRING, picture STRING"

    func run(on server: BenchedEngine, _ data: BenchEngineData) async throws -> [Figure] {
        switch self {
        case .topic:
            return try await rows(data.records, server) { try await server.run(query(try Self.parsed(data.topic()), .availableNow)) }
        case .fromJSON: return try await batch(try Self.parsed(data.lines(isStreaming: false)), data.fileRecords, server)
        case .json:
            let read = LogicalPlan.read(
                DataSourceRead(
                    format: "json", options: ["path": data.users], schema: try StructType(ddl: Self.fields), isStreaming: false))
            return try await batch(read, data.fileRecords, server)
        case .window:
            return try await rows(data.records, server) {
                try await server.run(query(try Self.windows(data), .availableNow, mode: .update))
            }
        case .start: return try await start(server)
        case .row: return try await row(server)
        case .idle: return try await idle(server)
        }
    }

    // MARK: Plans

    /// `value` parsed once for all its fields.
    private static func parsed(_ frame: LogicalPlan) throws -> LogicalPlan {
        .project(
            [.star(["data"])],
            .project([try Expression(selectItem: "from_json(CAST(value AS STRING), '\(fields)') AS data")], frame))
    }

    private static func windows(_ data: BenchEngineData) throws -> LogicalPlan {
        let events = LogicalPlan.read(
            DataSourceRead(
                format: "json", options: ["path": data.events], schema: try StructType(ddl: "ts TIMESTAMP, k STRING"), isStreaming: true))
        return .aggregate(
            Aggregate(
                [try Expression(sql: "window(ts, '1 minute')"), try Expression(sql: "k")], [try Expression(selectItem: "count(1) AS n")]),
            .watermark(column: "ts", delay: "10 seconds", events))
    }

    private static var rate: LogicalPlan {
        .read(DataSourceRead(format: "rate", options: ["rowsPerSecond": "1"], isStreaming: true))
    }

    private func query(_ plan: LogicalPlan, _ trigger: Trigger, mode: OutputMode = .append, name: String? = nil) -> StreamingQueryDefinition
    {
        StreamingQueryDefinition(name: name, plan: plan, sink: .init(format: "noop"), outputMode: mode, trigger: trigger)
    }

    // MARK: Measures

    private func rows(_ count: Int, _ server: BenchedEngine, _ body: () async throws -> Duration) async throws -> [Figure] {
        let cpu = server.cpuSeconds
        let seconds = try await body().inSeconds
        var figures = [Figure(name: "rows", value: Double(count) / seconds, unit: "rows/s")]
        if let cpu, let now = server.cpuSeconds {
            figures.append(Figure(name: "CPU a row", value: (now - cpu) / Double(count) * 1e6, unit: "µs", digits: 2))
            figures.append(Figure(name: "rows a core", value: Double(count) / max(now - cpu, 1e-9), unit: "rows/s"))
        }
        return figures
    }

    private func batch(_ plan: LogicalPlan, _ count: Int, _ server: BenchedEngine) async throws -> [Figure] {
        try await rows(count, server) {
            let began = ContinuousClock.now
            try await server.client.writeToNoop(plan)
            return ContinuousClock.now - began
        }
    }

    private func start(_ server: BenchedEngine) async throws -> [Figure] {
        let began = ContinuousClock.now
        let query = try await server.client.start(query(Self.rate, .asSoonAsPossible))
        while try await server.client.status(query.id).message == "Initializing sources" { try await Task.sleep(for: .milliseconds(1)) }
        let running = ContinuousClock.now - began
        try await server.client.stop(query.id)
        return [Figure(name: "plan to running", value: running.inMilliseconds, unit: "ms", digits: 1)]
    }

    /// A row a second for some seconds: nothing but the batches costs anything.
    private func row(_ server: BenchedEngine) async throws -> [Figure] {
        guard let pid = server.pid else { return [] }
        let query = try await server.client.start(query(Self.rate, .asSoonAsPossible))
        try await Task.sleep(for: .seconds(3))
        let cpu = ProcessCPU.seconds(pid) ?? 0, seconds = 10
        try await Task.sleep(for: .seconds(seconds))
        let spent = (ProcessCPU.seconds(pid) ?? 0) - cpu
        try await server.client.stop(query.id)
        return [Figure(name: "CPU a batch", value: spent / Double(seconds) * 1_000, unit: "ms", digits: 2)]
    }

    private func idle(_ server: BenchedEngine) async throws -> [Figure] {
        guard let pid = server.pid else { return [] }
        let never = LogicalPlan.read(
            DataSourceRead(format: "rate", options: ["rowsPerSecond": "1", "rampUpTime": "1000000"], isStreaming: true))
        var ids: [String] = []
        for _ in 0..<100 { ids.append(try await server.client.start(query(never, .processingTime(.seconds(3_600)))).id) }
        try await Task.sleep(for: .seconds(3))
        let cpu = ProcessCPU.seconds(pid) ?? 0
        try await Task.sleep(for: .seconds(10))
        let spent = (ProcessCPU.seconds(pid) ?? 0) - cpu
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        func field(_ name: String) -> Double {
            status.split(separator: "\n").first { $0.hasPrefix(name) }?.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
                .first ?? 0
        }
        for id in ids { try await server.client.stop(id) }
        return [
            Figure(name: "memory, 100 queries", value: field("VmRSS:") / 1_024, unit: "MiB"),
            Figure(name: "threads", value: field("Threads:"), unit: ""),
            Figure(name: "CPU", value: spent / 10 * 100, unit: "% of a core", digits: 1),
        ]
    }
}
