internal import CRdkafka
internal import IO

/// What may go wrong with a record on its way through librdkafka.
package enum ProducerError: DescribedError, Equatable {
    /// librdkafka does not take a property, or not with this value.
    case configuration(property: String, reason: String)
    /// librdkafka could not start.
    case start(reason: String)
    /// The producer's queue is full (`queue.buffering.max.messages`, `queue.buffering.max.kbytes`).
    case queueFull(topic: String)
    /// The record was not taken into the queue.
    case refused(topic: String, code: String, reason: String)
    /// The record was not acknowledged. Whether the broker has it cannot always be known.
    case undelivered(topic: String, partition: Int32, code: String, reason: String)
    case flushTimedOut(remaining: Int, timeout: Duration)
    case closed

    package var problem: String {
        switch self {
        case .configuration(let property, let reason): "the producer's property '\(property)' was refused: \(reason)"
        case .start(let reason): "the producer could not start: \(reason)"
        case .queueFull(let topic): "the producer's queue is full; a record for topic \(topic) was not taken"
        case .refused(let topic, let code, let reason): "a record for topic \(topic) was not taken: \(reason) (\(code))"
        case .undelivered(let topic, let partition, let code, let reason):
            partition < 0
                ? "a record for topic \(topic) was not acknowledged: \(reason) (\(code))"
                : "a record for \(topic)[\(partition)] was not acknowledged: \(reason) (\(code))"
        case .flushTimedOut(let remaining, let timeout): "\(remaining) records were not acknowledged within \(timeout.text)"
        case .closed: "the producer is closed"
        }
    }

    package var nextStep: String? {
        switch self {
        case .configuration: "librdkafka's CONFIGURATION.md lists the properties and their values"
        case .start: nil
        case .queueFull: "wait for room (`untilRoom()`, `send` does), or raise queue.buffering.max.messages"
        case .refused(_, "_UNKNOWN_TOPIC", _), .undelivered(_, _, "_UNKNOWN_TOPIC", _), .undelivered(_, _, "UNKNOWN_TOPIC_OR_PART", _):
            "create the topic, or let the broker create topics (broker.auto.create.topics)"
        case .refused(_, "_UNKNOWN_PARTITION", _), .undelivered(_, _, "_UNKNOWN_PARTITION", _): "name a partition that the topic has"
        case .refused(_, "MSG_SIZE_TOO_LARGE", _), .undelivered(_, _, "MSG_SIZE_TOO_LARGE", _):
            "send smaller records, or raise message.max.bytes here and max.message.bytes on the topic"
        case .refused: nil
        case .undelivered(_, _, "_MSG_TIMED_OUT", _): "check that the broker runs and that its advertised address can be reached from here"
        case .undelivered: "send it again; consumers must bear to see it twice"
        case .flushTimedOut: "check that the broker answers, or allow more time"
        case .closed: nil
        }
    }

    static func codeName(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2name(code)) }
    static func reason(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(code)) }
}
