#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Lines of text files, and the fields of CSV files, as columns of strings: what `format("text")`, `csv` and `json` read in a batch.
///
/// Files are read in blocks that end with a line; views of the columns point into the block. JSON is parsed by `from_json` above this source, so
/// that only the fields that a query uses are.
final class FileSource: StreamSource {
    /// Bytes read at a time; a longer line is refused.
    private static let blockBytes = 4 << 20
    private static let lineBytesMax = 256 << 20

    private let files: [String]
    private let options: FileSourceOptions
    private let columns: Int
    let description: String

    init(_ read: DataSourceRead, columns: Int) throws {
        options = try FileSourceOptions(read)
        files = try options.files()
        self.columns = columns
        description = "FileSource[\(options.paths.joined(separator: ","))]"
    }

    var waitingReason: String? { nil }
    private static let all = SourcePartition(topic: "files", partition: 0)
    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.all: 0]) }
    func start(at offset: SourceOffset) async throws {}
    func latest() async throws -> SourceOffset { SourceOffset([Self.all: Int64(files.count)]) }
    func newest() -> SourceOffset? { nil }
    func stop() async {}
    func waiting(after offset: SourceOffset) throws -> SourceRange? { nil }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        var ordinal = firstOrdinal
        for file in files {
            var isFirst = true
            try await Self.blocks(of: file) { block, count in
                var lines = Self.lines(block, count)
                if isFirst, options.format == .csv, options.hasHeader, !lines.isEmpty { lines.removeFirst() }
                isFirst = false
                let batch = options.format == .csv ? fields(lines, block) : Self.text(lines, block)
                guard batch.count > 0 else { return }
                try await body(SourceChunk(storage: .batch(batch), ordinalFirst: ordinal, count: batch.count, byteCount: count))
                ordinal += Int64(batch.count)
            }
        }
    }

    // MARK: Bytes

    /// Hands over blocks of whole lines.
    static func blocks(of path: String, _ body: (Buffer<UInt8>, Int) async throws -> Void) async throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw SparkError(
                "FAILED_READ_FILE.FILE_NOT_EXIST", sqlState: "KD001", "Encountered error while reading file \(path). File does not exist.")
        }
        defer { close(descriptor) }
        var rest: [UInt8] = []
        var size = blockBytes
        while true {
            try Task.checkCancellation()
            let block = Buffer<UInt8>(count: rest.count + size)
            rest.withUnsafeBufferPointer { if let base = $0.baseAddress { block.pointer.update(from: base, count: $0.count) } }
            var filled = rest.count
            var isEnd = false
            while filled < block.count {
                let got = readBytes(descriptor, block.pointer + filled, block.count - filled)
                guard got >= 0 else {
                    throw SparkError(
                        "FAILED_READ_FILE.NO_HINT", sqlState: "KD001", "Encountered error while reading file \(path): errno \(errno).")
                }
                if got == 0 {
                    isEnd = true
                    break
                }
                filled += got
            }
            var end = filled
            if !isEnd {
                while end > 0, block.pointer[end - 1] != 0x0A { end -= 1 }
                if end == 0 {
                    guard filled < lineBytesMax else {
                        throw SparkError(
                            "FAILED_READ_FILE.NO_HINT", sqlState: "KD001", "A line of \(path) is longer than \(lineBytesMax) bytes.")
                    }
                    rest = Array(UnsafeBufferPointer(start: block.pointer, count: filled))
                    size = filled
                    continue
                }
            }
            rest = Array(UnsafeBufferPointer(start: block.pointer + end, count: filled - end))
            if end > 0 { try await body(block, end) }
            if isEnd { return }
        }
    }

    private static func lines(_ block: Buffer<UInt8>, _ count: Int) -> [ByteView] {
        var result: [ByteView] = []
        var start = 0
        while start < count {
            let found = memchr(block.pointer + start, 0x0A, count - start)
            let end = found.map { block.pointer.distance(to: $0.assumingMemoryBound(to: UInt8.self)) } ?? count
            var length = end - start
            if length > 0, block.pointer[end - 1] == 0x0D { length -= 1 }
            result.append(ByteView(start: UnsafePointer(block.pointer + start), length: length))
            start = end + 1
        }
        return result
    }

    private static func text(_ lines: [ByteView], _ block: Buffer<UInt8>) -> ColumnBatch {
        ColumnBatch(
            count: lines.count, columns: [Column(.string, count: lines.count, values: .bytes(Buffer(lines)), owners: [block])])
    }

    // MARK: CSV

    private func fields(_ lines: [ByteView], _ block: Buffer<UInt8>) -> ColumnBatch {
        var rows = 0
        let arena = ByteArena()
        let buffers = (0..<columns).map { _ in Buffer<ByteView>(count: lines.count) }
        let bits = (0..<columns).map { _ in Bitmap(count: lines.count) }
        for line in lines where line.length > 0 {
            if let comment = options.comment, line.start?.pointee == comment { continue }
            var column = 0
            options.split(line, arena) { value in
                if column < columns {
                    buffers[column].pointer[rows] = value ?? .empty
                    bits[column][rows] = value != nil
                }
                column += 1
            }
            while column < columns {
                buffers[column].pointer[rows] = .empty
                column += 1
            }
            rows += 1
        }
        return ColumnBatch(
            count: rows,
            columns: (0..<columns).map {
                Column(.string, count: rows, values: .bytes(buffers[$0]), validity: bits[$0], owners: [block, arena])
            })
    }
}

