internal import IO
internal import Kafka

/// The options of `format("kafka")` as a source, read and checked once, with Spark's words for what is wrong.
///
/// https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html#reading-data-from-kafka
struct KafkaSourceOptions: Sendable {
    /// What is read.
    enum Strategy: Sendable {
        case topics([String])
        case pattern(String)
        case partitions([SourcePartition])
    }

    enum Start: Hashable, Sendable {
        case earliest
        case latest
        /// -2 is earliest and -1 latest, as in Spark's JSON.
        case offsets([SourcePartition: Int64])
        /// Milliseconds since 1970, for every partition.
        case timestamp(Int64)
        case timestamps([SourcePartition: Int64])
    }

    var strategy: Strategy
    /// nil: what the engine was configured with.
    var bootstrap: [Endpoint]?
    var starting: Start
    var ending: Start
    /// Whether a partition that has nothing as new as its timestamp is read from its end, instead of failing the query.
    var startsAtLatestWithoutMatch: Bool
    var offsetsPerTriggerMax: Int?
    var offsetsPerTriggerMin: Int?
    /// How long a batch may be held back for `minOffsetsPerTrigger`.
    var triggerDelayMax: Duration
    var failOnDataLoss: Bool
    var includeHeaders: Bool
    var isolationLevel: IsolationLevel
    /// `kafka.*` options, without the prefix.
    var clientProperties: [String: String]

    /// The topics that are named; none for a pattern.
    var topics: [String] {
        switch strategy {
        case .topics(let topics): topics
        case .pattern: []
        case .partitions(let partitions): Set(partitions.map(\.topic)).sorted()
        }
    }

    init(_ options: Options, isStreaming: Bool) throws {
        strategy = try Self.strategy(options)
        includeHeaders = try Self.flag(options, "includeHeaders", default: false)
        failOnDataLoss = try Self.flag(options, "failOnDataLoss", default: true)
        starting = try Self.start(
            options, ("startingTimestamp", "startingOffsetsByTimestamp", "startingOffsets"), default: isStreaming ? .latest : .earliest)
        ending = try Self.start(options, ("endingTimestamp", "endingOffsetsByTimestamp", "endingOffsets"), default: .latest)
        switch options["startingOffsetsByTimestampStrategy"]?.lowercased() {
        case nil, "error"?: startsAtLatestWithoutMatch = false
        case "latest"?: startsAtLatestWithoutMatch = true
        case let other?: throw Self.invalid("Unknown value for startingOffsetsByTimestampStrategy: \(other) (error or latest is wanted)")
        }
        offsetsPerTriggerMax = try Self.number(options, "maxOffsetsPerTrigger")
        offsetsPerTriggerMin = try Self.number(options, "minOffsetsPerTrigger")
        _ = try Self.number(options, "minPartitions")
        if let least = offsetsPerTriggerMin, let most = offsetsPerTriggerMax, least > most {
            throw Self.invalid(
                "The value of minOffsetPerTrigger(\(least)) is higher than the maxOffsetsPerTrigger(\(most)).")
        }
        triggerDelayMax = try options["maxTriggerDelay"].map(Self.delay) ?? .seconds(15 * 60)
        clientProperties = [:]
        for (name, value) in options.pairs where name.lowercased().hasPrefix("kafka.") {
            clientProperties[String(name.dropFirst(6)).lowercased()] = value
        }
        try Self.checkProperties(clientProperties)
        switch clientProperties["isolation.level"]?.lowercased() {
        case nil: isolationLevel = .readUncommitted
        case let text?:
            guard let level = IsolationLevel(rawValue: text) else {
                throw Self.invalid(
                    "Invalid value \(text) for configuration isolation.level: String must be one of: read_committed, read_uncommitted")
            }
            isolationLevel = level
        }
        if let text = options["kafka.bootstrap.servers"] {
            bootstrap = try Endpoint.list(parsing: text, defaultPort: 9_092)
        }
        try isStreaming ? checkStream(options) : checkBatch()
    }

