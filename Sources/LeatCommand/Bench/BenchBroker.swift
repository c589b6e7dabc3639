import ArgumentParser
import Foundation
import IO
import Kafka
import NIOCore
import Stack

struct BenchBrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Produce and consume at two batch sizes; print throughput and the broker's CPU seconds for each GiB.",
        discussion: """
            Without --broker it starts `leat broker` in a process of its own, in a temporary folder. The load is record batches encoded
            beforehand, sent over several connections with a few requests in flight on each; then everything is read back. CPU
            time is the broker process's alone, from /proc, and can be read where the broker runs on this machine. What one
            fdatasync costs on the disk stands beside it, since with group commit it bounds a single producer.

            EXAMPLES
              leat bench broker
              leat bench broker --size 4GiB --partitions 6 --connections 8
              leat bench broker --broker 127.0.0.1:9092 --pid $(pgrep -f kafka.Kafka) --json
            """)

    @Option(help: ArgumentHelp("Measure this broker instead of one that is started for it.", valueName: "host:port"))
    var broker: String?

    @Option(help: "The broker's process; found by its listening port where it is left out.")
    var pid: Int32?

    @Option(help: "Bytes to produce at each batch size.")
    var size = "1GiB"

    @Option(help: "Batch sizes.")
    var batch = ["128KiB", "16KiB"]

    @Option(help: "Bytes of one record's value.")
    var record = "1KiB"

    @Option(help: "Partitions of the topic.")
    var partitions: Int32 = 4

    @Option(help: "Connections that produce, and as many that consume.")
    var connections = 4

    @Option(help: "Requests in flight on each connection.")
    var inFlight = 4

    @Option(help: "1: the leader's log; -1: all in-sync replicas.")
    var acks: Int16 = -1

    @Option(help: ArgumentHelp("Settings of the broker that is started.", valueName: "key=value"))
    var setting: [String] = []

    @Flag(help: "Write JSON.")
    var json = false

    func validate() throws {
        for text in [size, record] + batch where Setting.bytes(text) ?? 0 <= 0 {
            throw ValidationError("'\(text)' is no number of bytes such as 16KiB or 1GiB")
        }
        guard partitions > 0, connections > 0, inFlight > 0 else {
            throw ValidationError("--partitions, --connections and --in-flight are at least 1")
        }
        guard acks == 1 || acks == -1 else { throw ValidationError("--acks is 1 or -1") }
    }

    func run() async throws {
        let command = self
        try await untilInterrupted { try await command.measure() }
    }

    private func measure() async throws {
        guard let broker else {
            let server = try await BenchedBox.start(.broker, settings: setting)
            do {
                try await measure(server.endpoint, pid: server.pid, folder: server.folder.path)
            } catch {
                await server.stop()
                throw error
            }
            return await server.stop()
        }
        let endpoint = try Endpoint(parsing: broker, defaultPort: 9092)
        try await measure(
            endpoint, pid: pid ?? ProcessCPU.listener(onPort: endpoint.port), folder: FileManager.default.temporaryDirectory.path)
    }

    private func measure(_ endpoint: Endpoint, pid: Int32?, folder: String) async throws {
        let load = BrokerLoad(
            endpoint: endpoint, bytes: Setting.bytes(size)!, recordBytes: Setting.bytes(record)!, partitions: partitions,
            connections: connections, inFlight: inFlight, acks: acks)
        var runs: [BrokerLoad.Run] = []
        for text in batch { runs += try await load.run(batchBytes: Setting.bytes(text)!, pid: pid) }
        let report = BrokerLoad.Report(
            broker: "\(endpoint)", pid: pid, bytes: load.bytes, recordBytes: load.recordBytes, partitions: partitions,
            connections: connections, inFlight: inFlight, acks: acks, fdatasyncMilliseconds: try? DiskSync.median(in: folder), runs: runs)
        if json { return try printJSON(report) }
        print(report.text(), terminator: "")
    }
}

/// The load, and what it costs.
struct BrokerLoad: Sendable {
    let endpoint: Endpoint
    let bytes: Int
    let recordBytes: Int
    let partitions: Int32
    let connections: Int
    let inFlight: Int
    let acks: Int16

    struct Run: Encodable {
        let phase: String
        let batchBytes: Int
        let megabytesPerSecond: Double
        /// Nil where the broker's process cannot be seen.
        let serverCPUSecondsPerGiB: Double?
        let clientCPUSecondsPerGiB: Double
        let recordsPerSecond: Double
    }

    struct Report: Encodable {
        let broker: String
        let pid: Int32?
        let bytes: Int
        let recordBytes: Int
        let partitions: Int32
        let connections: Int
        let inFlight: Int
        let acks: Int16
        /// Of 100 writes of 4 KiB in the folder's file system.
        let fdatasyncMilliseconds: Double?
        let runs: [Run]