@inline(__always) private func readBytes(_ descriptor: Int32, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    read(descriptor, target, count)
}

/// Options of file sources, under Spark's names.
struct FileSourceOptions {
    enum Format: String {
        case text, csv, json
    }

    let format: Format
    let paths: [String]
    let hasHeader: Bool
    let infersSchema: Bool
    let comment: UInt8?
    private let separator: UInt8
    private let quote: UInt8
    private let escape: UInt8
    private let nullValue: [UInt8]

    static func serves(_ format: String) -> Bool { Format(rawValue: format.lowercased()) != nil }

    init(_ read: DataSourceRead) throws {
        guard let format = Format(rawValue: read.format.lowercased()) else { throw Resolver.unserved("The file format \(read.format)") }
        self.format = format
        let options = read.options
        if let list = options["paths"], let values = try? JSONValue(parsing: list).elements {
            paths = values.compactMap(\.text)
        } else if let path = options["path"] {
            paths = [path]
        } else {
            throw SparkError(
                "UNABLE_TO_INFER_SCHEMA", sqlState: "42KD9", "Unable to infer schema for \(read.format). It must be specified manually.",
                nextStep: "give load() a path")
        }
        func isOn(_ name: String) -> Bool { options[name]?.equalsIgnoringCase("true") == true }
        for name in ["multiLine", "wholetext", "recursiveFileLookup", "encoding", "charset", "pathGlobFilter"] {
            guard let value = options[name], !["false", "utf-8", "utf8"].contains(value.lowercased()) else { continue }
            throw Resolver.unserved("The option \(name) of the source \(read.format)")
        }
        func byte(_ names: [String], _ fallback: Character) throws -> UInt8 {
            let text = names.lazy.compactMap { options[$0] }.first ?? String(fallback)
            let plain = text == "\\t" ? "\t" : text
            guard plain.utf8.count == 1, let byte = plain.utf8.first else {
                throw SparkError(
                    "INVALID_SOURCE_OPTION", sqlState: "42616", "The csv option '\(names[0])' is '\(text)'; one ASCII character is wanted.")
            }
            return byte
        }
        hasHeader = isOn("header")
        infersSchema = isOn("inferSchema")
        separator = try byte(["sep", "delimiter"], ",")
        quote = options["quote"] == "" ? 0 : try byte(["quote"], "\"")
        escape = try byte(["escape"], "\\")
        comment = options["comment"]?.utf8.first
        nullValue = Array((options["nullValue"] ?? "").utf8)
    }

    /// The files that the paths name: a folder's, without hidden ones, or a pattern's.
    func files() throws -> [String] {
        var result: [String] = []
        for path in paths {
            let plain = path.hasPrefix("file://") ? String(path.dropFirst(7)) : path.hasPrefix("file:") ? String(path.dropFirst(5)) : path
            if let scheme = plain.firstRange(of: "://") { throw Resolver.unserved("The file system \(plain[..<scheme.lowerBound])") }
            var matches: [String] = []
            var found = glob_t()
            if glob(plain, 0, nil, &found) == 0 {
                for index in 0..<Int(found.gl_pathc) { if let name = found.gl_pathv[index] { matches.append(String(cString: name)) } }
            }
            globfree(&found)
            guard !matches.isEmpty else {
                throw SparkError("PATH_NOT_FOUND", sqlState: "42K03", "Path does not exist: file:\(plain).")
            }
            for match in matches { result += Self.contents(match) }
        }
        return result
    }

    private static func contents(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [path] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), !name.hasPrefix("_") { names.append(name) }
        }
        return names.sorted().flatMap { contents(path + "/" + $0) }
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
                field(value.bytes.elementsEqual(nullValue) || value.length == 0 ? nil : value)
            }
            guard index < end else { return }
            index += 1
            if index == end { return field(nil) }
        }
    }
}
