internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The small files beside the partitions' folders, under Kafka's names and in its formats: `meta.properties` (the cluster's id),
/// `recovery-point-offset-checkpoint` (up to where each log is known to be on disk), and `.kafka_cleanshutdown`, which a clean stop
/// leaves and a start takes away.
struct Checkpoints: Sendable {
    let folder: String

    private var propertiesPath: String { folder + "/meta.properties" }
    private var recoveryPath: String { folder + "/recovery-point-offset-checkpoint" }
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
    func recoveryPoints() throws -> [String: Int64] {
        guard let text = try readText(recoveryPath) else { return [:] }
        var points: [String: Int64] = [:]
        for line in text.split(separator: "\n").dropFirst(2) {
            let words = line.split(separator: " ")
            if words.count == 3, let offset = Int64(words[2]) { points["\(words[0])-\(words[1])"] = offset }
        }
        return points
    }

    func write(recoveryPoints partitions: [Partition]) throws(FileError) {
        var text = "0\n\(partitions.count)\n"
        for partition in partitions { text += "\(partition.topic) \(partition.index) \(partition.recoveryPoint)\n" }
        try DurableFile.replace(recoveryPath, with: Array(text.utf8))
    }

    func markClean() throws(FileError) { try DurableFile.replace(cleanPath, with: Array("{\"version\":0}\n".utf8)) }

    /// Whether the last stop was clean; the mark is taken away, durably, before anything is appended.
    func takeCleanMark() throws(FileError) -> Bool {
        guard unlink(cleanPath) == 0 else { return false }
        try DurableFile.syncFolder(of: cleanPath)
        return true
    }
}
