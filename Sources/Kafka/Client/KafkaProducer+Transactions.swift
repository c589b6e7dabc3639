internal import CRdkafka
package import IO
package import Logging
internal import NIOPosix

/// A producer whose records become visible to readers of committed records all together, or not at all (KIP-98).
///
/// librdkafka's calls on transactions block: they run, one after the other, on a thread of the producer's own, while its other thread
/// serves the delivery reports. Each takes at most `patience` and then throws a ``TransactionError`` whose remedy is to call again.
package final class TransactionalProducer: Sendable {
    package let producer: KafkaProducer
    private let calls = NIOThreadPool(numberOfThreads: 1)
    private let patience: Duration

    /// - Parameters:
    ///   - timeout: how long a transaction may stay open before the broker aborts it (`transaction.timeout.ms`).
    ///   - patience: how long one call waits.
    package init(
        bootstrap: [Endpoint], transactionalID: String, timeout: Duration, patience: Duration = .seconds(1),
        properties: [String: String] = [:], logger: Logger
    ) throws {
        var all = properties
        all["transactional.id"] = transactionalID
        if all["transaction.timeout.ms"] == nil { all["transaction.timeout.ms"] = String(Int(timeout.inMilliseconds)) }
        // A record must not wait longer than its transaction may.
        if all["message.timeout.ms"] == nil, all["delivery.timeout.ms"] == nil { all["message.timeout.ms"] = all["transaction.timeout.ms"] }
        self.patience = patience
        producer = try KafkaProducer(bootstrap: bootstrap, properties: all, logger: logger)
        calls.start()
    }

    /// Takes the id over: ends what an earlier producer of this id left open, waits until what it had decided to commit is visible, and
    /// shuts that producer out.
    package func takeOver() async throws {
        try await call("init_transactions") { rd_kafka_init_transactions($0, $1) }
    }

    package func begin() async throws {
        try await call("begin_transaction") { handle, _ in rd_kafka_begin_transaction(handle) }
    }

    /// Commits a group's offset with the transaction.
    package func commit(offset: Int64, of partition: TopicPartition, group: String) async throws {
        try await call("send_offsets_to_transaction") { handle, patience in
            guard let list = rd_kafka_topic_partition_list_new(1) else { return nil }
            defer { rd_kafka_topic_partition_list_destroy(list) }
            guard let entry = rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition) else { return nil }
            entry.pointee.offset = offset
            let metadata = rd_kafka_consumer_group_metadata_new(group)
            defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
            return rd_kafka_send_offsets_to_transaction(handle, list, metadata, patience)
        }
    }

    /// Call it after a flush, so that it need not wait for records.
    package func commit() async throws {
        try await call("commit_transaction") { rd_kafka_commit_transaction($0, $1) }
    }

    /// Gives up what is queued and what was sent.
    package func abort() async throws {
        try await call("abort_transaction") { rd_kafka_abort_transaction($0, $1) }
    }

    /// Ends both threads. A transaction that is open stays so until the next producer of the id, or its time-out.
    package func close() async {
        try? await calls.shutdownGracefully()
        await producer.close(timeout: .zero)
    }

    private func call(
        _ operation: String, _ body: @escaping @Sendable (OpaquePointer, Int32) -> OpaquePointer?
    ) async throws {
        let patience = Int32(clamping: Int(patience.inMilliseconds))
        // The producer is kept while the call is under way: its handle lives as long.
        let error: TransactionError? = try await calls.runIfActive { [producer] in
            guard let error = body(producer.core.handle, patience) else { return nil }
            defer { rd_kafka_error_destroy(error) }
            return TransactionError(operation: operation, error)
        }
        if let error { throw error }
    }
}

extension TransactionError {
    fileprivate init(operation: String, _ error: OpaquePointer) {
        let code = rd_kafka_error_code(error)
        self.operation = operation
        self.code = String(cString: rd_kafka_err2name(code))
        reason = String(cString: rd_kafka_error_string(error))
        let isUseless = [
            RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR__STATE, RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
            RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        ].contains(code)
        let isHopeless = [
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
        ].contains(code)
        remedy =
            if isHopeless { .none } else if rd_kafka_error_txn_requires_abort(error) != 0 {
                .abort
            } else if isUseless
                || rd_kafka_error_is_fatal(error) != 0
            { .replace } else if rd_kafka_error_is_retriable(error) != 0 { .retry } else { .abort }
    }
}
