internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A topic as it stands; a change of it makes a new value.
final class Topic: Sendable {
    let name: String
    let id: TopicID
    let overrides: [String: String]
    let partitions: [Partition]

    init(name: String, id: TopicID, overrides: [String: String], partitions: [Partition]) {
        self.name = name
        self.id = id
        self.overrides = overrides
        self.partitions = partitions
    }

    static let offsetsName = "__consumer_offsets"
    static let transactionsName = "__transaction_state"
    /// Those that the broker makes and writes itself.
    static func isInternal(_ name: String) -> Bool { name == offsetsName || name == transactionsName }
    var isInternal: Bool { Self.isInternal(name) }

    /// Why Kafka takes `name` for no topic, nil when it does not: at most 249 letters, digits, '.', '_' and '-' (they name folders).
    static func complaint(aboutName name: String) -> String? {
        if name.isEmpty { return "the topic's name is empty" }
        if name == "." || name == ".." { return "a topic cannot be named '\(name)'" }
        if name.utf8.count > 249 { return "the topic's name has more than 249 characters" }
        let isLegal = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || [0x2E, 0x5F, 0x2D].contains($0)
        }
        return isLegal ? nil : "the topic's name '\(name)' holds something other than letters, digits, '.', '_' and '-'"
    }
}

/// Why a topic could not be changed, with Kafka's code.
struct TopicError: Error, Sendable {
    var code: ErrorCode
    var message: String
}

/// All topics: looked up by every request under a short lock, changed on one administrative thread.
///
/// What exists is said by one small file (`topics`), replaced whole and synced: a topic exists when the file names it. A crash
/// between the folders and the file leaves folders that no topic owns; they are removed before a topic of that name is made.
final class Topics: Sendable {
    private struct State {
        var byName: [String: Topic] = [:]
        var byID: [TopicID: Topic] = [:]
        var partitionCount = 0
    }

    private let folder: String
    private let configuration: BrokerConfiguration
    private let flusher: GroupCommitFlusher
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    init(configuration: BrokerConfiguration, flusher: GroupCommitFlusher, logger: Logger) {
        folder = configuration.folder
        self.configuration = configuration
        self.flusher = flusher
        self.logger = logger
    }

    subscript(name: String) -> Topic? { state.withLockedValue { $0.byName[name] } }
    subscript(id: TopicID) -> Topic? { state.withLockedValue { $0.byID[id] } }
    var all: [Topic] { state.withLockedValue { Array($0.byName.values) }.sorted { $0.name < $1.name } }

    func partition(_ topic: String, _ index: Int32) -> Partition? {
        guard let topic = self[topic], topic.partitions.indices.contains(Int(index)) else { return nil }
        return topic.partitions[Int(index)]
    }

    // MARK: Opening

    private var listPath: String { folder + "/topics" }

    /// Reads the list and opens every partition's log. Blocks.
    func open(isClean: Bool, recoveryPoints: [String: Int64], logStarts: [String: Int64] = [:], nowMs: Int64) throws {
        removeDeletedFolders()
        guard let text = try readText(listPath) else { return }
        var entries: [(name: String, id: TopicID, partitions: Int, overrides: [String: String])] = []
        for (number, line) in text.split(separator: "\n").enumerated() {
            let words = line.split(separator: " ", maxSplits: 3)
            if words.count == 4, words[0] == "topic", let id = TopicID(hexadecimal: words[2]), let count = Int(words[3]), count > 0 {
                entries.append((String(words[1]), id, count, [:]))
            } else if line.hasPrefix("  config "), let equals = line.firstIndex(of: "="), !entries.isEmpty {
                let name = String(line[line.index(line.startIndex, offsetBy: 9)..<equals])
                entries[entries.count - 1].overrides[name] = String(line[line.index(after: equals)...])
            } else if !line.hasPrefix("#") {
                throw DataFolderError.unusable(box: "broker", path: listPath, reason: "line \(number + 1) is not understood: \(line)")
            }
        }
        for entry in entries {
            let config = try configuration.topicDefaults.overridden(by: entry.overrides)
            var partitions: [Partition] = []
            for index in 0..<entry.partitions {
                let name = "\(entry.name)-\(index)"
                partitions.append(
                    try openPartition(
                        entry.name, Int32(index), config, isClean: isClean, recoveryPoint: recoveryPoints[name] ?? 0,
                        deletedBelow: logStarts[name] ?? 0, nowMs: nowMs))
            }
            insert(Topic(name: entry.name, id: entry.id, overrides: entry.overrides, partitions: partitions))
        }
    }

