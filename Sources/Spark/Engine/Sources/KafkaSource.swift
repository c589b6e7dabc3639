internal import IO
internal import Kafka
internal import Logging
internal import NIOConcurrencyHelpers

/// Spark's kafka source: reads ahead of the query, one fetch outstanding for each partition, each held back by a bound on buffered bytes.
///
/// The long poll of the fetch is the discovery: what has been fetched is what is waiting, so a batch is planned without asking the
/// broker, and while it is written the next one is already on its way here. Partitions that appear later are read from their beginning, as in Spark.
final class KafkaSource: StreamSource {
    struct Limits: Sendable {
        var fetchBytes: Int
        var fetchWait: Duration
        /// Buffered for each partition before the next fetch waits.
        var bufferedBytes: Int
        var batchRows: Int
        var metadataInterval: Duration
        var topicPoll: Duration
        /// How long a log may end before an offset that was read from it until that counts as loss.
        var lossPatience: Duration
    }

    let options: KafkaSourceOptions
    private let client: KafkaClient
    private let limits: Limits
    private let signal: SourceSignal
    private let logger: Logger

    private struct State {
        var partitions: [SourcePartition: KafkaPartitionReader] = [:]
        var missingTopics: [String] = []
        /// The ids of the topics that are read.
        var topicIDs: [String: String] = [:]
        /// What is to be read once it is known that the topics are those that it was written down for; nil when that is known.
        var unverified: SourceOffset?
        /// What ends the query.
        var failure: SparkError?
        var discovery: Task<Void, Never>?
        var problem: String?
        /// When a batch was last planned, for one that is held back until there is enough.
        var plannedAt = ContinuousClock.now
        var isWakeUpSet = false
        /// The query ends where the topics ended when it started, so nothing is held back.
        var isBounded = false
    }

    private let state = NIOLockedValueBox(State())
    /// Raised when the topics' ids have been looked at, for a batch that is replayed before that.
    private let verified = SourceSignal()

    init(options: KafkaSourceOptions, client: KafkaClient, limits: Limits, signal: SourceSignal, logger: Logger) {
        self.options = options
        self.client = client
        self.limits = limits
        self.signal = signal
        self.logger = logger
    }

    var description: String { "KafkaV2[\(options.description)]" }

    var waitingReason: String? {
        state.withLockedValue { state in
            if let problem = state.problem { return problem }
            if let failing = state.partitions.values.lazy.compactMap(\.problem).first { return failing }
            guard !state.missingTopics.isEmpty else { return nil }
            return "Waiting for the topic \(state.missingTopics.map { "'\($0)'" }.joined(separator: ", ")) to be created"
        }
    }

    // MARK: Offsets

    /// The partitions of what is subscribed to, as far as it exists.
    private func partitions() async throws -> (found: [SourcePartition], missing: [String], ids: [String: String]) {
        var names: [String]
        var assigned: [SourcePartition]?
        let metadata: ClusterMetadata
        switch options.strategy {
        case .topics(let topics):
            names = topics
            metadata = try await client.metadata(topics: names)
        case .partitions(let partitions):
            names = options.topics
            assigned = partitions
            metadata = try await client.metadata(topics: names)
        case .pattern(let pattern):
            metadata = try await client.metadata(topics: nil)
            names = try Self.matching(pattern, metadata)
        }
        var found: [SourcePartition] = []
        var missing: [String] = []
        var ids: [String: String] = [:]
        for name in names {
            guard let topic = metadata.topics.first(where: { $0.name == name }), !topic.partitions.isEmpty else {
                missing.append(name)
                continue
            }
            let partitions = topic.partitions.map { SourcePartition(topic: name, partition: $0.index) }
            if let assigned {
                let wanted = assigned.filter { $0.topic == name }
                found += wanted.filter(partitions.contains)
                missing += wanted.filter { !partitions.contains($0) }.map { "\($0.topic)-\($0.partition)" }
            } else {
                found += partitions
            }
            ids[name] = topic.id?.description
        }
        return (found.sorted(), missing, ids)
    }

