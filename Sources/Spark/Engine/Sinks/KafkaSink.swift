internal import IO
internal import Kafka
internal import Logging
internal import NIOConcurrencyHelpers

/// `format("kafka")`: rows become records, a micro-batch's all in one transaction, each batch once.
///
/// What makes it exactly once is that the batch's number becomes visible with its records: the transaction also commits it, as the
/// offset of partition 0 of the topic, for the group `leat-<query's id>`. Before a batch is written that offset is looked at; where it
/// is the batch's number, the batch is there already. So, killed at any point, a query that is started again finds one of these:
///
/// - before the transaction began, or while its records were sent, or after the offset was added and before the commit was asked for:
///   the coordinator holds an open transaction. `init_transactions` of the new producer, which has the same transactional id, aborts it
///   and shuts the old one out, should that still live; the offset is that of the batch before; the batch is written again.
/// - after the coordinator wrote down that it commits: `init_transactions` waits until records and offset are both visible (and the
///   offset is read with KIP-447's `require_stable`); the offset is the batch's number; the batch is skipped.
/// - after the commit was answered and before the engine's own commit: the same.
/// - after the engine's commit: the next batch is run, whose number the offset is not.
///
/// A commit whose answer is lost while the engine lives goes the same way: the producer is replaced, and the offset tells. So that a batch
/// can be sent again without running it again its records are kept until they are committed; a micro-batch is bounded.
///
/// A batch without rows writes nothing and leaves the offset as it is, which is harmless, since it has nothing to skip. A broker forgets
/// a group's offsets after `offsets.retention.minutes` without a commit: where there are none, a batch is written, and may then be there
/// twice if the engine was down for so long in between its sink's commit and its own.
///
/// A batch write (`df.write`) is one transaction, which nothing repeats: what fails leaves nothing that readers of committed records see.
final class KafkaSink: StreamSink {
    struct Settings: Sendable {
        var bootstrap: [Endpoint]
        var transactionTimeout: Duration
        var retry: Backoff
    }

    private enum Connection: Sendable {
        case transactional(TransactionalProducer)
        case plain(KafkaProducer)

        var producer: KafkaProducer {
            switch self {
            case .transactional(let transactional): transactional.producer
            case .plain(let producer): producer
            }
        }
    }

    private struct State {
        var columns: KafkaColumns?
        var connection: Connection?
        var batch: Int64 = 0
        /// The last batch that a transaction wrote; nil where none is known.
        var written: Int64?
        var isOpen = false
        var isSkipped = false
        /// The batch's records, until they are committed.
        var kept: [KafkaRecords] = []
        /// The topic whose partition 0 carries the batch's number.
        var marker: String?
        /// What went wrong since the last attempt began.
        var failure: (any Error)?
    }

    private let options: KafkaSinkOptions
    /// nil for a batch write.
    private let query: StreamingQueryID?
    private let settings: Settings
    private let client: KafkaClient
    private let logger: Logger
    private let status: @Sendable (String?) -> Void
    private let isStopped: @Sendable () -> Bool
    private let state = NIOLockedValueBox(State())

    init(
        options: KafkaSinkOptions, query: StreamingQueryID?, settings: Settings, client: KafkaClient, logger: Logger,
        status: @escaping @Sendable (String?) -> Void, isStopped: @escaping @Sendable () -> Bool
    ) {
        self.options = options
        self.query = query
        self.settings = settings
        self.client = client
        self.logger = logger
        self.status = status
        self.isStopped = isStopped
    }

    var description: String { "org.apache.spark.sql.kafka010.KafkaSourceProvider$KafkaTable" }
    var takesDeadLetters: Bool { false }
    private var group: String { "leat-\(query?.text ?? "")" }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {
        let columns = try KafkaColumns(schema, topicOption: options.topic)
        state.withLockedValue { $0.columns = columns }
        // A property that librdkafka refuses is told before anything runs.
        let connection = try connection()
        state.withLockedValue { $0.connection = connection }
        // A write that runs once tells its caller at once.
        if query == nil { try await takeOver(connection) }
    }

    private func connection() throws -> Connection {
        do {
            guard options.isExactlyOnce else {
                return .plain(try KafkaProducer(bootstrap: settings.bootstrap, properties: options.properties, logger: logger))
            }
            return .transactional(
                try TransactionalProducer(
                    bootstrap: settings.bootstrap,
                    transactionalID: options.transactionalID ?? "leat-\(query?.text ?? "write-" + UUIDText.random())-kafka",
                    timeout: settings.transactionTimeout, properties: options.properties, logger: logger))
        } catch ProducerError.configuration(let property, let reason) {
            throw KafkaSourceOptions.invalid("the option 'kafka.\(property)': \(reason)")
        }
    }