    private func openPartition(
        _ topic: String, _ index: Int32, _ config: TopicConfig, isClean: Bool, recoveryPoint: Int64, deletedBelow: Int64 = 0, nowMs: Int64
    ) throws(FileError) -> Partition {
        let producers = ProducerStates(
            countMax: configuration.values.integer("broker.producers.max"),
            expirationMs: Int64(configuration.values.duration("broker.producer.expiration").inMilliseconds))
        let (log, recovery) = try PartitionLog.open(
            folder: "\(folder)/\(topic)-\(index)", config: config, isClean: isClean, recoveryPoint: recoveryPoint,
            deletedBelow: deletedBelow, producers: producers, nowMs: nowMs)
        if recovery.truncatedBytes > 0 || recovery.removedSegments > 0 {
            logger.warning(
                "a log ended in bytes that are no whole batch; they were cut off",
                metadata: [
                    "partition": "\(topic)-\(index)", "bytes": "\(recovery.truncatedBytes)", "segments": "\(recovery.removedSegments)",
                    "end": "\(log.nextOffset)",
                ])
        }
        return Partition(
            topic: topic, index: index, log: log, mode: configuration.flush,
            linger: .nanoseconds(Int64(configuration.values.duration("broker.log.flush.linger").inSeconds * 1e9)), flusher: flusher)
    }

    private func insert(_ topic: Topic) {
        state.withLockedValue { state in
            let before = state.byName.updateValue(topic, forKey: topic.name)
            state.byID[topic.id] = topic
            state.partitionCount += topic.partitions.count - (before?.partitions.count ?? 0)
        }
    }

    // MARK: Changing (on the administrative thread)

    /// - Parameter isDryRun: check all and make nothing.
    func create(
        _ name: String, partitions count: Int32, replicationFactor: Int16, overrides: [String: String], nowMs: Int64, isDryRun: Bool = false
    ) throws(TopicError) -> Topic {
        if let complaint = Topic.complaint(aboutName: name) { throw TopicError(code: .invalidTopicException, message: complaint) }
        if self[name] != nil { throw TopicError(code: .topicAlreadyExists, message: "the topic '\(name)' exists already") }
        let count = count == -1 ? Int32(configuration.values.integer("broker.topic.partitions")) : count
        guard count > 0 else { throw TopicError(code: .invalidPartitions, message: "a topic needs at least one partition") }
        try checkRoom(for: Int(count))
        guard replicationFactor == -1 || replicationFactor == 1 else {
            throw TopicError(
                code: .invalidReplicationFactor, message: "the replication factor is \(replicationFactor), and there is one broker")
        }
        let config: TopicConfig
        do throws(InvalidTopicConfig) {
            config = try configuration.topicDefaults.overridden(by: overrides)
        } catch {
            throw TopicError(code: .invalidConfig, message: error.problem)
        }
        if isDryRun { return Topic(name: name, id: .zero, overrides: overrides, partitions: []) }
        do throws(FileError) {
            let partitions = try openNew(name, 0..<count, config, nowMs)
            let topic = Topic(name: name, id: .random(), overrides: overrides, partitions: partitions)
            try writeList(all + [topic])
            insert(topic)
            logger.info("a topic was created", metadata: ["topic": "\(name)", "partitions": "\(count)"])
            return topic
        } catch {
            throw TopicError(code: .kafkaStorageError, message: error.description)
        }
    }

    func addPartitions(_ name: String, total: Int32, nowMs: Int64, isDryRun: Bool) throws(TopicError) {
        guard let topic = self[name] else { throw TopicError(code: .unknownTopicOrPartition, message: "there is no topic '\(name)'") }
        if topic.isInternal {
            throw TopicError(code: .invalidRequest, message: "\(name) is the broker's own; its partition count stays")
        }
        let before = Int32(topic.partitions.count)
        guard total > before else {
            throw TopicError(
                code: .invalidPartitions, message: "the topic '\(name)' has \(before) partitions; their number can only be raised")
        }
        try checkRoom(for: Int(total - before))
        if isDryRun { return }
        do throws(FileError) {
            let added = try openNew(name, before..<total, topic.partitions[0].config, nowMs)
            let grown = Topic(name: name, id: topic.id, overrides: topic.overrides, partitions: topic.partitions + added)
            try writeList(all.map { $0.name == name ? grown : $0 })
            insert(grown)
        } catch {
            throw TopicError(code: .kafkaStorageError, message: error.description)
        }
    }