    /// The topics whose whole name the pattern matches. Those that a query writes its dead letters to are none that it reads, unless the
    /// pattern speaks of them.
    private static func matching(_ pattern: String, _ metadata: ClusterMetadata) throws -> [String] {
        let matcher = RegexMatcher(try JavaRegex("(?:\(pattern))\\z"))
        let arena = ByteArena()
        let takesLetters = pattern.contains("dead-letter")
        return try metadata.topics.filter { topic in
            guard !topic.isInternal, topic.error == nil, takesLetters || !topic.name.hasSuffix(".dead-letter") else { return false }
            return try matcher.find(arena.copy(topic.name))?.lowerBound == 0
        }.map(\.name).sorted()
    }

    private func resolve(_ start: KafkaSourceOptions.Start, _ partitions: [SourcePartition], isEnd: Bool) async throws -> SourceOffset {
        guard !partitions.isEmpty else { return SourceOffset() }
        var specs: [TopicPartition: OffsetSpec] = [:]
        var positions: [SourcePartition: Int64] = [:]
        if case .offsets(let offsets) = start { try check(offsets.keys, partitions, isEnd: isEnd) }
        for partition in partitions {
            let key = TopicPartition(topic: partition.topic, partition: partition.partition)
            switch start {
            case .earliest: specs[key] = .earliest
            case .latest: specs[key] = .latest
            case .timestamp(let milliseconds): specs[key] = .timestamp(milliseconds)
            case .timestamps(let times): specs[key] = times[partition].map { .timestamp($0) } ?? (isEnd ? .latest : .earliest)
            case .offsets(let offsets):
                switch offsets[partition] {
                case .some(-2): specs[key] = .earliest
                case .some(-1): specs[key] = .latest
                case .some(let offset): positions[partition] = offset
                case .none: specs[key] = isEnd ? .latest : .earliest
                }
            }
        }
        if !specs.isEmpty {
            let found = try await client.offsets(specs)
            if !isEnd { try await checkMatches(specs, found) }
            for (partition, offset) in found {
                positions[SourcePartition(topic: partition.topic, partition: partition.partition)] = offset
            }
        }
        return SourceOffset(positions)
    }

    /// Spark wants an offset for each partition or for none.
    private func check(_ given: some Collection<SourcePartition>, _ partitions: [SourcePartition], isEnd: Bool) throws {
        guard Set(given) != Set(partitions) else { return }
        func text(_ partitions: some Sequence<SourcePartition>) -> String {
            "Set(" + partitions.sorted().map { "\($0.topic)-\($0.partition)" }.joined(separator: ", ") + ")"
        }
        let kind = isEnd ? "ending" : "starting"
        throw SparkError(
            isEnd ? "KAFKA_END_OFFSET_DOES_NOT_MATCH_ASSIGNED" : "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED", sqlState: "22000",
            "If \(kind)Offsets contains specific offsets, you must specify all TopicPartitions.\nUse -1 for latest, -2 for earliest.\nSpecified: \(text(given)), Assigned: \(text(partitions))"
        )
    }