    // MARK: A batch

    func begin(_ batch: MicroBatch) async throws {
        state.withLockedValue {
            $0.batch = batch.id
            $0.kept = []
            $0.isSkipped = false
            $0.failure = nil
        }
        try await retrying { try await self.ready() }
        try skipIfWritten()
    }

    private func skipIfWritten() throws {
        let (batch, written) = state.withLockedValue { ($0.batch, $0.written) }
        guard let written else { return }
        if written == batch {
            logger.info("batch \(batch) is in Kafka already: it is skipped")
            state.withLockedValue { $0.isSkipped = true }
        } else if written > batch {
            throw SparkError(
                "STREAMING_CHECKPOINT_BEHIND_SINK", sqlState: "55019",
                "The query is to write its batch \(batch), but the group \(group) says that batch \(written) was written already.",
                nextStep: "another engine runs the query, or its checkpoint was put back to an older state; start it on a new checkpoint")
        }
    }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        let (columns, isSkipped) = state.withLockedValue { ($0.columns, $0.isSkipped) }
        guard let columns, !isSkipped, let count = rows.columns.lazy.compactMap({ $0?.count }).first else {
            return SinkOutput(payload: .none, rowCount: isSkipped ? rows.selection.count : 0, refusals: [])
        }
        let records = try columns.records(rows, count: count)
        return SinkOutput(payload: .kafka(records), rowCount: records.entries.count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .kafka(let records) = output.payload, !records.entries.isEmpty else { return }
        let hasFailed = state.withLockedValue { state in
            if query != nil { state.kept.append(records) }
            return state.failure != nil
        }
        guard !hasFailed else { return }
        do {
            try await transmit(records)
        } catch let error where query != nil && !(error is CancellationError) {
            // The batch is sent again when all of it is here.
            state.withLockedValue { $0.failure = error }
        }
    }

    private func transmit(_ records: KafkaRecords) async throws {
        guard let connection = state.withLockedValue({ $0.connection }) else { throw ProducerError.closed }
        if case .transactional(let transactional) = connection, !state.withLockedValue({ $0.isOpen }) {
            try await transactional.begin()
            state.withLockedValue {
                $0.isOpen = true
                $0.marker = options.topic ?? records.topics.first
            }
        }
        var next = 0
        while next < records.entries.count {
            next = try records.enqueue(from: next, into: connection.producer)
            if next < records.entries.count { try await connection.producer.untilRoom() }
        }
    }

    func finish() async throws -> [RefusedRows] {
        var backoff = settings.retry
        while true {
            do {
                if let failure = state.withLockedValue({ $0.failure }) { throw failure }
                try await commit()
                if backoff.attempts > 0 { status(nil) }
                state.withLockedValue { $0.kept = [] }
                return []
            } catch let error where query != nil && Self.mayPass(error) {
                try Task.checkCancellation()
                if isStopped() { throw CancellationError() }
                logger.warning("batch \(state.withLockedValue { $0.batch }) is not in Kafka yet: \(error); it is sent again")
                status("Waiting for Kafka: \(error)")
                try await Task.sleep(for: backoff.next())
                try await retrying { try await self.recover(from: error) }
                try skipIfWritten()
                if state.withLockedValue({ $0.isSkipped }) { continue }
                do {
                    for records in state.withLockedValue({ $0.kept }) { try await transmit(records) }
                } catch {
                    state.withLockedValue { $0.failure = error }
                }
            }
        }
    }

    /// Everything that was sent, and the batch's number, in one step.
    private func commit() async throws {
        let (connection, isOpen, isSkipped, batch, marker) = state.withLockedValue {
            ($0.connection, $0.isOpen, $0.isSkipped, $0.batch, $0.marker)
        }
        guard let connection, !isSkipped else { return }
        try await flush(connection.producer)
        guard case .transactional(let transactional) = connection, isOpen else { return }
        if query != nil, let marker {
            let partition = TopicPartition(topic: marker, partition: 0)
            try await patiently { try await transactional.commit(offset: batch, of: partition, group: self.group) }
        }
        try await patiently { try await transactional.commit() }
        state.withLockedValue {
            $0.isOpen = false
            if query != nil { $0.written = batch }
        }
    }

    private func flush(_ producer: KafkaProducer) async throws {
        while true {
            do {
                try await producer.flush(timeout: .seconds(1))
                break
            } catch ProducerError.flushTimedOut(let remaining, _) {
                try Task.checkCancellation()
                if isStopped() { throw CancellationError() }
                status("Waiting for Kafka to acknowledge \(remaining) records")
            }
        }
        if let failure = producer.takeFailure() { throw failure }
    }

