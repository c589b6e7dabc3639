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
    var stateOperators: [StateOperator] = []
    /// nil where the query has no watermark.
    var eventTime: EventTimes?

    /// One stateful operator after the batch.
    struct StateOperator: Sendable {
        var name: String
        var rowsTotal: Int
        var metrics: StateMetrics
        var memoryBytes: Int
        var commitMillis: Int64
    }

    /// Microseconds; the batch's own are there where it had rows with a time.
    struct EventTimes: Sendable {
        var batch: (lowest: Int64, highest: Int64, average: Int64)?
        var watermark: Int64

        fileprivate var json: JSON {
            func text(_ micros: Int64) -> JSON { .string(DateTimeText.isoMillis(micros: micros)) }
            var members: JSON.Members = [:]
            if let batch {
                members["avg"] = text(batch.average)
                members["max"] = text(batch.highest)
                members["min"] = text(batch.lowest)
            }
            members["watermark"] = text(watermark)
            return .object(members)
        }
    }

    var json: String {
        let input = intervalSeconds > 0 ? Double(rows) / intervalSeconds : 0
        let processed = durationSeconds > 0 ? Double(rows) / durationSeconds : 0
        func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? nil }
        return JSON.object([
            "id": .string(id.text), "runId": .string(runID), "name": optional(name),
            "timestamp": .string(DateTimeText.isoMillis(micros: startMicros)), "batchId": .integer(batchID),
            "batchDuration": .integer(Int64((durationSeconds * 1_000).rounded())), "numInputRows": .integer(Int64(rows)),
            "inputRowsPerSecond": .number(input), "processedRowsPerSecond": .number(processed),
            "durationMs": .object(JSON.Members(durations.map { ($0.name, .integer($0.milliseconds)) })),
            "eventTime": eventTime?.json ?? [:], "stateOperators": .array(stateOperators.map(\.json)),
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

extension StreamingQueryProgress.StateOperator {
    fileprivate var json: JSON {
        var custom: JSON.Members = [:]
        if name.hasPrefix("dedupe") { custom["numDroppedDuplicateRows"] = .integer(Int64(metrics.duplicates)) }
        return [
            "operatorName": .string(name), "numRowsTotal": .integer(Int64(rowsTotal)), "numRowsUpdated": .integer(Int64(metrics.updated)),
            "allUpdatesTimeMs": 0, "numRowsRemoved": .integer(Int64(metrics.removed)), "allRemovalsTimeMs": 0,
            "commitTimeMs": .integer(commitMillis), "memoryUsedBytes": .integer(Int64(memoryBytes)),
            "numRowsDroppedByWatermark": .integer(Int64(metrics.droppedByWatermark)), "numShufflePartitions": 1,
            "numStateStoreInstances": 1, "customMetrics": .object(custom),
        ]
    }
}