    /// The client gives the end where no record is as new as the timestamp: what was asked for is told from that by asking for the end
    /// afterwards, since a record that matches lies before it.
    private func checkMatches(_ specs: [TopicPartition: OffsetSpec], _ found: [TopicPartition: Int64]) async throws {
        guard !options.startsAtLatestWithoutMatch else { return }
        var times: [TopicPartition: Int64] = [:]
        for (partition, spec) in specs { if case .timestamp(let milliseconds) = spec { times[partition] = milliseconds } }
        guard !times.isEmpty else { return }
        let ends = try await client.offsets(times.mapValues { _ in .latest })
        let first = times.keys.filter { (found[$0] ?? 0) >= (ends[$0] ?? 0) }.min { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
        guard let first, let time = times[first] else { return }
        throw SparkError(
            "KAFKA_NO_OFFSET_FOR_TIMESTAMP", sqlState: "22000",
            "No offset matched from request of topic-partition \(first.topic)-\(first.partition) and timestamp \(time).",
            nextStep: "set the option startingOffsetsByTimestampStrategy to latest to read such partitions from their end")
    }

    func initialOffset() async throws -> SourceOffset {
        let (found, _, ids) = try await retrying { try await self.partitions() }
        state.withLockedValue { $0.topicIDs = ids }
        return try await retrying { try await self.resolve(self.options.starting, found, isEnd: false) }
    }

    func latest() async throws -> SourceOffset {
        state.withLockedValue { $0.isBounded = true }
        // A topic that is named but not there yet is waited for.
        while true {
            let (found, missing, _) = try await retrying { try await self.partitions() }
            if missing.isEmpty { return try await retrying { try await self.resolve(self.options.ending, found, isEnd: true) } }
            state.withLockedValue { $0.missingTopics = missing }
            try await Task.sleep(for: limits.topicPoll)
        }
    }

    func newest() -> SourceOffset? {
        let readers = state.withLockedValue { $0.partitions }
        return SourceOffset(readers.mapValues { $0.highWatermark })
    }

    /// Until the broker answers; the status says that it does not.
    private func retrying<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        var backoff = Backoff()
        while true {
            do {
                let result = try await body()
                state.withLockedValue { $0.problem = nil }
                return result
            } catch let error as SparkError {
                throw error
            } catch {
                try Task.checkCancellation()
                logger.warning("\(description): \(error); retrying")
                state.withLockedValue { $0.problem = "Waiting for Kafka: \(error)" }
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    // MARK: Reading ahead

    func start(at offset: SourceOffset, identities: [String: String]) async throws {
        let known = state.withLockedValue { $0.topicIDs }
        if identities.isEmpty || identities == known {
            for (partition, position) in offset.positions { open(partition, at: position) }
        } else {
            // Offsets of a topic mean nothing in another one of its name: nothing is read before the broker has told which it is.
            state.withLockedValue { state in
                state.topicIDs = identities
                state.unverified = offset
            }
        }
        let task = Task { await self.discover() }
        state.withLockedValue { $0.discovery = task }
    }

    var identities: [String: String] { state.withLockedValue { $0.topicIDs } }

    /// Compares the topics' ids with those that the offsets were written down for, and opens what waited for that.
    private func verify(_ ids: [String: String]) async {
        let (anew, offset) = state.withLockedValue { state in
            defer { state.unverified = nil }
            let anew = ids.filter { name, id in state.topicIDs[name].map { $0 != id } ?? false }
            return (anew.map { (name: $0.key, was: state.topicIDs[$0.key] ?? "", now: $0.value) }, state.unverified)
        }
        if let first = anew.first, options.failOnDataLoss {
            state.withLockedValue { state in
                state.unverified = offset
                state.failure = SparkError(
                    "KAFKA_DATA_LOSS.TOPIC_RECREATED", sqlState: "22000",
                    "Some data may have been lost: the topic '\(first.name)' was deleted and created anew (its id was \(first.was) and is \(first.now)), and the query's offsets are those of the old one.",
                    nextStep:
                        "to read the new topic from its beginning, set the option failOnDataLoss to false, or start the query anew on another checkpoint"
                )
            }
        } else {
            state.withLockedValue { $0.topicIDs.merge(ids) { $1 } }
            for topic in anew {
                logger.warning(
                    "\(description): data was lost: the topic '\(topic.name)' was created anew (\(topic.was) → \(topic.now)); going on at its beginning"
                )
                await reopen(topic.name, offset)
            }
            let recreated = Set(anew.map(\.name))
            for (partition, position) in offset?.positions ?? [:] where !recreated.contains(partition.topic) {
                open(partition, at: position)
            }
        }
        if offset != nil || !anew.isEmpty {
            verified.raise()
            signal.raise()
        }
    }

    /// Reads a topic that was created anew from its beginning.
    private func reopen(_ topic: String, _ offset: SourceOffset?) async {
        let old = state.withLockedValue { state in
            let old = state.partitions.filter { $0.key.topic == topic }
            for partition in old.keys { state.partitions[partition] = nil }
            return old
        }
        for reader in old.values { await reader.stop() }
        for partition in Set(old.keys).union((offset?.positions ?? [:]).keys.filter { $0.topic == topic }) {
            open(partition, at: 0, isAnew: true)
        }
    }

    /// Returns when it is known whether the topics are those that the offsets speak of.
    private func whenVerified() async throws {
        while true {
            let (isVerified, failure) = state.withLockedValue { ($0.unverified == nil, $0.failure) }
            if let failure { throw failure }
            if isVerified { return }
            await verified.wait()
            try Task.checkCancellation()
        }
    }

    /// - Parameter isAnew: what the query has read so far it has read elsewhere.
    private func open(_ partition: SourcePartition, at position: Int64, isAnew: Bool = false) {
        let reader = KafkaPartitionReader(
            partition: partition, position: position, isAnew: isAnew, client: client, limits: limits,
            failOnDataLoss: options.failOnDataLoss, signal: signal, logger: logger)
        let isNew = state.withLockedValue { state in
            guard state.partitions[partition] == nil else { return false }
            state.partitions[partition] = reader
            return true
        }
        if isNew { reader.start() }
    }

    /// Finds topics that are created and partitions that are added while the query runs.
    private func discover() async {
        while !Task.isCancelled {
            do {
                let (found, missing, ids) = try await partitions()
                await verify(ids)
                if state.withLockedValue({ $0.failure != nil }) { return }
                let (known, isNews) = state.withLockedValue { state in
                    let isNews = state.missingTopics != missing || state.problem != nil
                    state.missingTopics = missing
                    state.problem = nil
                    return (Set(state.partitions.keys), isNews)
                }
                // The query's status tells what is waited for.
                if isNews { signal.raise() }
                for partition in found where !known.contains(partition) {
                    logger.info("\(description): reading the new partition \(partition.topic)[\(partition.partition)]")
                    open(partition, at: 0)
                }
                try await Task.sleep(for: missing.isEmpty ? limits.metadataInterval : limits.topicPoll)
            } catch is CancellationError {
                return
            } catch {
                state.withLockedValue { $0.problem = "Waiting for Kafka: \(error)" }
                signal.raise()
                try? await Task.sleep(for: limits.topicPoll)
            }
        }
    }

    func waiting(after offset: SourceOffset) throws -> SourceRange? {
        let (readers, failure) = state.withLockedValue { ($0.partitions, $0.failure) }
        if let failure { throw failure }
        guard isEnough(readers, after: offset) else { return nil }
        var range = SourceRange(start: offset, end: offset)
        var rowsLeft = min(limits.batchRows, options.offsetsPerTriggerMax ?? .max)
        var isMore = false
        // Each partition gets an equal part of what is left, so that no partition waits for another.
        for (index, (partition, reader)) in readers.sorted(by: { $0.key < $1.key }).enumerated() {
            let share = max(1, rowsLeft / (readers.count - index))
            let reached = try reader.buffered(from: offset.positions[partition] ?? reader.firstPosition, rowsMax: share)
            if reached.end > reached.start {
                isMore = true
                rowsLeft -= reached.rows
            }
            range.start.positions[partition] = reached.start
            range.end.positions[partition] = reached.end
            if rowsLeft <= 0 { break }
        }
        guard isMore else { return nil }
        if options.offsetsPerTriggerMin != nil { state.withLockedValue { $0.plannedAt = .now } }
        return range
    }

    /// Whether there are `minOffsetsPerTrigger` records, or the time for which they are waited for is over.
    private func isEnough(_ readers: [SourcePartition: KafkaPartitionReader], after offset: SourceOffset) -> Bool {
        guard let least = options.offsetsPerTriggerMin else { return true }
        let available = readers.reduce(0) { $0 + max(0, $1.value.highWatermark - (offset.positions[$1.key] ?? $1.value.firstPosition)) }
        let delay = options.triggerDelayMax
        let (isOver, setsWakeUp) = state.withLockedValue { state in
            let isOver = available >= least || state.isBounded || ContinuousClock.now - state.plannedAt >= delay
            defer { if !isOver { state.isWakeUpSet = true } }
            return (isOver, !isOver && !state.isWakeUpSet)
        }
        if setsWakeUp {
            // Nothing else may come that makes the query look again.
            Task { [weak self] in
                try? await Task.sleep(for: delay)
                guard let self else { return }
                state.withLockedValue { $0.isWakeUpSet = false }
                signal.raise()
            }
        }
        return isOver
    }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        try await whenVerified()
        var ordinal = firstOrdinal
        for (partition, start, end) in range.partitions {
            open(partition, at: start)
            guard let reader = state.withLockedValue({ $0.partitions[partition] }) else { continue }
            while let piece = try await reader.take(until: end) {
                guard !piece.rows.isEmpty else { continue }
                try await body(
                    SourceChunk(
                        storage: .kafka(KafkaChunk(records: piece.records, rows: piece.rows, rangeStart: start)), ordinalFirst: ordinal,
                        count: piece.rows.count, byteCount: piece.records.byteCount))
            }
            ordinal += end - start
        }
    }

    func stop() async {
        let (discovery, readers) = state.withLockedValue { ($0.discovery, Array($0.partitions.values)) }
        discovery?.cancel()
        for reader in readers { await reader.stop() }
        await discovery?.value
    }
}
