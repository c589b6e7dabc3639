internal import IO

/// One micro-batch's report, read from the JSON of Spark's `StreamingQueryProgress`.
///
/// Source: Structured Streaming guide, "Monitoring Streaming Queries", and `StreamingQueryProgress.json` of Spark 3.5 and 4. Offsets of
/// a Kafka source are an object of topics, each an object of partitions; other sources give numbers or text, which count as no offsets.
struct QueryProgress: Sendable, Equatable {
    var batch: BatchSnapshot
    var sources: [String]
    var sink: String?
    var endOffsets: [String: [String: Int64]]
    var latestOffsets: [String: [String: Int64]]
    var deadLetters: DeadLetterMetrics?

    init(parsing text: String) throws {
        let json = try JSON(parsing: text)
        let sources = json["sources"]?.elements ?? []
        let duration = json["durationMs"]?["triggerExecution"]?.number ?? json["batchDuration"]?.number
        batch = BatchSnapshot(
            id: json["batchId"]?.wholeNumber ?? 0,
            time: json["timestamp"]?.string.flatMap(Timestamp.milliseconds(iso8601:)),
            rows: json["numInputRows"]?.wholeNumber ?? sources.reduce(0) { $0 + ($1["numInputRows"]?.wholeNumber ?? 0) },
            durationMilliseconds: duration,
            processedRowsPerSecond: json["processedRowsPerSecond"]?.number,
            outputRows: json["sink"]?["numOutputRows"]?.wholeNumber.flatMap { $0 >= 0 ? $0 : nil })
        self.sources = sources.compactMap { $0["description"]?.string }
        sink = json["sink"]?["description"]?.string
        endOffsets = Self.offsets(sources, "endOffset")
        latestOffsets = Self.offsets(sources, "latestOffset")
        if let leat = json["observedMetrics"]?["leat"] {
            deadLetters = DeadLetterMetrics(
                total: leat["deadLettersTotal"]?.wholeNumber ?? leat["deadLetters"]?.wholeNumber ?? 0,
                topic: leat["deadLetterTopic"]?.string,
                lastReason: leat["lastDeadLetterReason"]?.string,
                lastOffset: leat["lastDeadLetterOffset"].flatMap { $0 == .null ? nil : $0.shown })
        }
    }

    private static func offsets(_ sources: [JSON], _ key: String) -> [String: [String: Int64]] {
        var all: [String: [String: Int64]] = [:]
        for source in sources {
            var offsets = source[key]
            // Spark's own JSON nests them; a client that kept the field as text gives a string of JSON.
            if case .string(let text)? = offsets { offsets = try? JSON(parsing: text) }
            for (topic, partitions) in offsets?.members ?? [:] {
                for (partition, offset) in partitions.members {
                    if let offset = offset.wholeNumber { all[topic, default: [:]][partition] = offset }
                }
            }
        }
        return all
    }

    /// The topics of the sources: by their offsets, else by descriptions such as `KafkaV2[Subscribe[users_created]]`.
    var topics: [String] {
        if !endOffsets.isEmpty { return endOffsets.keys.sorted() }
        return sources.flatMap { description -> [String] in
            guard let open = description.firstRange(of: "Subscribe["), let close = description[open.upperBound...].firstIndex(of: "]")
            else { return [] }
            return description[open.upperBound..<close].split(separator: ",").map { $0.filter { $0 != " " } }
        }
    }

    /// The rows of all topics up to the next batch's first.
    var rowsRead: Int64? {
        endOffsets.isEmpty ? nil : endOffsets.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    }
}
