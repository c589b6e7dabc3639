internal import IO
internal import Kafka
internal import NIOConcurrencyHelpers

/// The broker by Kafka's protocol: topics with their offsets, the last records of those that are shown, and what was dropped.
///
/// Records are read once: a look fetches only what was appended since the last one, or the newest few where that is less.
final class KafkaHop: Sendable {
    private let client: KafkaClient
    private let topicsMax: Int
    private let recordsMax: Int
    private let text: RecordText

    private struct State {
        /// By partition: where the next look goes on, and the newest records, oldest first.
        var tails: [TopicPartition: Tail] = [:]
        /// By dead-letter topic: its first record, as long as the log begins there.
        var firsts: [String: (record: DeadLetterSnapshot, logStarts: [Int32: Int64])] = [:]
    }

    private struct Tail {
        var next: Int64
        var records: [RecordSnapshot]
    }

    private let state = NIOLockedValueBox(State())

    init(client: KafkaClient, configuration: ConsoleConfiguration) {
        self.client = client
        topicsMax = configuration.topicsMax
        recordsMax = configuration.recordsMax
        text = RecordText(valueBytesMax: configuration.valueBytesMax)
    }

    func look(_ interest: Interest) async throws -> (BrokerLook, detail: String) {
        let metadata = try await client.metadata(topics: nil)
        let topics = metadata.topics.filter { !$0.isInternal && $0.error == nil }.sorted { $0.name < $1.name }.prefix(topicsMax)
        let partitions = topics.flatMap { topic in
            // A partition without a leader has no offsets to tell just now.
            topic.partitions.filter { $0.leader >= 0 }.map { TopicPartition(topic: topic.name, partition: $0.index) }
        }
        async let startsAnswer = client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, OffsetSpec.earliest) }))
        async let endsAnswer = client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, OffsetSpec.latest) }))
        let (starts, ends) = try await (startsAnswer, endsAnswer)

        var look = BrokerLook(brokers: metadata.brokers.count, topics: [], endOffsets: [:], startOffsets: [:], drops: [:])
        for partition in partitions {
            look.startOffsets[partition.topic, default: [:]]["\(partition.partition)"] = starts[partition]
            look.endOffsets[partition.topic, default: [:]]["\(partition.partition)"] = ends[partition]
        }
        for topic in topics {
            let start = look.startOffsets[topic.name]?.values.reduce(0, +), end = look.endOffsets[topic.name]?.values.reduce(0, +)
            var snapshot = TopicSnapshot(name: topic.name, partitions: topic.partitions.count, endOffset: end)
            if let start, let end { snapshot.records = max(0, end - start) }
            if topic.partitions.contains(where: { $0.leader < 0 }) { snapshot.problem = "a partition has no leader" }
            if interest.topics[topic.name] != nil {
                do {
                    snapshot.newest = try await newest(of: topic.name, starts, ends)
                } catch {
                    snapshot.problem = Self.words(error)
                }
            }
            look.topics.append(snapshot)
        }
        for (topic, deadLetterTopic) in interest.topics where look.endOffsets[deadLetterTopic] != nil {
            look.drops[topic] = await drops(in: deadLetterTopic, starts, ends)
        }
        forget(allBut: Set(interest.topics.flatMap { [$0.key, $0.value] }))
        let count = metadata.brokers.count
        return (
            look, detail: "\(count == 1 ? "1 broker" : "\(count) brokers"), \(topics.count == 1 ? "1 topic" : "\(topics.count) topics")"
        )
    }

    /// The topic's newest records, newest first.
    private func newest(
        of topic: String, _ starts: [TopicPartition: Int64], _ ends: [TopicPartition: Int64]
    ) async throws -> [RecordSnapshot] {
        var records: [RecordSnapshot] = []
        for (partition, end) in ends where partition.topic == topic {
            records += try await tail(of: partition, start: starts[partition] ?? 0, end: end)
        }
        return Array(
            records.sorted { ($0.timestamp, $0.partition, $0.offset) > ($1.timestamp, $1.partition, $1.offset) }.prefix(recordsMax))
    }

    private func tail(of partition: TopicPartition, start: Int64, end: Int64) async throws -> [RecordSnapshot] {
        var tail = state.withLockedValue { $0.tails[partition] } ?? Tail(next: start, records: [])
        if tail.next > end { tail = Tail(next: start, records: []) }
        tail.next = max(tail.next, start, end - Int64(recordsMax))
        while tail.next < end {
            let fetched = try await client.fetch(partition, from: tail.next, maxBytes: 1 << 20, maxWait: .zero, minBytes: 0)
            // Compacted away, or appended and not readable yet: the next look comes in a second.
            guard fetched.nextOffset > tail.next else { break }
            tail.next = fetched.nextOffset
            for index in max(0, fetched.count - recordsMax)..<fetched.count { tail.records.append(text.record(fetched, index)) }
            if tail.records.count > recordsMax { tail.records.removeFirst(tail.records.count - recordsMax) }
        }
        tail.records.removeAll { $0.offset < start }
        state.withLockedValue { $0.tails[partition] = tail }
        return tail.records
    }

    private func drops(in topic: String, _ starts: [TopicPartition: Int64], _ ends: [TopicPartition: Int64]) async -> DropsSnapshot {
        let partitions = ends.keys.filter { $0.topic == topic }
        let count = partitions.reduce(Int64(0)) { $0 + max(0, (ends[$1] ?? 0) - (starts[$1] ?? 0)) }
        var drops = DropsSnapshot(topic: topic, count: count)
        guard count > 0 else { return drops }
        do {
            drops.first = try await first(of: topic, starts, ends)
            drops.last = try await newest(of: topic, starts, ends).first.map(text.deadLetter)
        } catch {
            drops.problem = Self.words(error)
        }
        return drops
    }

    /// The oldest dead letter, by the time of each partition's first.
    private func first(
        of topic: String, _ starts: [TopicPartition: Int64], _ ends: [TopicPartition: Int64]
    ) async throws -> DeadLetterSnapshot? {
        let partitions = ends.filter { $0.key.topic == topic && $0.value > (starts[$0.key] ?? 0) }.keys
        let logStarts = Dictionary(uniqueKeysWithValues: partitions.map { ($0.partition, starts[$0] ?? 0) })
        if let known = state.withLockedValue({ $0.firsts[topic] }), known.logStarts == logStarts { return known.record }
        var oldest: RecordSnapshot?
        for partition in partitions {
            let fetched = try await client.fetch(partition, from: starts[partition] ?? 0, maxBytes: 1 << 20, maxWait: .zero, minBytes: 0)
            guard fetched.count > 0 else { continue }
            let record = text.record(fetched, 0)
            if record.timestamp < oldest?.timestamp ?? .max { oldest = record }
        }
        guard let record = oldest.map(text.deadLetter) else { return nil }
        state.withLockedValue { $0.firsts[topic] = (record, logStarts) }
        return record
    }

    private func forget(allBut topics: Set<String>) {
        state.withLockedValue { state in
            state.tails = state.tails.filter { topics.contains($0.key.topic) }
            state.firsts = state.firsts.filter { topics.contains($0.key) }
        }
    }

    /// Records for the API, by partition and offset, or the last ones.
    func records(_ topic: String, _ range: TopicReader.Range) async throws -> [RecordSnapshot] {
        let metadata = try await client.metadata(topics: [topic])
        guard let found = metadata.topic(topic), found.error == nil else { throw ConsoleError.notFound("topic \(topic)") }
        let partitions = found.partitions.filter { range.partition == nil || $0.index == range.partition }
            .map { TopicPartition(topic: topic, partition: $0.index) }
        guard !partitions.isEmpty else { throw ConsoleError.notFound("partition \(range.partition ?? 0) of topic \(topic)") }
        let starts = try await client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, OffsetSpec.earliest) }))
        let ends = try await client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, OffsetSpec.latest) }))
        var records: [RecordSnapshot] = []
        for partition in partitions {
            let start = starts[partition] ?? 0, end = ends[partition] ?? 0
            var next = max(start, range.offset ?? end - Int64(range.limit))
            let limit = records.count + range.limit
            while next < end, records.count < limit {
                let fetched = try await client.fetch(partition, from: next, maxBytes: 1 << 20, maxWait: .zero, minBytes: 0)
                guard fetched.nextOffset > next else { break }
                next = fetched.nextOffset
                for index in 0..<min(fetched.count, limit - records.count) { records.append(text.record(fetched, index)) }
            }
        }
        return Array(
            records.sorted { ($0.timestamp, $0.partition, $0.offset) > ($1.timestamp, $1.partition, $1.offset) }.prefix(range.limit))
    }

    static func words(_ error: any Error) -> String { (error as? any DescribedError)?.problem ?? "\(error)" }
}
