/// The files that are there when a query starts, read once: `spark.read.format("parquet")` and its siblings.
final class FileSource: SplitSource, OnceSource {
    private let files: [FileEntry]
    private let reader: FileReader
    let parallelism: Int
    let description: String

    init(_ read: DataSourceRead, schema: StructType, wanted: Set<Int>, limits: FileLimits, parallelism: Int) throws {
        let options = try FileSourceOptions(read)
        let index = try FileIndex(options, schema: schema)
        files = index.files
        reader = FileReader(options, schema: schema, partitions: index.partitions, wanted: wanted, limits: limits)
        self.parallelism = parallelism
        description = "FileSource[\(options.paths.joined(separator: ","))]"
    }

    func splits() async throws -> [SourceSplit] { try reader.splits(files) }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        try await reader.read(files, firstOrdinal: firstOrdinal, body)
    }
}

extension FileReader {
    /// The rows of the files one after another.
    func read(_ files: [FileEntry], firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        var ordinal = firstOrdinal
        for split in try splits(files) {
            try await split.read { batch in
                try await body(
                    SourceChunk(storage: .batch(batch), ordinalFirst: ordinal, count: batch.count, byteCount: batch.count * 64))
                ordinal += Int64(batch.count)
            }
        }
    }
}
