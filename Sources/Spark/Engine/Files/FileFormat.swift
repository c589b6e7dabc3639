/// The formats of files, under Spark's names.
enum FileFormat: String, Sendable {
    case text, csv, json, parquet

    static let names = ["text", "csv", "json", "parquet"]

    init?(spark name: String) { self.init(rawValue: name.lowercased()) }

    var shown: String { self == .text ? "Text" : self == .parquet ? "Parquet" : rawValue.uppercased() }
}

/// How rows become files: what `df.write` and `writeStream` were told, checked against the frame's columns.
struct FileWriteOptions {
    enum Compression: String {
        case none, gzip, snappy, zstd, lz4raw

        /// As it stands in the names of Parquet's files.
        var infix: String { self == .none ? "" : self == .gzip ? ".gz" : self == .lz4raw ? ".lz4raw" : "." + rawValue }

        var parquet: ParquetCodec {
            switch self {
            case .none: .uncompressed
            case .gzip: .gzip
            case .snappy: .snappy
            case .zstd: .zstd
            case .lz4raw: .lz4Raw
            }
        }
    }

    let format: FileFormat
    let compression: Compression
    /// What the files hold: the frame's columns without those of the folders.
    let schema: StructType
    let dataColumns: [Int]
    let partitionColumns: [Int]
    let partitionNames: [String]
    let zone: ZoneRules
    let rowsMax: Int
    private let options: Options
    private let groupBytes: Int

    /// - Parameter settings: The session's.
    init(_ format: FileFormat, _ options: Options, _ settings: Options, frame: StructType, partitionedBy: [String], groupBytes: Int) throws
    {
        self.format = format
        self.options = options
        self.groupBytes = groupBytes
        zone = try ZoneRules.named(options["timeZone"] ?? settings["spark.sql.session.timeZone"] ?? "UTC")
        let named = options["maxRecordsPerFile"] ?? settings["spark.sql.files.maxRecordsPerFile"] ?? "0"
        guard let rowsMax = Int(named) else { throw Self.invalid("maxRecordsPerFile", named, "a number is wanted") }
        self.rowsMax = rowsMax
        partitionColumns = try partitionedBy.map { name in
            guard let index = frame.indices(of: name).first else {
                throw SparkError(
                    "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA", sqlState: "42000",
                    "Partition column `\(name)` not found in schema \(DataType.structure(frame).simpleString). Please provide the existing column for partitioning."
                )
            }
            guard !frame.fields[index].dataType.isNested else {
                throw SparkError(
                    "INVALID_PARTITION_COLUMN_DATA_TYPE", sqlState: "0A000",
                    "Cannot use \(frame.fields[index].dataType.sql) for partition column.")
            }
            return index
        }
        let folders = Set(partitionColumns)
        guard folders.count < frame.fields.count || frame.fields.isEmpty else {
            throw SparkError("ALL_PARTITION_COLUMNS_NOT_ALLOWED", sqlState: "KD005", "Cannot use all columns for partition columns.")
        }
        partitionNames = partitionColumns.map { frame.fields[$0].name }
        dataColumns = frame.fields.indices.filter { !folders.contains($0) }
        schema = StructType(dataColumns.map { frame.fields[$0] })
        var seen: Set<String> = []
        for name in frame.names where !seen.insert(name.lowercased()).inserted {
            throw SparkError(
                "COLUMN_ALREADY_EXISTS", sqlState: "42711",
                "The column `\(name.lowercased())` already exists. Choose another name or rename the existing column.")
        }
        compression = try Self.compression(format, options, settings)
        try check()
    }

    static func invalid(_ name: String, _ value: String, _ wanted: String) -> SparkError {
        SparkError("INVALID_SINK_OPTION", sqlState: "42616", "The value '\(value)' of the option '\(name)' is invalid: \(wanted).")
    }

    private static func compression(_ format: FileFormat, _ options: Options, _ settings: Options) throws -> Compression {
        guard format == .parquet else {
            let named = (options["compression"] ?? options["codec"] ?? "none").lowercased()
            switch named {
            case "none", "uncompressed": return .none
            case "gzip": return .gzip
            default: throw unavailable(named, ["none", "uncompressed", "gzip"])
            }
        }
        let named =
            (options["compression"] ?? options["parquet.compression"] ?? settings["spark.sql.parquet.compression.codec"] ?? "snappy")
            .lowercased()
        switch named {
        case "none", "uncompressed": return .none
        case "lz4_raw": return .lz4raw
        case let name:
            guard name != "lz4raw", let codec = Compression(rawValue: name) else {
                throw unavailable(named, ["none", "uncompressed", "snappy", "gzip", "zstd", "lz4_raw"])
            }
            return codec
        }
    }

    private static func unavailable(_ codec: String, _ known: [String]) -> SparkError {
        SparkError(
            "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", sqlState: "56038",
            "The codec \(codec) is not available. Available codecs are \(known.joined(separator: ", ")).")
    }

    private func check() throws {
        switch format {
        case .parquet: _ = try ParquetLayout(schema)
        case .json: break
        case .text:
            guard schema.fields.count == 1, schema.fields[0].dataType == .string else {
                throw schema.fields.count == 1
                    ? unsupported(schema.fields[0])
                    : SparkError(
                        "_LEGACY_ERROR_TEMP_1290", sqlState: "0A000",
                        "Text data source supports only a single column, and you have \(schema.fields.count) columns.")
            }
        case .csv:
            for field in schema.fields where field.dataType.isNested || field.dataType == .binary || field.dataType == .calendarInterval {
                throw unsupported(field)
            }
        }
        for (names, formats) in [
            (["encoding", "charset"], [FileFormat.csv, .json, .text]), (["lineSep"], [.csv, .json, .text]),
            (["dateFormat", "timestampFormat", "timestampNTZFormat"], [.json]),
        ] where formats.contains(format) {
            for name in names {
                guard let value = options[name], !["utf-8", "utf8", "\n"].contains(value.lowercased()) else { continue }
                throw Resolver.unserved("The option \(name) of the sink \(format.rawValue)")
            }
        }
    }

    private func unsupported(_ field: StructField) -> SparkError {
        SparkError(
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", sqlState: "0A000",
            "The \(format.shown) datasource doesn't support the column `\(field.name)` of the type \"\(field.dataType.sql)\".")
    }

    var suffix: String {
        format == .parquet
            ? compression.infix + ".parquet" : (format == .text ? ".txt" : "." + format.rawValue) + (compression == .gzip ? ".gz" : "")
    }

    func encoder() throws -> any FileEncoder {
        switch format {
        case .parquet: ParquetWriter(try ParquetLayout(schema), codec: compression.parquet, groupBytes: groupBytes)
        case .json: LineEncoder(.json(ignoresNulls: options["ignoreNullFields"]?.equalsIgnoringCase("false") != true), self)
        case .text: LineEncoder(.text, self)
        case .csv: LineEncoder(.csv(try CSVFormat(options)), self)
        }
    }
}
