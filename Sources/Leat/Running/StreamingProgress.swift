internal import Foundation

/// The parts of Spark's `StreamingQueryProgress` that the status shows.
struct StreamingProgress: Decodable {
    let batchId: Int
    let batchDuration: Int
    let numInputRows: Int
    let sources: [Source]

    struct Source: Decodable {
        let endOffset: [String: [String: Int64]]?

        private enum CodingKeys: CodingKey { case endOffset }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            // The end offset's form is the source's own: Kafka's is topic to partition to offset, the rate source's a number.
            endOffset = try? container.decode([String: [String: Int64]].self, forKey: .endOffset)
        }
    }

    init?(json: String) {
        guard let progress = try? JSONDecoder().decode(StreamingProgress.self, from: Data(json.utf8)) else { return nil }
        self = progress
    }

    func endOffsets(of topic: String) -> [Int32: Int64]? {
        for source in sources {
            guard let offsets = source.endOffset?[topic] else { continue }
            return Dictionary(uniqueKeysWithValues: offsets.compactMap { pair in Int32(pair.key).map { ($0, pair.value) } })
        }
        return nil
    }
}