    private func checkStream(_ options: Options) throws {
        if options["endingOffsets"] != nil { throw Self.invalid("ending offset not valid in streaming queries") }
        if options["endingOffsetsByTimestamp"] != nil { throw Self.invalid("ending timestamp not valid in streaming queries") }
        if options["endingTimestamp"] != nil { throw Self.invalid("ending timestamp not valid in streaming queries") }
    }

    private func checkBatch() throws {
        if starting == .latest { throw Self.invalid("starting offset can't be latest for batch queries on Kafka") }
        if ending == .earliest { throw Self.invalid("ending offset can't be earliest for batch queries on Kafka") }
        if case .offsets(let offsets) = starting, let latest = offsets.filter({ $0.value == -1 }).keys.min() {
            throw Self.invalid("startingOffsets for \(latest.topic)-\(latest.partition) can't be latest for batch queries on Kafka")
        }
        if case .offsets(let offsets) = ending, let earliest = offsets.filter({ $0.value == -2 }).keys.min() {
            throw Self.invalid("ending offset for \(earliest.topic)-\(earliest.partition) can't be earliest for batch queries on Kafka")
        }
    }

    // MARK: What is read

    private static func strategy(_ options: Options) throws -> Strategy {
        let given = ["subscribe", "subscribePattern", "assign"].filter { options[$0] != nil }
        guard let name = given.first, let value = options[name]?.trimmed else {
            throw SparkError(
                "MISSING_KAFKA_OPTION", sqlState: "42000",
                "One of the following options must be specified for Kafka source: subscribe, subscribepattern, assign. See the docs for more details.",
                nextStep: "write .option(\"subscribe\", \"your_topic\")")
        }
        guard given.count == 1 else {
            throw invalid(
                "Only one of the following options can be specified for Kafka source: subscribe, subscribepattern, assign. See the docs for more details."
            )
        }
        switch name {
        case "subscribe":
            let topics = value.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
            guard !topics.isEmpty else {
                throw invalid("No topics to subscribe to as specified value for option 'subscribe' is '\(value)'")
            }
            return .topics(topics)
        case "subscribePattern":
            guard !value.isEmpty else {
                throw invalid("Pattern to subscribe to is empty as specified value for option 'subscribePattern' is '\(value)'")
            }
            _ = try JavaRegex(value)
            return .pattern(value)
        default:
            guard let json = try? JSON(parsing: value), json.object != nil else {
                throw invalid("No topicpartitions to assign to as specified value for option 'assign' is '\(value)'")
            }
            var partitions: [SourcePartition] = []
            for topic in json.members {
                guard let numbers = topic.value.array, !numbers.isEmpty else { throw wrongAssignment(value) }
                for number in numbers {
                    guard let partition = number.integer.flatMap({ Int32(exactly: $0) }), partition >= 0 else {
                        throw wrongAssignment(value)
                    }
                    partitions.append(SourcePartition(topic: topic.name, partition: partition))
                }
            }
            guard !partitions.isEmpty else { throw wrongAssignment(value) }
            return .partitions(partitions.sorted())
        }
    }

    private static func wrongAssignment(_ value: String) -> SparkError {
        invalid("Expected e.g. {\"topicA\":[0,1],\"topicB\":[0,1]}, got \(value)")
    }

    /// How the strategy is told in the query's progress.
    var description: String {
        switch strategy {
        case .topics(let topics): "Subscribe[\(topics.joined(separator: ","))]"
        case .pattern(let pattern): "SubscribePattern[\(pattern)]"
        case .partitions(let partitions):
            "Assign[\(partitions.map { "\($0.topic)-\($0.partition)" }.joined(separator: ","))]"
        }
    }

    // MARK: Values

    static func invalid(_ message: String) -> SparkError { SparkError("INVALID_KAFKA_OPTION", sqlState: "42616", message) }