    /// Replaces all that a topic overrides.
    func alter(_ name: String, overrides: [String: String], isDryRun: Bool) throws(TopicError) {
        guard let topic = self[name] else { throw TopicError(code: .unknownTopicOrPartition, message: "there is no topic '\(name)'") }
        if topic.isInternal {
            throw TopicError(code: .invalidRequest, message: "\(name) is the broker's own, and so is its configuration")
        }
        let config: TopicConfig
        do throws(InvalidTopicConfig) {
            config = try configuration.topicDefaults.overridden(by: overrides)
        } catch {
            throw TopicError(code: .invalidConfig, message: error.problem)
        }
        if isDryRun || overrides == topic.overrides { return }
        let altered = Topic(name: name, id: topic.id, overrides: overrides, partitions: topic.partitions)
        do throws(FileError) {
            try writeList(all.map { $0.name == name ? altered : $0 })
        } catch {
            throw TopicError(code: .kafkaStorageError, message: error.description)
        }
        insert(altered)
        for partition in altered.partitions { partition.reconfigure(config) }
        logger.info("a topic's configuration was changed", metadata: ["topic": "\(name)", "overrides": "\(overrides)"])
    }

    func delete(_ name: String) throws(TopicError) -> Topic {
        guard let topic = self[name] else { throw TopicError(code: .unknownTopicOrPartition, message: "there is no topic '\(name)'") }
        if topic.isInternal {
            throw TopicError(code: .invalidRequest, message: "\(name) keeps what the broker owes to its clients, and is not deleted")
        }
        do throws(FileError) {
            try writeList(all.filter { $0.name != name })
        } catch {
            throw TopicError(code: .kafkaStorageError, message: error.description)
        }
        state.withLockedValue { state in
            state.byName[name] = nil
            state.byID[topic.id] = nil
            state.partitionCount -= topic.partitions.count
        }
        for partition in topic.partitions {
            partition.close()
            moveAway("\(name)-\(partition.index)")
        }
        removeDeletedFolders()
        logger.info("a topic was deleted", metadata: ["topic": "\(name)"])
        return topic
    }

    private func checkRoom(for count: Int) throws(TopicError) {
        let max = configuration.values.integer("broker.partitions.max")
        guard count <= max, state.withLockedValue({ $0.partitionCount }) + count <= max else {
            throw TopicError(code: .policyViolation, message: "more than \(max) partitions in all are not allowed (broker.partitions.max)")
        }
    }

    private func openNew(_ name: String, _ indices: Range<Int32>, _ config: TopicConfig, _ nowMs: Int64) throws(FileError) -> [Partition] {
        try Checkpoints(folder: folder).forgetLogStarts(of: name)
        var partitions: [Partition] = []
        for index in indices {
            // What a crash or an earlier topic may have left is not this topic's.
            moveAway("\(name)-\(index)")
            partitions.append(try openPartition(name, index, config, isClean: true, recoveryPoint: 0, nowMs: nowMs))
        }
        removeDeletedFolders()
        return partitions
    }

    private func writeList(_ topics: [Topic]) throws(FileError) {
        var text = "# topic NAME ID PARTITIONS, each followed by what it configures\n"
        for topic in topics.sorted(by: { $0.name < $1.name }) {
            text += "topic \(topic.name) \(topic.id.hexadecimal) \(topic.partitions.count)\n"
            for (name, value) in topic.overrides.sorted(by: { $0.key < $1.key }) { text += "  config \(name)=\(value)\n" }
        }
        try DurableFile.replace(listPath, with: Array(text.utf8))
    }

    // MARK: Folders

    private static let deletedSuffix = "-delete"

    private func moveAway(_ name: String) {
        rename("\(folder)/\(name)", "\(folder)/\(TopicID.random().hexadecimal)\(Self.deletedSuffix)")
    }

    private func removeDeletedFolders() {
        for name in names(in: folder) where name.hasSuffix(Self.deletedSuffix) {
            let path = folder + "/" + name
            for file in names(in: path) where file != "." && file != ".." { unlink(path + "/" + file) }
            rmdir(path)
        }
    }

    private func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}

/// A small file's text; nil when there is none.
func readText(_ path: String) throws(FileError) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw FileError(call: "open", path: path)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno != EINTR { throw FileError(call: "read", path: path) }
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes.append(contentsOf: chunk.prefix(max(0, count)))
    }
}
