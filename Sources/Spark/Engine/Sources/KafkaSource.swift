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
        var discovery: Task<Void, Never>?
        var problem: String?
    }

    private let state = NIOLockedValueBox(State())

    init(options: KafkaSourceOptions, client: KafkaClient, limits: Limits, signal: SourceSignal, logger: Logger) {
        self.options = options
        self.client = client
        self.limits = limits
        self.signal = signal
        self.logger = logger
    }

    var description: String { "KafkaV2[Subscribe[\(options.topics.joined(separator: ","))]]" }

    var waitingReason: String? {
        state.withLockedValue { state in
            if let problem = state.problem { return problem }
            if let failing = state.partitions.values.lazy.compactMap(\.problem).first { return failing }
            guard !state.missingTopics.isEmpty else { return nil }
            return "Waiting for the topic \(state.missingTopics.map { "'\($0)'" }.joined(separator: ", ")) to be created"
        }
    }

    // MARK: Offsets

    /// The partitions of those of the topics that exist.
    private func partitions() async throws -> (found: [SourcePartition], missing: [String]) {
        let metadata = try await client.metadata(topics: options.topics)
        var found: [SourcePartition] = []
        var missing: [String] = []
        for name in options.topics {
            guard let topic = metadata.topics.first(where: { $0.name == name }), !topic.partitions.isEmpty else {
                missing.append(name)
                continue
            }
            found += topic.partitions.map { SourcePartition(topic: name, partition: $0.index) }
        }
        return (found.sorted(), missing)
    }

    private func resolve(_ start: KafkaSourceOptions.Start, _ partitions: [SourcePartition], isEnd: Bool) async throws -> SourceOffset {
        guard !partitions.isEmpty else { return SourceOffset() }
        var specs: [TopicPartition: OffsetSpec] = [:]
        var positions: [SourcePartition: Int64] = [:]
        for partition in partitions {
            let key = TopicPartition(topic: partition.topic, partition: partition.partition)
            switch start {
            case .earliest: specs[key] = .earliest
            case .latest: specs[key] = .latest
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
            for (partition, offset) in try await client.offsets(specs) {
                positions[SourcePartition(topic: partition.topic, partition: partition.partition)] = offset
            }
        }
        return SourceOffset(positions)
    }

    func initialOffset() async throws -> SourceOffset {
        let (found, _) = try await retrying { try await self.partitions() }
        return try await retrying { try await self.resolve(self.options.starting, found, isEnd: false) }
    }

    func latest() async throws -> SourceOffset {
        // A topic that is named but not there yet is waited for.
        while true {
            let (found, missing) = try await retrying { try await self.partitions() }
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
            } catch {
                try Task.checkCancellation()
                logger.warning("\(description): \(error); retrying")
                state.withLockedValue { $0.problem = "Waiting for Kafka: \(error)" }
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    // MARK: Reading ahead

    func start(at offset: SourceOffset) async throws {
        for (partition, position) in offset.positions { open(partition, at: position) }
        let task = Task { await self.discover() }
        state.withLockedValue { $0.discovery = task }
    }

    private func open(_ partition: SourcePartition, at position: Int64) {
        let reader = KafkaPartitionReader(
            partition: partition, position: position, client: client, limits: limits, failOnDataLoss: options.failOnDataLoss,
            signal: signal,
            logger: logger)
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
                let (found, missing) = try await partitions()
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
        let readers = state.withLockedValue { $0.partitions }
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
        return isMore ? range : nil
    }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
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
