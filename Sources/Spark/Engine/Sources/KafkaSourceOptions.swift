internal import IO

/// The options of `format("kafka")`, read and checked once.
struct KafkaSourceOptions: Sendable {
    enum Start: Hashable, Sendable {
        case earliest
        case latest
        /// -2 is earliest and -1 latest, as in Spark's JSON.
        case offsets([SourcePartition: Int64])
    }

    var topics: [String]
    /// nil: what the engine was configured with.
    var bootstrap: [Endpoint]?
    var starting: Start
    var ending: Start
    var offsetsPerTriggerMax: Int?
    var failOnDataLoss: Bool
    var includeHeaders: Bool
    /// `kafka.*` options, without the prefix.
    var clientProperties: [String: String]

    init(_ options: Options, isStreaming: Bool) throws {
        for name in [
            "subscribePattern", "assign", "startingTimestamp", "endingTimestamp", "startingOffsetsByTimestamp", "endingOffsetsByTimestamp",
        ]
        where options[name] != nil {
            throw Self.invalid(name, options[name] ?? "", "this engine does not serve it yet; name the topics with 'subscribe'")
        }
        guard let subscribe = options["subscribe"] else {
            throw SparkError(
                "MISSING_KAFKA_OPTION", sqlState: "42000",
                "One of the options 'subscribe', 'subscribePattern' and 'assign' must be given for the kafka source.",
                nextStep: "write .option(\"subscribe\", \"your_topic\")")
        }
        topics = subscribe.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
        guard !topics.isEmpty else { throw Self.invalid("subscribe", subscribe, "it names no topic") }
        includeHeaders = try Self.flag(options, "includeHeaders", default: false)
        failOnDataLoss = try Self.flag(options, "failOnDataLoss", default: true)
        starting = try Self.offsets(options, "startingOffsets", default: isStreaming ? .latest : .earliest)
        ending = try Self.offsets(options, "endingOffsets", default: .latest)
        if isStreaming, options["endingOffsets"] != nil {
            throw Self.invalid("endingOffsets", options["endingOffsets"] ?? "", "it is for batch queries only")
        }
        if ending == .earliest { throw Self.invalid("endingOffsets", "earliest", "a batch cannot end before it begins") }
        if !isStreaming, starting == .latest {
            throw Self.invalid("startingOffsets", "latest", "a batch that begins at the end reads nothing")
        }
        if let text = options["maxOffsetsPerTrigger"] {
            guard let value = Int(text), value > 0 else { throw Self.invalid("maxOffsetsPerTrigger", text, "a number above 0 is wanted") }
            offsetsPerTriggerMax = value
        }
        clientProperties = [:]
        for (name, value) in options.pairs where name.lowercased().hasPrefix("kafka.") {
            clientProperties[String(name.dropFirst(6))] = value
        }
        if let text = options["kafka.bootstrap.servers"] {
            bootstrap = try Endpoint.list(parsing: text, defaultPort: 9_092)
        }
    }

    private static func invalid(_ name: String, _ value: String, _ reason: String) -> SparkError {
        SparkError("INVALID_KAFKA_OPTION", sqlState: "42616", "The value '\(value)' of the option '\(name)' is invalid: \(reason).")
    }

    private static func flag(_ options: Options, _ name: String, default fallback: Bool) throws -> Bool {
        guard let text = options[name] else { return fallback }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw invalid(name, text, "true or false is wanted")
        }
    }

    private static func offsets(_ options: Options, _ name: String, default fallback: Start) throws -> Start {
        guard let text = options[name] else { return fallback }
        switch text.lowercased() {
        case "earliest": return .earliest
        case "latest": return .latest
        default:
            guard let json = try? JSON(parsing: text), let offset = SourceOffset(json: json), !offset.positions.isEmpty else {
                throw invalid(name, text, "earliest, latest or JSON such as {\"topic\":{\"0\":23}} is wanted")
            }
            return .offsets(offset.positions)
        }
    }
}

extension StringProtocol {
    var trimmed: String {
        var slice = Substring(self)
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}
