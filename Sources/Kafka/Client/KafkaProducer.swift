internal import CRdkafka
package import IO
package import Logging

/// Where an acknowledged record is.
package struct RecordMetadata: Sendable, Equatable {
    package let topic: String
    package let partition: Int32
    package let offset: Int64
}

/// Sends records by librdkafka: batching, compression, idempotence and retries are its own.
///
/// One thread polls for delivery reports and calls back. By default a record is acknowledged by all in-sync replicas, is written once
/// though it be sent several times (`enable.idempotence`), and a key goes to the partition that Java's clients would choose
/// (`partitioner=murmur2_random`).
package final class KafkaProducer: Sendable {
    let core: ProducerCore

    /// Whether librdkafka has a property of the name: Java's clients have some that it lacks.
    package static func isKnown(property: String) -> Bool { ProducerCore.isKnown(property) }

    /// What is set unless `properties` say otherwise.
    package static let defaultProperties: [String: String] = [
        "client.id": "leat", "acks": "all", "enable.idempotence": "true", "partitioner": "murmur2_random", "linger.ms": "5",
        "message.timeout.ms": "120000", "queue.buffering.max.messages": "100000", "queue.buffering.max.kbytes": "65536",
    ]

    /// - Parameter properties: librdkafka's names and values.
    /// - Throws: ``ProducerError/configuration(property:reason:)`` for a property that librdkafka refuses.
    package init(bootstrap: [Endpoint], properties: [String: String] = [:], logger: Logger) throws {
        var all = Self.defaultProperties
        // Idempotence wants acks=all; who asks for fewer acknowledgements does not want it.
        if let acks = properties["acks"] ?? properties["request.required.acks"], acks != "all", acks != "-1" {
            all["enable.idempotence"] = "false"
        }
        all.merge(properties) { $1 }
        all["bootstrap.servers"] = bootstrap.map(\.description).joined(separator: ",")
        core = try ProducerCore(properties: all, logger: logger)
    }

    deinit { core.stop(continuation: nil) }

    /// Sends a record and returns when it is acknowledged. Waits while the queue is full.
    ///
    /// A cancelled task throws CancellationError; the record may be delivered all the same.
    package func send(
        topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [(String, [UInt8]?)] = [],
        timestamp: Int64? = nil
    ) async throws -> RecordMetadata {
        while true {
            try Task.checkCancellation()
            let acknowledgement = Completion<RecordMetadata>()
            do {
                try enqueue(
                    topic: topic, partition: partition, key: key, value: value, headers: headers, timestamp: timestamp,
                    onDelivery: { acknowledgement.settle($0) })
            } catch ProducerError.queueFull {
                try await untilRoom()
                continue
            }
            return try await acknowledgement.value()
        }
    }

    /// Puts a record into the queue; `onDelivery` is called once, on the producer's thread, and must be quick.
    ///
    /// - Throws: ``ProducerError/queueFull(topic:)`` when there is no room (see ``untilRoom()``); `onDelivery` is then not called.
    package func enqueue(
        topic: String, partition: Int32? = nil, key: [UInt8]?, value: [UInt8]?, headers: [(String, [UInt8]?)] = [],
        timestamp: Int64? = nil, onDelivery: @escaping @Sendable (Result<RecordMetadata, any Error>) -> Void
    ) throws {
        try Self.withBytes(key) { key in
            try Self.withBytes(value) { value in
                try core.produce(
                    topic: topic, partition: partition, key: key, value: value, headers: headers, timestamp: timestamp,
                    onDelivery: onDelivery)
            }
        }
    }

    /// As above, for bytes that lie elsewhere; they are copied before it returns. Nil is Kafka's null.
    package func enqueue(
        topic: String, partition: Int32? = nil, keyBytes: UnsafeRawBufferPointer?, valueBytes: UnsafeRawBufferPointer?,
        headers: [(String, [UInt8]?)] = [], timestamp: Int64? = nil,
        onDelivery: @escaping @Sendable (Result<RecordMetadata, any Error>) -> Void
    ) throws {
        try core.produce(
            topic: topic, partition: partition, key: keyBytes, value: valueBytes, headers: headers, timestamp: timestamp,
            onDelivery: onDelivery)
    }

    /// As above, without a callback: for those who send many, flush, and then ask ``takeFailure()``.
    package func enqueue(
        topic: String, partition: Int32?, keyBytes: UnsafeRawBufferPointer?, valueBytes: UnsafeRawBufferPointer?,
        headers: [(String, [UInt8]?)] = []
    ) throws {
        try core.produce(
            topic: topic, partition: partition, key: keyBytes, value: valueBytes, headers: headers, timestamp: nil, onDelivery: nil)
    }

    /// Why the first of the records that had no callback was not acknowledged; nil when all were. It is told once.
    package func takeFailure() -> ProducerError? { core.takeFailure() }

    /// Returns when records have left a full queue. Another sender may take the room: try, and wait again.
    package func untilRoom() async throws {
        try await core.untilRoom()
    }

    /// Records that wait for their acknowledgement.
    package var pendingCount: Int { core.pendingCount }

    /// Sends at once what is queued, and returns when nothing waits for its acknowledgement.
    ///
    /// - Throws: ``ProducerError/flushTimedOut(remaining:timeout:)``; the records stay in the queue.
    package func flush(timeout: Duration) async throws {
        try await core.flush(timeout: timeout)
    }

    /// Flushes for at most `timeout`, gives up what is left (its callbacks get the error) and ends the thread. Idempotent.
    package func close(timeout: Duration = .seconds(10)) async {
        try? await core.flush(timeout: timeout)
        await withCheckedContinuation { core.stop(continuation: $0) }
    }

    private static func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> R) rethrows -> R {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }
}