        func text() -> String {
            func number(_ value: Double?) -> String { value.map { String(format: "%.2f", $0) } ?? "-" }
            var table = TextTable([
                .init("phase"), .init("batch", alignsRight: true), .init("MB/s", alignsRight: true), .init("records/s", alignsRight: true),
                .init("broker CPU s/GiB", alignsRight: true), .init("client CPU s/GiB", alignsRight: true),
            ])
            for run in runs {
                table.add([
                    run.phase, "\(run.batchBytes / 1024) KiB", String(format: "%.0f", run.megabytesPerSecond),
                    Int(run.recordsPerSecond).formatted(), number(run.serverCPUSecondsPerGiB), number(run.clientCPUSecondsPerGiB),
                ])
            }
            let what =
                "\(String(format: "%.2f", Double(bytes) / Double(1 << 30))) GiB, \(partitions) partitions, \(connections) connections, acks \(acks)"
            return table.text() + "\(broker): \(what); fdatasync here: \(number(fdatasyncMilliseconds)) ms (median)\n"
        }
    }

    func run(batchBytes: Int, pid: Int32?) async throws -> [Run] {
        let clients = (0..<connections).map { _ in
            KafkaClient(KafkaClientConfiguration(bootstrap: [endpoint], clientID: "leat-bench"), logger: KafkaOptions.silent)
        }
        let topic = "leat-bench-\(batchBytes)-\(UInt32.random(in: 0...UInt32.max))"
        let admin = clients[0]
        do {
            try await admin.createTopics([NewTopic(name: topic, partitions: partitions, replicationFactor: -1)])
            let batch = LoadBatch.filled(recordBytes: recordBytes, batchBytes: batchBytes)
            let count = max(1, bytes / batch.bytes.readableBytes)
            let total = count * batch.bytes.readableBytes
            let produced = try await measured("produce", batchBytes, total, records: count * batch.recordCount, pid) {
                try await produce(batch.bytes, count: count, to: topic, clients)
            }
            let consumed = try await measured("consume", batchBytes, total, records: count * batch.recordCount, pid) {
                try await consume(topic, expected: count * batch.recordCount, clients)
            }
            try? await admin.deleteTopics([topic])
            for client in clients { await client.close() }
            return [produced, consumed]
        } catch {
            try? await admin.deleteTopics([topic])
            for client in clients { await client.close() }
            throw error
        }
    }

    private func measured(
        _ phase: String, _ batchBytes: Int, _ total: Int, records: Int, _ pid: Int32?, _ body: () async throws -> Void
    ) async throws -> Run {
        let server = pid.flatMap(ProcessCPU.seconds), client = ProcessCPU.seconds(getpid())
        let start = ContinuousClock.now
        try await body()
        let took = (ContinuousClock.now - start).inSeconds
        let gibibytes = Double(total) / Double(1 << 30)
        let serverAfter = pid.flatMap(ProcessCPU.seconds)
        return Run(
            phase: phase, batchBytes: batchBytes, megabytesPerSecond: Double(total) / 1e6 / took,
            serverCPUSecondsPerGiB: server.flatMap { before in serverAfter.map { ($0 - before) / gibibytes } },
            clientCPUSecondsPerGiB: ((ProcessCPU.seconds(getpid()) ?? 0) - (client ?? 0)) / gibibytes,
            recordsPerSecond: Double(records) / took)
    }

    private func produce(_ batch: ByteBuffer, count: Int, to topic: String, _ clients: [KafkaClient]) async throws {
        let workers = connections * inFlight
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                let client = clients[worker % connections]
                group.addTask {
                    for number in stride(from: worker, to: count, by: workers) {
                        let partition = TopicPartition(topic: topic, partition: Int32(number % Int(partitions)))
                        _ = try await client.append(batch, to: partition, acks: acks)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func consume(_ topic: String, expected: Int, _ clients: [KafkaClient]) async throws {
        let counted = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<partitions {
                let client = clients[Int(number) % connections]
                group.addTask {
                    let partition = TopicPartition(topic: topic, partition: number)
                    let end = try await client.offsets([partition: .latest])[partition] ?? 0
                    var next: Int64 = 0
                    var count = 0
                    while next < end {
                        let records = try await client.fetch(partition, from: next, maxBytes: 4 << 20)
                        count += records.count
                        next = records.nextOffset
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        guard counted == expected else { throw Miscount(produced: expected, consumed: counted) }
    }

    struct Miscount: DescribedError {
        let produced: Int
        let consumed: Int
        var problem: String { "\(produced) records were acknowledged and \(consumed) read back" }
    }
}
