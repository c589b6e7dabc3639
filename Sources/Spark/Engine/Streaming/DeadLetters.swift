internal import IO
internal import Kafka
internal import Logging
internal import NIOConcurrencyHelpers

/// A record that could not be written, on its way to where it can be seen.
struct DeadLetter: Sendable {
    var record: SourceRecord
    var reason: String
}

/// Where dead letters go; in tests a list.
protocol DeadLetterLog: Sendable {
    /// Where the topics end as far as this query knows; logged with each batch.
    var ends: SourceOffset { get }

    /// Before the first batch: finds where the topics end.
    func open() async throws

    /// Before a batch is replayed: finds the letters that its first run sent already.
    func recall(since ends: SourceOffset) async throws

    /// Returns when all are acknowledged by all replicas; letters that a first run had sent are skipped.
    /// - Returns: how many were new.
    func send(_ letters: [DeadLetter]) async throws -> Int

    /// The topic of the last letter, for progress.
    var topic: String? { get }

    func stop() async
}

/// Dead letters in Kafka topics: `<topic>.dead-letter`, or what the option `deadLetterTopic` names. Key and value are the record's own; the headers
/// `leat.reason`, `leat.topic`, `leat.partition`, `leat.offset`, `leat.query`, `leat.query.id` say why, where from, and for which query.
///
/// Exactly once: letters are acknowledged before their batch commits, and a batch that is replayed first reads the topic from where it
/// ended when the batch was logged, and leaves out what is there. The topic's size since that batch bounds that reading. A letter
/// whose acknowledgement was lost is looked for in the same way before it is sent again.
final class KafkaDeadLetters: DeadLetterLog {
    private struct Place: Hashable {
        var partition: SourcePartition
        var offset: Int64

        init(partition: SourcePartition, offset: Int64) {
            self.partition = partition
            self.offset = offset
        }

        init(_ letter: DeadLetter) { self.init(partition: letter.record.partition, offset: letter.record.offset) }
    }

    private struct State {
        var ends: SourceOffset
        var sent: Set<Place> = []
        var topic: String?
        var producer: KafkaProducer?
        var created: Set<String> = []
    }

    private let topicOption: String?
    private let sourceTopics: [String]
    private let query: StreamingQueryHandle
    private let client: KafkaClient
    private let bootstrap: [Endpoint]
    private let retry: Backoff
    private let logger: Logger
    private let status: @Sendable (String?) -> Void
    private let deliver: Delivery
    private let state = NIOLockedValueBox(State(ends: SourceOffset()))

    init(
        topicOption: String?, sourceTopics: [String], query: StreamingQueryHandle, client: KafkaClient, bootstrap: [Endpoint],
        retry: Backoff,
        logger: Logger, status: @escaping @Sendable (String?) -> Void,
        deliver: @escaping Delivery = {
            try await $0.send(topic: $1, key: $2.record.key, value: $2.record.value, headers: $3)
        }
    ) {
        self.topicOption = topicOption
        self.sourceTopics = sourceTopics
        self.query = query
        self.client = client
        self.bootstrap = bootstrap
        self.retry = retry
        self.logger = logger
        self.status = status
        self.deliver = deliver
    }

    /// Sends one letter to a topic and returns when it is acknowledged; in tests what loses the acknowledgement.
    typealias Delivery = @Sendable (KafkaProducer, String, DeadLetter, [(String, [UInt8]?)]) async throws -> RecordMetadata

    var ends: SourceOffset { state.withLockedValue { $0.ends } }
    var topic: String? { state.withLockedValue { $0.topic } }

    private func topic(for source: String) -> String {
        topicOption ?? (source.isEmpty ? "\(query.name ?? query.id.text).dead-letter" : "\(source).dead-letter")
    }

    private var topics: [String] {
        Array(Set(sourceTopics.isEmpty ? [topic(for: "")] : sourceTopics.map { topic(for: $0) })).sorted()
    }

    func open() async throws {
        let ends = try await retrying { try await self.latest() }
        state.withLockedValue { $0.ends = ends }
    }

    /// The ends of those of the topics that exist.
    private func latest() async throws -> SourceOffset {
        let metadata = try await client.metadata(topics: topics)
        var specs: [TopicPartition: OffsetSpec] = [:]
        for topic in metadata.topics where topic.error == nil {
            for partition in topic.partitions { specs[TopicPartition(topic: topic.name, partition: partition.index)] = .latest }
        }
        guard !specs.isEmpty else { return SourceOffset() }
        return SourceOffset(
            Dictionary(
                uniqueKeysWithValues: try await client.offsets(specs).map {
                    (SourcePartition(topic: $0.key.topic, partition: $0.key.partition), $0.value)
                }))
    }

    func recall(since ends: SourceOffset) async throws {
        let sent = try await sent(since: ends)
        state.withLockedValue { $0.sent = sent }
    }

    /// This query's letters in the topics from these ends on.
    private func sent(since ends: SourceOffset) async throws -> Set<Place> {
        try await retrying { () async throws -> Set<Place> in
            var sent: Set<Place> = []
            for (partition, end) in try await self.latest().positions {
                let key = TopicPartition(topic: partition.topic, partition: partition.partition)
                let earliest = try await self.client.offsets([key: .earliest])[key] ?? 0
                var position = max(earliest, ends.positions[partition] ?? 0)
                while position < end {
                    let records = try await self.client.fetch(
                        key, from: position, maxBytes: 1 << 20, maxWait: .milliseconds(100), minBytes: 1)
                    for row in 0..<records.count {
                        if let place = self.place(records.headers(at: row)) { sent.insert(place) }
                    }
                    // What is not handed out below the end (another's open transaction) is none of this query's.
                    guard records.nextOffset > position else { break }
                    position = records.nextOffset
                }
            }
            return sent
        }
    }

