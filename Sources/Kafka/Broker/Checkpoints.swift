internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The small files beside the partitions' folders, under Kafka's names and in its formats: `meta.properties` (the cluster's id),
/// `recovery-point-offset-checkpoint` (up to where each log is known to be on disk), `log-start-offset-checkpoint` (where logs begin
/// whose records were deleted by request), and `.kafka_cleanshutdown`, which a clean stop leaves and a start takes away.
struct Checkpoints: Sendable {
    let folder: String

    private var propertiesPath: String { folder + "/meta.properties" }
    private var recoveryPath: String { folder + "/recovery-point-offset-checkpoint" }
    private var startPath: String { folder + "/log-start-offset-checkpoint" }
    private var cleanPath: String { folder + "/.kafka_cleanshutdown" }

    /// The cluster's id, made at the first start.
    func clusterID() throws -> String {
        if let text = try readText(propertiesPath) {
            for line in text.split(separator: "\n") where line.hasPrefix("cluster.id=") { return String(line.dropFirst(11)) }
            throw DataFolderError.unusable(box: "broker", path: propertiesPath, reason: "it names no cluster.id")
        }
        let id = TopicID.random().description
        try DurableFile.replace(propertiesPath, with: Array("version=1\ncluster.id=\(id)\nnode.id=\(BrokerNode.id)\n".utf8))
        return id
    }

    /// By folder name, `topic-partition`. A file that is torn or missing says that nothing is known.
    func recoveryPoints() throws -> [String: Int64] { Self.byFolder(try read(recoveryPath)) }

    func write(recoveryPoints partitions: [Partition]) throws(FileError) {
        try write(partitions.map { Line(topic: $0.topic, partition: $0.index, offset: $0.recoveryPoint) }, to: recoveryPath)
    }

    /// By folder name, `topic-partition`.
    func logStarts() throws -> [String: Int64] { Self.byFolder(try read(startPath)) }

    func write(logStarts partitions: [Partition]) throws(FileError) {
        try write(
            partitions.map { Line(topic: $0.topic, partition: $0.index, offset: $0.deletedBelow) }.filter { $0.offset > 0 }, to: startPath)
    }

    /// Before a topic is made under the name of one that was deleted: where that one's logs began does not concern it.
    func forgetLogStarts(of topic: String) throws(FileError) {
        let lines = try read(startPath)
        guard lines.contains(where: { $0.topic == topic }) else { return }
        try write(lines.filter { $0.topic != topic }, to: startPath)
    }

    private struct Line {
        var topic: String
        var partition: Int32
        var offset: Int64
    }

    private func read(_ path: String) throws(FileError) -> [Line] {
        guard let text = try readText(path) else { return [] }
        return text.split(separator: "\n").dropFirst(2).compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, let partition = Int32(words[1]), let offset = Int64(words[2]) else { return nil }
            return Line(topic: String(words[0]), partition: partition, offset: offset)
        }
    }

    private static func byFolder(_ lines: [Line]) -> [String: Int64] {
        Dictionary(lines.map { ("\($0.topic)-\($0.partition)", $0.offset) }) { $1 }
    }

    private func write(_ lines: [Line], to path: String) throws(FileError) {
        var text = "0\n\(lines.count)\n"
        for line in lines { text += "\(line.topic) \(line.partition) \(line.offset)\n" }
        try DurableFile.replace(path, with: Array(text.utf8))
    }

    func markClean() throws(FileError) { try DurableFile.replace(cleanPath, with: Array("{\"version\":0}\n".utf8)) }

    /// Whether the last stop was clean; the mark is taken away, durably, before anything is appended.
    func takeCleanMark() throws(FileError) -> Bool {
        guard unlink(cleanPath) == 0 else { return false }
        try DurableFile.syncFolder(of: cleanPath)
        return true
    }
}
