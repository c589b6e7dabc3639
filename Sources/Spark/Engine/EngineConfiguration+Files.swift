internal import IO

/// Settings of files that are read and written.
extension EngineConfiguration {
    static let fileSettings: [Setting] = [
        Setting("engine.files.block", .bytes, default: "2MiB", "bytes of a text file that are read and parsed at a time"),
        Setting("engine.files.line", .bytes, default: "256MiB", "the longest line of a text file"),
        Setting("engine.files.unpacked", .bytes, default: "2GiB", "what one packed text file may unpack to"),
        Setting("engine.files.poll", .duration, default: "1s", "how often a stream looks for new files in its folder"),
        Setting("engine.files.open", .integer(1...10_000), default: "64", "files that one write with partitions keeps open"),
        Setting("engine.parquet.page.bytes", .bytes, default: "256MiB", "what one page of a Parquet file may unpack to"),
        Setting("engine.parquet.page.values", .integer(1...1_000_000_000), default: "16777216", "values of one page of a Parquet file"),
        Setting("engine.parquet.group", .bytes, default: "32MiB", "bytes of one row group of a Parquet file that is written, about"),
    ]

    var fileLimits: FileLimits {
        FileLimits(
            blockBytes: max(4_096, values.bytes("engine.files.block")), lineBytes: values.bytes("engine.files.line"),
            unpackedBytes: values.bytes("engine.files.unpacked"), batchRows: values.integer("engine.batch.rows"),
            parquet: ParquetLimits(
                pageBytes: values.bytes("engine.parquet.page.bytes"), pageValues: values.integer("engine.parquet.page.values")))
    }
}

struct FileLimits {
    var blockBytes: Int
    var lineBytes: Int
    var unpackedBytes: Int
    var batchRows: Int
    var parquet: ParquetLimits
}