    private func place(_ headers: [(key: String, value: [UInt8]?)]) -> Place? {
        var values: [String: String] = [:]
        for header in headers { values[header.key] = header.value.map { String(decoding: $0, as: UTF8.self) } }
        guard values["leat.query.id"] == query.id.text, let topic = values["leat.topic"],
            let partition = values["leat.partition"].flatMap({ Int32($0) }),
            let offset = values["leat.offset"].flatMap({ Int64($0) })
        else { return nil }
        return Place(partition: SourcePartition(topic: topic, partition: partition), offset: offset)
    }

    func send(_ letters: [DeadLetter]) async throws -> Int {
        let (new, ends) = state.withLockedValue { state in
            (letters.filter { !state.sent.contains(Place($0)) }, state.ends)
        }
        guard !new.isEmpty else { return 0 }
        for name in Set(new.map { topic(for: $0.record.partition.topic) }) { try await ensureTopic(name) }
        // One at a time into the producer's queue, all under way together; those that fail are sent again until they are acknowledged.
        var pending = new
        var backoff = retry
        while !pending.isEmpty {
            let (failed, reason) = try await sendOnce(pending)
            pending = failed
            guard let reason else { continue }
            logger.warning("dead letters are not acknowledged: \(reason); retrying")
            status("Waiting for Kafka to take dead letters: \(reason)")
            try await Task.sleep(for: backoff.next())
            // A letter that was not acknowledged may be in the topic all the same: the answer was lost, not the letter.
            let found = try await sent(since: ends)
            if let there = pending.last(where: { found.contains(Place($0)) }) {
                state.withLockedValue { $0.topic = topic(for: there.record.partition.topic) }
            }
            pending.removeAll { found.contains(Place($0)) }
        }
        if backoff.attempts > 0 { status(nil) }
        return new.count
    }

    private func sendOnce(_ letters: [DeadLetter]) async throws -> (failed: [DeadLetter], reason: String?) {
        let producer = try self.producer()
        return try await withThrowingTaskGroup(of: (DeadLetter, Result<RecordMetadata, any Error>).self) { group in
            var failed: [DeadLetter] = []
            var reason: String?
            func settle(_ outcome: (DeadLetter, Result<RecordMetadata, any Error>)) {
                switch outcome.1 {
                case .success(let metadata):
                    state.withLockedValue { state in
                        let partition = SourcePartition(topic: metadata.topic, partition: metadata.partition)
                        state.ends.positions[partition] = max(state.ends.positions[partition] ?? 0, metadata.offset + 1)
                        state.topic = metadata.topic
                    }
                case .failure(let error):
                    failed.append(outcome.0)
                    reason = "\(error)"
                }
            }
            for (index, letter) in letters.enumerated() {
                if index >= 256, let outcome = try await group.next() { settle(outcome) }
                group.addTask {
                    do {
                        return (
                            letter,
                            .success(
                                try await self.deliver(
                                    producer, self.topic(for: letter.record.partition.topic), letter, self.headers(letter)))
                        )
                    } catch is CancellationError {
                        throw CancellationError()
                    } catch {
                        return (letter, .failure(error))
                    }
                }
            }
            while let outcome = try await group.next() { settle(outcome) }
            return (failed, reason)
        }
    }

    private func headers(_ letter: DeadLetter) -> [(String, [UInt8]?)] {
        [
            ("leat.reason", Array(letter.reason.utf8)), ("leat.topic", Array(letter.record.partition.topic.utf8)),
            ("leat.partition", Array(String(letter.record.partition.partition).utf8)),
            ("leat.offset", Array(String(letter.record.offset).utf8)),
            ("leat.query", Array((query.name ?? "").utf8)), ("leat.query.id", Array(query.id.text.utf8)),
        ]
    }

    private func producer() throws -> KafkaProducer {
        if let producer = state.withLockedValue({ $0.producer }) { return producer }
        let producer = try KafkaProducer(
            bootstrap: bootstrap, properties: ["client.id": "leat-dead-letters", "queue.buffering.max.kbytes": "8192"], logger: logger)
        state.withLockedValue { $0.producer = producer }
        return producer
    }

    /// Brokers need not create topics by themselves.
    private func ensureTopic(_ name: String) async throws {
        guard !state.withLockedValue({ $0.created.contains(name) }) else { return }
        try await retrying {
            let metadata = try await self.client.metadata(topics: [name])
            if let topic = metadata.topic(name), topic.error == nil, !topic.partitions.isEmpty { return }
            do {
                try await self.client.createTopics([NewTopic(name: name, partitions: 1)])
            } catch let error as KafkaError where error.code == .topicAlreadyExists {}
        }
        state.withLockedValue { _ = $0.created.insert(name) }
    }

    private func retrying<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        var backoff = retry
        while true {
            do {
                let result = try await body()
                if backoff.attempts > 0 { status(nil) }
                return result
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                try Task.checkCancellation()
                logger.warning("dead letters: \(error); retrying")
                status("Waiting for Kafka: \(error)")
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    func stop() async {
        let producer = state.withLockedValue { $0.producer }
        await producer?.close(timeout: .seconds(2))
    }
}
