/// Spark's StreamingQueryProgress of one micro-batch, with what Leat adds under `observedMetrics.leat`.
struct StreamingQueryProgress: Sendable {
    struct Source: Sendable {
        var description: String
        var start: SourceOffset
        var end: SourceOffset
        var latest: SourceOffset?
        var rows: Int
    }

    var id: StreamingQueryID
    var runID: String
    var name: String?
    /// When the batch's trigger began.
    var startMicros: Int64
    var batchID: Int64
    var rows: Int
    /// Since the trigger before.
    var intervalSeconds: Double
    var durationSeconds: Double
    var durations: [(name: String, milliseconds: Int64)]
    var sources: [Source]
    var sinkDescription: String
    var outputRows: Int
    var deadLetters: Int
    var deadLettersTotal: Int
    var lastDeadLetterReason: String?
    var lastDeadLetterOffset: String?
    var deadLetterTopic: String?

    var json: String {
        let input = intervalSeconds > 0 ? Double(rows) / intervalSeconds : 0
        let processed = durationSeconds > 0 ? Double(rows) / durationSeconds : 0
        func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return JSONValue.object([
            .init("id", .string(id.text)), .init("runId", .string(runID)), .init("name", optional(name)),
            .init("timestamp", .string(DateTimeText.isoMillis(micros: startMicros))), .init("batchId", .integer(batchID)),
            .init("batchDuration", .integer(Int64((durationSeconds * 1_000).rounded()))), .init("numInputRows", .integer(Int64(rows))),
            .init("inputRowsPerSecond", .double(input)), .init("processedRowsPerSecond", .double(processed)),
            .init("durationMs", .object(durations.map { .init($0.name, .integer($0.milliseconds)) })), .init("stateOperators", .array([])),
            .init("sources", .array(sources.map { source($0, input, processed) })),
            .init("sink", .object([.init("description", .string(sinkDescription)), .init("numOutputRows", .integer(Int64(outputRows)))])),
            .init(
                "observedMetrics",
                .object([
                    .init(
                        "leat",
                        .object([
                            .init("deadLetters", .integer(Int64(deadLetters))),
                            .init("deadLettersTotal", .integer(Int64(deadLettersTotal))),
                            .init("lastDeadLetterReason", optional(lastDeadLetterReason)),
                            .init("lastDeadLetterOffset", optional(lastDeadLetterOffset)),
                            .init("deadLetterTopic", optional(deadLetterTopic)),
                        ]))
                ])),
        ]).serialized
    }

    private func source(_ source: Source, _ input: Double, _ processed: Double) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("description", .string(source.description)), .init("startOffset", source.start.json), .init("endOffset", source.end.json),
            .init("latestOffset", source.latest?.json ?? .null), .init("numInputRows", .integer(Int64(source.rows))),
            .init("inputRowsPerSecond", .double(input)), .init("processedRowsPerSecond", .double(processed)),
        ]
        if let latest = source.latest, !latest.positions.isEmpty {
            let behind = latest.positions.map { max(0, $0.value - (source.end.positions[$0.key] ?? 0)) }
            members.append(
                .init(
                    "metrics",
                    .object([
                        .init("avgOffsetsBehindLatest", .string(String(Double(behind.reduce(0, +)) / Double(behind.count)))),
                        .init("maxOffsetsBehindLatest", .string(String(behind.max() ?? 0))),
                        .init("minOffsetsBehindLatest", .string(String(behind.min() ?? 0))),
                    ])))
        }
        return .object(members)
    }
}