    private static func flag(_ options: Options, _ name: String, default fallback: Bool) throws -> Bool {
        guard let text = options[name] else { return fallback }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw invalid("The value '\(text)' of the option '\(name)' is invalid: true or false is wanted.")
        }
    }

    private static func number(_ options: Options, _ name: String) throws -> Int? {
        guard let text = options[name] else { return nil }
        guard let value = Int(text), value > 0 else {
            throw invalid("The value '\(text)' of the option '\(name)' is invalid: a number above 0 is wanted.")
        }
        return value
    }

    /// Java's time strings: `15m`, `30s`, `500ms`; a number alone is milliseconds.
    private static func delay(_ text: String) throws -> Duration {
        let digits = text.prefix { $0.isNumber }
        let units: [String: Duration] = [
            "": .milliseconds(1), "us": .microseconds(1), "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "min": .seconds(60),
            "h": .seconds(3_600), "d": .seconds(86_400),
        ]
        guard let count = Int(digits), count < 1_000_000_000, let unit = units[text.dropFirst(digits.count).trimmed.lowercased()] else {
            throw invalid("The value '\(text)' of the option 'maxTriggerDelay' is invalid: a time such as 15m is wanted.")
        }
        return unit * count
    }

    /// A timestamp for all partitions goes before one for each, and that before offsets, as in Spark.
    private static func start(
        _ options: Options, _ names: (timestamp: String, timestamps: String, offsets: String), default fallback: Start
    ) throws -> Start {
        if let text = options[names.timestamp] {
            guard let milliseconds = Int64(text.trimmed), milliseconds >= 0 else {
                throw invalid("Expected a single long value, got \(text)")
            }
            return .timestamp(milliseconds)
        }
        if let text = options[names.timestamps] {
            guard let json = try? JSON(parsing: text), let times = SourceOffset(json: json), !times.positions.isEmpty else {
                throw invalid(
                    "Expected e.g. {\"topicA\": {\"0\": 123456789, \"1\": 123456789},\"topicB\": {\"0\": 123456789, \"1\": 123456789}}, got \(text)"
                )
            }
            return .timestamps(times.positions)
        }
        guard let text = options[names.offsets] else { return fallback }
        switch text.lowercased().trimmed {
        case "earliest": return .earliest
        case "latest": return .latest
        default:
            guard let json = try? JSON(parsing: text), let offset = SourceOffset(json: json), !offset.positions.isEmpty,
                offset.positions.values.allSatisfy({ $0 >= -2 })
            else {
                throw invalid("Expected e.g. {\"topicA\":{\"0\":23,\"1\":-1},\"topicB\":{\"0\":-2}}, got \(text)")
            }
            return .offsets(offset.positions)
        }
    }

    /// What Spark sets by itself and therefore does not take.
    private static func checkProperties(_ properties: [String: String]) throws {
        let refused: [String: String] = [
            "auto.offset.reset":
                "Kafka option 'auto.offset.reset' is not supported. Instead set the source option 'startingoffsets' to 'earliest' or 'latest' to specify where to start. Structured Streaming manages which offsets are consumed internally, rather than relying on the kafkaConsumer to do it.",
            "key.deserializer":
                "Kafka option 'key.deserializer' is not supported as keys are deserialized as byte arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly deserialize the keys.",
            "value.deserializer":
                "Kafka option 'value.deserializer' is not supported as values are deserialized as byte arrays with ByteArrayDeserializer. Use DataFrame operations to explicitly deserialize the values.",
            "enable.auto.commit":
                "Kafka option 'enable.auto.commit' is not supported as the Kafka source doesn't commit any offset.",
            "interceptor.classes":
                "Kafka option 'interceptor.classes' is not supported as it may break the query by modifying keys and values.",
        ]
        for name in properties.keys.sorted() {
            if let reason = refused[name] { throw invalid(reason) }
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
