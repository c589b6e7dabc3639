import Cassandra
import Foundation
import Histogram
import IO
import Kafka
import Logging

/// The open loop of the latency benchmark: one task sends each record when it is due, another reads its row until it is there.
///
/// The reader looks for the oldest record that it has not seen; once that is there, the ones behind it mostly are too. A record's
/// latency runs from the moment at which it was due to be sent, so that a stall of the sender counts against all that it held up.
struct LatencyRun: Sendable {
    let stack: BenchStack
    let rate: Int
    let count: Int
    /// The number of the first user, clear of those that an earlier run has written.
    let first: Int

    /// - Returns: latencies in microseconds.
    func run() async throws -> Histogram<UInt64> {
        var logger = Logger(label: "leat.bench")
        logger.logLevel = .error
        let producer = try KafkaProducer(bootstrap: [stack.broker], properties: ["linger.ms": "0"], logger: logger)
        let cassandra = CassandraClient(CassandraClientConfiguration(contactPoints: [stack.store]), logger: logger)
        let select = try await cassandra.prepare("SELECT id FROM spark_streams.created_users WHERE id = ?")
        let begin = ContinuousClock.now + .milliseconds(200)
        async let sending: Void = send(producer, from: begin)
        let histogram = try await read(cassandra, select, from: begin)
        try await sending
        await producer.close()
        await cassandra.close()
        return histogram
    }

    private func due(_ number: Int, _ begin: ContinuousClock.Instant) -> ContinuousClock.Instant {
        begin + .nanoseconds(number * (1_000_000_000 / rate))
    }

    private func send(_ producer: KafkaProducer, from begin: ContinuousClock.Instant) async throws {
        let failures = FailureCount()
        for number in 0..<count {
            let due = due(number, begin)
            if due > .now { try await Task.sleep(until: due, tolerance: .zero, clock: .continuous) }
            let user = BenchUser(first + number)
            try producer.enqueue(topic: BenchStack.topic, key: user.key, value: user.json) { if case .failure = $0 { failures.add() } }
        }
        try await producer.flush(timeout: .seconds(30))
        if failures.count > 0 { throw BenchError(problem: "\(failures.count) records were not acknowledged") }
    }

    private func read(_ cassandra: CassandraClient, _ select: PreparedStatement, from begin: ContinuousClock.Instant) async throws
        -> Histogram<UInt64>
    {
        var histogram = Histogram<UInt64>(highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: .three)
        for number in 0..<count {
            let due = due(number, begin)
            if due > .now { try await Task.sleep(until: due, tolerance: .zero, clock: .continuous) }
            let key = BenchUser(first + number).uuid
            while try await cassandra.execute(select, values: [.uuid(key)]).rows.isEmpty {
                guard ContinuousClock.now - due < .seconds(30) else {
                    throw BenchError(problem: "record \(number) of \(count) is not in the table after 30 s")
                }
                try await Task.sleep(for: .microseconds(300), tolerance: .zero)
            }
            histogram.record(UInt64(max(1, (ContinuousClock.now - due).inSeconds * 1e6)))
        }
        return histogram
    }
}
