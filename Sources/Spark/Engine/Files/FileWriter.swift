internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Writes the rows of one job under a folder, parted by the columns that name folders: hidden until they are published together.
///
/// Names are Spark's, `part-00000-<job>-c000.snappy.parquet`. Not more than so many files are open at a time: of more partitions, the file that
/// was written to the longest time ago is closed, and a later row of its partition begins a new one.
final class FileWriter {
    struct Written: Hashable, Sendable {
        var path: String
        var byteCount: Int
    }

    private final class Open {
        let file: PartFile
        let encoder: any FileEncoder
        var rowCount = 0
        var lastUse = 0

        init(file: PartFile, encoder: any FileEncoder) {
            self.file = file
            self.encoder = encoder
        }
    }

    let folder: String
    private let options: FileWriteOptions
    private let job: String
    private let openMax: Int
    private var open: [String: Open] = [:]
    private var numbers: [String: Int] = [:]
    private var closed: [PartFile] = []
    private var folders: Set<String> = []
    private var clock = 0

    init(_ folder: String, _ options: FileWriteOptions, job: String, openMax: Int) {
        self.folder = folder
        self.options = options
        self.job = job
        self.openMax = openMax
    }

    /// The folders that rows went to.
    var writtenFolders: [String] { folders.sorted() }

    // MARK: Rows

    func append(_ batch: ResultBatch) throws {
        guard batch.count > 0 else { return }
        let data = ResultBatch(columns: options.dataColumns.map { batch.columns[$0] }, count: batch.count)
        guard !options.partitionColumns.isEmpty else { return try append(data, to: "") }
        let keys = options.partitionColumns.map { batch.columns[$0] }
        var table = RowKeyTable()
        var groups: [[Int32]] = []
        for (row, group) in table.insert(RowKeys(keys, count: batch.count)).enumerated() {
            if Int(group) == groups.count { groups.append([]) }
            groups[Int(group)].append(Int32(truncatingIfNeeded: row))
        }
        for rows in groups {
            let first = Int(rows[0])
            let path = zip(options.partitionNames, keys).map { name, column in
                PartitionFolder.name(name, column.text(first, zone: options.zone, isCast: true))
            }
            try append(data.gathered(rows), to: path.joined(separator: "/"))
        }
    }

    private func append(_ batch: ResultBatch, to partition: String) throws {
        var start = 0
        while start < batch.count {
            let target = try opened(partition)
            let room = options.rowsMax > 0 ? options.rowsMax - target.rowCount : batch.count
            let end = min(batch.count, start + room)
            try target.encoder.append(batch.slice(start..<end), to: target.file)
            target.rowCount += end - start
            start = end
            if options.rowsMax > 0, target.rowCount >= options.rowsMax { try close(partition) }
        }
    }

    private func opened(_ partition: String) throws -> Open {
        clock += 1
        if let found = open[partition] {
            found.lastUse = clock
            return found
        }
        if open.count >= openMax, let oldest = open.min(by: { $0.value.lastUse < $1.value.lastUse }) { try close(oldest.key) }
        let target = partition.isEmpty ? folder : folder + "/" + partition
        if folders.insert(target).inserted { try FilePath.createFolders(target) }
        let number = numbers[partition, default: 0]
        numbers[partition] = number + 1
        let digits = String(number)
        let count = "c" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        let name = "part-00000-\(job)" + (partition.isEmpty ? "-" : ".") + count + options.suffix
        let made = Open(file: try PartFile(folder: target, name: name), encoder: try options.encoder())
        made.lastUse = clock
        open[partition] = made
        return made
    }

    private func close(_ partition: String) throws {
        guard let target = open.removeValue(forKey: partition) else { return }
        // Named from here on, so that a failure takes it away.
        closed.append(target.file)
        try target.encoder.finish(target.file)
        try target.file.sync()
    }

    // MARK: End

    /// All files are whole and on the disk, still hidden. A job without rows and partitions writes one file, for its schema.
    func finish(isEmptyWritten: Bool) throws {
        if isEmptyWritten, options.partitionColumns.isEmpty, open.isEmpty, closed.isEmpty { _ = try opened("") }
        for partition in open.keys.sorted() { try close(partition) }
    }

    /// Readers see the files from here on, and power loss does not take them.
    func publish() throws -> [Written] {
        for file in closed { try file.publish() }
        for folder in folders { try DurableFile.syncFolder(of: folder + "/x") }
        return closed.map { Written(path: $0.path, byteCount: $0.byteCount) }
    }

    func abandon() {
        for target in open.values { target.file.abandon() }
        for file in closed { file.abandon() }
    }
}
