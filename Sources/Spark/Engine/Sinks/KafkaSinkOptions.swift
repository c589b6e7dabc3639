internal import IO
internal import Kafka
internal import Logging

/// The options of a write to `format("kafka")`, read and checked once.
struct KafkaSinkOptions: Sendable {
    var topic: String?
    /// nil: what the engine was configured with.
    var bootstrap: [Endpoint]?
    /// librdkafka's names and values.
    var properties: [String: String]
    var transactionalID: String?
    /// False: idempotent, and a batch that is run again is written again.
    var isExactlyOnce: Bool

    /// What Java's producer calls otherwise than librdkafka, and what has no counterpart there.
    private static let renamed = ["max.request.size": "message.max.bytes"]

    init(_ options: Options, logger: Logger) throws {
        topic = options["topic"]?.trimmed
        if topic?.isEmpty == true { throw KafkaSourceOptions.invalid("the option 'topic' is empty") }
        switch (options["leat.exactly.once"] ?? "true").lowercased() {
        case "true": isExactlyOnce = true
        case "false": isExactlyOnce = false
        case let other: throw KafkaSourceOptions.invalid("the option 'leat.exactly.once' is '\(other)'; true or false is wanted")
        }
        properties = ["client.id": "leat-engine"]
        for (name, value) in options.pairs where name.lowercased().hasPrefix("kafka.") {
            let property = String(name.dropFirst(6)).lowercased()
            switch property {
            case "bootstrap.servers": bootstrap = try Endpoint.list(parsing: value, defaultPort: 9_092)
            case "transactional.id": transactionalID = value
            case "key.serializer":
                throw KafkaSourceOptions.invalid(
                    "Kafka option 'key.serializer' is not supported as keys are serialized with ByteArraySerializer.")
            case "value.serializer":
                throw KafkaSourceOptions.invalid(
                    "Kafka option 'value.serializer' is not supported as values are serialized with ByteArraySerializer.")
            case "buffer.memory": if let bytes = Int(value) { properties["queue.buffering.max.kbytes"] = String(max(1, bytes / 1_024)) }
            case "sasl.jaas.config":
                // `…LoginModule required username="u" password="p";`
                for (key, name) in [("username", "sasl.username"), ("password", "sasl.password")] {
                    if let found = Self.quoted(key, in: value) { properties[name] = found }
                }
            default:
                let property = Self.renamed[property] ?? property
                if KafkaProducer.isKnown(property: property) {
                    properties[property] = value
                } else {
                    logger.notice("the option kafka.\(property) has no effect on this engine's Kafka producer")
                }
            }
        }
    }

    private static func quoted(_ key: String, in text: String) -> String? {
        guard let start = text.firstRange(of: key + "=\"") else { return nil }
        let rest = text[start.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }
}
