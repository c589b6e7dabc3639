internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Options of file sources, under Spark's names.
struct FileSourceOptions: Sendable {
    enum Mode: String, Sendable {
        case permissive = "PERMISSIVE"
        case dropMalformed = "DROPMALFORMED"
        case failFast = "FAILFAST"
    }

    let format: FileFormat
    let paths: [String]
    let basePath: String?
    let isRecursive: Bool
    /// Names of files, as a shell's pattern; nil for all.
    let namePattern: String?
    let hasHeader: Bool
    let infersSchema: Bool
    let mode: Mode
    let corruptColumn: String
    /// The part of the records that a schema is inferred from.
    let samplingRatio: Double
    let comment: UInt8?
    private let dateFormat: String?
    private let timestampFormat: String?
    private let localTimestampFormat: String?
    private let separator: UInt8
    private let quote: UInt8
    private let escape: UInt8
    private let nullValue: [UInt8]

    static func serves(_ format: String) -> Bool { FileFormat(spark: format) != nil }

    /// What changes how a file is read and is not served; a value that is the default's is let pass.
    private static let unserved: [(name: String, formats: [FileFormat], defaults: [String])] = [
        ("multiLine", [.json, .csv], ["false"]), ("wholetext", [.text], ["false"]), ("lineSep", [.text, .json, .csv], ["\n"]),
        ("encoding", [.json, .csv, .text], ["utf-8", "utf8"]), ("charset", [.json, .csv, .text], ["utf-8", "utf8"]),
        ("mergeSchema", [.parquet], ["false"]), ("modifiedBefore", FileFormat.all, []), ("modifiedAfter", FileFormat.all, []),
        ("primitivesAsString", [.json], ["false"]), ("prefersDecimal", [.json], ["false"]), ("allowComments", [.json], ["false"]),
        ("allowUnquotedFieldNames", [.json], ["false"]), ("allowNumericLeadingZeros", [.json], ["false"]),
        ("allowBackslashEscapingAnyCharacter", [.json], ["false"]), ("ignoreLeadingWhiteSpace", [.csv], ["false"]),
        ("ignoreTrailingWhiteSpace", [.csv], ["false"]),
    ]

    init(_ read: DataSourceRead) throws {
        guard let format = FileFormat(spark: read.format) else { throw Resolver.unserved("The file format \(read.format)") }
        self.format = format
        let options = read.options
        if let list = options["paths"], let values = try? JSON(parsing: list).array {
            paths = values.compactMap(\.string)
        } else if let path = options["path"], !path.isEmpty {
            paths = [path]
        } else {
            throw SparkError(
                "UNABLE_TO_INFER_SCHEMA", sqlState: "42KD9", "Unable to infer schema for \(read.format). It must be specified manually.",
                nextStep: "give load() a path")
        }
        func isOn(_ name: String) -> Bool { options[name]?.equalsIgnoringCase("true") == true }
        for option in Self.unserved where option.formats.contains(format) {
            guard let value = options[option.name], !option.defaults.contains(value.lowercased()) else { continue }
            throw Resolver.unserved("The value '\(value)' of the option \(option.name) of the source \(format.rawValue)")
        }
        func byte(_ names: [String], _ fallback: Character) throws -> UInt8 {
            let text = names.lazy.compactMap { options[$0] }.first ?? String(fallback)
            let plain = text == "\\t" ? "\t" : text
            guard plain.utf8.count == 1, let byte = plain.utf8.first else {
                throw Self.invalid(names[0], text, "one ASCII character is wanted")
            }
            return byte
        }
        basePath = try options["basePath"].map { FilePath.absolute(try FilePath.local($0)) }
        isRecursive = isOn("recursiveFileLookup")
        namePattern = options["pathGlobFilter"]
        hasHeader = isOn("header")
        infersSchema = isOn("inferSchema")
        let named = options["mode"] ?? "PERMISSIVE"
        guard let mode = Mode(rawValue: named.uppercased()) else {
            throw Self.invalid("mode", named, "PERMISSIVE, DROPMALFORMED or FAILFAST is wanted")
        }
        self.mode = mode
        corruptColumn = options["columnNameOfCorruptRecord"] ?? "_corrupt_record"
        let ratio = options["samplingRatio"] ?? "1.0"
        guard let samplingRatio = Double(ratio), samplingRatio > 0 else {
            throw Self.invalid("samplingRatio", ratio, "a positive number is wanted")
        }
        self.samplingRatio = samplingRatio
        dateFormat = options["dateFormat"]
        timestampFormat = options["timestampFormat"]
        localTimestampFormat = options["timestampNTZFormat"]
        separator = try byte(["sep", "delimiter"], ",")
        quote = options["quote"] == "" ? 0 : try byte(["quote"], "\"")
        escape = try byte(["escape"], "\\")
        comment = options["comment"]?.utf8.first
        nullValue = Array((options["nullValue"] ?? "").utf8)
    }

    static func invalid(_ name: String, _ value: String, _ wanted: String) -> SparkError {
        SparkError("INVALID_SOURCE_OPTION", sqlState: "42616", "The value '\(value)' of the option '\(name)' is invalid: \(wanted).")
    }

    /// The pattern that texts of a type are written in; nil where they are read as a cast reads them.
    func pattern(of type: DataType) -> String? {
        switch type {
        case .date: dateFormat
        case .timestamp: timestampFormat
        case .timestampNTZ: localTimestampFormat
        default: nil
        }
    }

    func takes(_ name: Substring) -> Bool {
        guard let namePattern else { return true }
        return fnmatch(namePattern, String(name), 0) == 0
    }

    /// The fields of a line, quotes taken off; an empty field that is not quoted is null.
    func split(_ line: ByteView, _ arena: ByteArena, _ field: (ByteView?) -> Void) {
        guard let base = line.start else { return field(nil) }
        let end = line.length
        var index = 0
        while true {
            if index < end, quote != 0, base[index] == quote {
                index += 1
                let start = index
                var plain: [UInt8]?
                while index < end, base[index] != quote || index + 1 < end && escape == quote && base[index + 1] == quote {
                    if base[index] == escape, index + 1 < end, base[index + 1] == quote || base[index + 1] == escape {
                        if plain == nil { plain = Array(UnsafeBufferPointer(start: base + start, count: index - start)) }
                        index += 1
                    }
                    plain?.append(base[index])
                    index += 1
                }
                if let plain {
                    field(plain.withUnsafeBufferPointer { arena.copy($0) })
                } else {
                    field(ByteView(start: base + start, length: index - start))
                }
                while index < end, base[index] != separator { index += 1 }
            } else {
                let start = index
                while index < end, base[index] != separator { index += 1 }
                let value = ByteView(start: base + start, length: index - start)
                field(value.length == 0 || !nullValue.isEmpty && value.bytes.elementsEqual(nullValue) ? nil : value)
            }
            guard index < end else { return }
            index += 1
            if index == end { return field(nil) }
        }
    }
}

extension FileFormat {
    static let all: [FileFormat] = [.text, .csv, .json, .parquet]
}
