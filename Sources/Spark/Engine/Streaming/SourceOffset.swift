internal import IO

/// One partition of a source.
struct SourcePartition: Hashable, Sendable, Comparable {
    var topic: String
    var partition: Int32

    static func < (first: SourcePartition, second: SourcePartition) -> Bool {
        (first.topic, first.partition) < (second.topic, second.partition)
    }
}

/// How far a source has been read: the next offset of each partition. Written as Spark writes Kafka's, `{"topic":{"0":12}}`.
struct SourceOffset: Hashable, Sendable {
    var positions: [SourcePartition: Int64]

    init(_ positions: [SourcePartition: Int64] = [:]) {
        self.positions = positions
    }

    var json: JSON {
        let topics = Dictionary(grouping: positions, by: \.key.topic).sorted { $0.key < $1.key }
        return .object(
            JSON.Members(
                topics.map { topic, entries in
                    let offsets = entries.sorted { $0.key < $1.key }.map { (String($0.key.partition), JSON.integer($0.value)) }
                    return (topic, .object(JSON.Members(offsets)))
                }))
    }

    init?(json: JSON) {
        var positions: [SourcePartition: Int64] = [:]
        for topic in json.members {
            for entry in topic.value.members {
                guard let partition = Int32(entry.name), let offset = entry.value.integer else { return nil }
                positions[SourcePartition(topic: topic.name, partition: partition)] = offset
            }
        }
        self.init(positions)
    }
}

/// The part of one source that a micro-batch reads: `[start, end)` of each partition.
struct SourceRange: Hashable, Sendable {
    var start: SourceOffset
    var end: SourceOffset

    /// Partitions with something to read, in the order that gives their rows their ordinals.
    var partitions: [(partition: SourcePartition, start: Int64, end: Int64)] {
        end.positions.sorted { $0.key < $1.key }.compactMap { partition, end in
            let start = start.positions[partition] ?? 0
            return end > start ? (partition, start, end) : nil
        }
    }

    /// The number of offsets, at least the number of rows.
    var span: Int64 { partitions.reduce(0) { $0 + $1.end - $1.start } }
    var isEmpty: Bool { partitions.isEmpty }
}