    // MARK: Failures

    /// Whether the same records may be taken at another time.
    private static func mayPass(_ error: any Error) -> Bool {
        switch error {
        case is CancellationError, is SparkError: return false
        case let error as TransactionError: return error.remedy != .none
        case ProducerError.undelivered(_, _, let code, _), ProducerError.refused(_, let code, _):
            return ![
                "MSG_SIZE_TOO_LARGE", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART", "TOPIC_EXCEPTION", "INVALID_MSG",
                "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "INVALID_RECORD", "_INVALID_ARG", "POLICY_VIOLATION",
            ].contains(code)
        default: return true
        }
    }

    /// After it nothing of the batch is in an open transaction, or all of it is written.
    private func recover(from error: any Error) async throws {
        let (connection, isOpen) = state.withLockedValue { state in
            state.failure = nil
            return (state.connection, state.isOpen)
        }
        guard case .transactional(let transactional)? = connection else {
            // An idempotent producer that has met an error which it calls fatal takes nothing any more.
            state.withLockedValue { $0.connection = nil }
            await connection?.producer.close(timeout: .zero)
            let fresh = try self.connection()
            state.withLockedValue { $0.connection = fresh }
            return
        }
        // Whether a commit that failed was carried out is for the broker to tell a new producer.
        let isDoubtful = (error as? TransactionError).map { $0.remedy != .abort || $0.operation == "commit_transaction" } ?? false
        if isOpen, !isDoubtful {
            do {
                try await patiently { try await transactional.abort() }
                _ = transactional.producer.takeFailure()
                state.withLockedValue { $0.isOpen = false }
                return
            } catch let error as TransactionError {
                logger.warning("\(error); the producer is replaced")
            }
        }
        if !isOpen, !isDoubtful { return }
        state.withLockedValue {
            $0.connection = nil
            $0.isOpen = false
        }
        await transactional.close()
        try await ready()
    }

    /// Connects where it is not, takes the transactional id over, and finds out which batch was written last.
    private func ready() async throws {
        let (known, written) = state.withLockedValue { ($0.connection, $0.written) }
        if case .plain? = known { return }
        if known != nil, written != nil { return }
        let connection = try known ?? connection()
        do {
            try await takeOver(connection)
            let last = try await client.committedOffsets(group: group, isStable: true).values.max()
            state.withLockedValue {
                $0.connection = connection
                // Before the first batch: nothing that could be written already.
                $0.written = last ?? -1
            }
        } catch {
            if case .transactional(let transactional) = connection { await transactional.close() }
            state.withLockedValue { $0.connection = nil }
            throw error
        }
    }

    private func takeOver(_ connection: Connection) async throws {
        guard case .transactional(let transactional) = connection else { return }
        try await patiently { try await transactional.takeOver() }
    }

    /// Calls again what only needs more time: a query has all of it, a write that runs once as much as its transaction.
    private func patiently(_ body: @Sendable () async throws -> Void) async throws {
        let deadline = ContinuousClock.now + settings.transactionTimeout
        while true {
            do { return try await body() } catch let error as TransactionError where error.remedy == .retry {
                if query == nil, ContinuousClock.now > deadline { throw error }
                try Task.checkCancellation()
                if isStopped() { throw CancellationError() }
                status("Waiting for Kafka: \(error.problem)")
                // Some of librdkafka's answers to call again come at once.
                try await Task.sleep(for: settings.retry.initial)
            }
        }
    }

    private func retrying(_ body: @Sendable () async throws -> Void) async throws {
        var backoff = settings.retry
        while true {
            do {
                try await body()
                if backoff.attempts > 0 { status(nil) }
                return
            } catch let error where Self.mayPass(error) {
                try Task.checkCancellation()
                if isStopped() { throw CancellationError() }
                if backoff.attempts == 0 { logger.warning("\(description): \(error); retrying") }
                status("Waiting for Kafka: \(error)")
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    func stop() async {
        let (connection, isOpen) = state.withLockedValue { state in
            defer { state.connection = nil }
            return (state.connection, state.isOpen)
        }
        switch connection {
        case .transactional(let transactional)?:
            // Readers of committed records wait behind a transaction that is left open.
            if isOpen { try? await transactional.abort() }
            await transactional.close()
        case .plain(let producer)?: await producer.close(timeout: .zero)
        case nil: break
        }
        await client.close()
    }
}
