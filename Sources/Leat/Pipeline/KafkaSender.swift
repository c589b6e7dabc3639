internal import FoundationEssentials
internal import Kafka
internal import NIOConcurrencyHelpers

/// Sends a task's records to Kafka, as JSON or as they are.
///
/// `send` returns when the record is queued, and waits while the queue is full; the task itself is not done before every record
/// has been acknowledged by all in-sync replicas. A record that cannot be delivered fails the task, with the reason.
public struct KafkaSender: Sendable {
    private let producer: KafkaProducer
    private let deliveries: Deliveries
    private let flushTimeout: Duration

    /// - Parameter acknowledged: told the topic of each record that has been acknowledged, on the producer's thread.
    init(producer: KafkaProducer, flushTimeout: Duration, acknowledged: @escaping @Sendable (String) -> Void) {
        self.producer = producer
        self.flushTimeout = flushTimeout
        deliveries = Deliveries(acknowledged)
    }

    /// Sends a value as JSON.
    ///
    /// - Parameter key: what the partition is chosen by; records of one key keep their order.
    /// - Throws: ``DeliveryError`` when an earlier record of this task was refused, or what encoding the value throws.
    public func send(_ value: some Encodable, to topic: String, key: String? = nil) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try await send(bytes: Array(try encoder.encode(value)), to: topic, key: key.map { Array($0.utf8) })
    }

    /// Sends bytes.
    public func send(bytes value: [UInt8]?, to topic: String, key: [UInt8]? = nil) async throws {
        if let failure = deliveries.failure { throw failure }
        let deliveries = deliveries
        while true {
            do {
                return try producer.enqueue(topic: topic, key: key, value: value) { deliveries.delivered($0, topic: topic) }
            } catch ProducerError.queueFull {
                try await producer.untilRoom()
            }
        }
    }

    /// Records acknowledged so far.
    public var acknowledged: Int { deliveries.acknowledged }

    /// Waits until every record has been acknowledged or refused.
    func finish() async throws {
        try await producer.flush(timeout: flushTimeout)
        if let failure = deliveries.failure { throw failure }
    }

    private final class Deliveries: Sendable {
        private struct State {
            var acknowledged = 0
            var failure: DeliveryError?
        }

        private let tell: @Sendable (String) -> Void

        init(_ tell: @escaping @Sendable (String) -> Void) {
            self.tell = tell
        }

        private let state = NIOLockedValueBox(State())

        var acknowledged: Int { state.withLockedValue { $0.acknowledged } }
        var failure: DeliveryError? { state.withLockedValue { $0.failure } }

        func delivered(_ result: Result<RecordMetadata, any Error>, topic: String) {
            if case .success = result { tell(topic) }
            state.withLockedValue { state in
                switch result {
                case .success: state.acknowledged += 1
                case .failure(let error):
                    if state.failure == nil { state.failure = DeliveryError(topic: topic, reason: "\(error)") }
                }
            }
        }
    }
}

/// A record that Kafka did not take.
public struct DeliveryError: Error, CustomStringConvertible {
    /// The topic that the record was for.
    public let topic: String
    /// What Kafka, or the client, said.
    public let reason: String
    /// The error for people.
    public var description: String { "a record for topic \(topic) was not delivered: \(reason)" }
}
