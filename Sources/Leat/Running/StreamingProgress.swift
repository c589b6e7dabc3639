internal import IO

/// The parts of Spark's `StreamingQueryProgress` that the status shows.
struct StreamingProgress {
    let batchID: Int
    let batchDuration: Int
    let numInputRows: Int
    private let sources: [JSON]

    init?(json text: String) {
        guard let json = try? JSON(parsing: text), let batch = json["batchId"]?.integer,
            let duration = json["batchDuration"]?.integer, let rows = json["numInputRows"]?.integer, let sources = json["sources"]?.array
        else { return nil }
        batchID = Int(batch)
        batchDuration = Int(duration)
        numInputRows = Int(rows)
        self.sources = sources
    }

    /// The end offset's form is the source's own: Kafka's is topic to partition to offset, the rate source's a number.
    func endOffsets(of topic: String) -> [Int32: Int64]? {
        guard let offsets = sources.lazy.compactMap({ $0["endOffset"]?[topic]?.object }).first else { return nil }
        var ends: [Int32: Int64] = [:]
        for (partition, offset) in offsets {
            if let partition = Int32(partition), let offset = offset.integer { ends[partition] = offset }
        }
        return ends
    }
}
