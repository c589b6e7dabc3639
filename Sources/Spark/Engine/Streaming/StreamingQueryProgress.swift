internal import IO

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
        func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? nil }
        return JSON.object([
            "id": .string(id.text), "runId": .string(runID), "name": optional(name),
            "timestamp": .string(DateTimeText.isoMillis(micros: startMicros)), "batchId": .integer(batchID),
            "batchDuration": .integer(Int64((durationSeconds * 1_000).rounded())), "numInputRows": .integer(Int64(rows)),
            "inputRowsPerSecond": .number(input), "processedRowsPerSecond": .number(processed),
            "durationMs": .object(JSON.Members(durations.map { ($0.name, .integer($0.milliseconds)) })), "stateOperators": [],
            "sources": .array(sources.map { source($0, input, processed) }),
            "sink": ["description": .string(sinkDescription), "numOutputRows": .integer(Int64(outputRows))],
            "observedMetrics": [
                "leat": [
                    "deadLetters": .integer(Int64(deadLetters)), "deadLettersTotal": .integer(Int64(deadLettersTotal)),
                    "lastDeadLetterReason": optional(lastDeadLetterReason), "lastDeadLetterOffset": optional(lastDeadLetterOffset),
                    "deadLetterTopic": optional(deadLetterTopic),
                ]
            ],
        ]).text
    }

    private func source(_ source: Source, _ input: Double, _ processed: Double) -> JSON {
        var members: JSON.Members = [
            "description": .string(source.description), "startOffset": source.start.json, "endOffset": source.end.json,
            "latestOffset": source.latest?.json ?? nil, "numInputRows": .integer(Int64(source.rows)),
            "inputRowsPerSecond": .number(input), "processedRowsPerSecond": .number(processed),
        ]
        if let latest = source.latest, !latest.positions.isEmpty {
            let behind = latest.positions.map { max(0, $0.value - (source.end.positions[$0.key] ?? 0)) }
            members["metrics"] = [
                "avgOffsetsBehindLatest": .string(String(Double(behind.reduce(0, +)) / Double(behind.count))),
                "maxOffsetsBehindLatest": .string(String(behind.max() ?? 0)),
                "minOffsetsBehindLatest": .string(String(behind.min() ?? 0)),
            ]
        }
        return .object(members)
    }
}
