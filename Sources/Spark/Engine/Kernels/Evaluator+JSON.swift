internal import CSimdjson
internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// `from_json`: one call into simdjson for the batch, straight from where the texts lie into columns.
///
/// PERMISSIVE as in Spark 4: a text that is not a JSON object gives a struct of nulls, a field of another type a null field (partial
/// results), each noted with its reason; a null or empty text gives a null struct. FAILFAST raises instead. One thing is stricter than
/// Spark: text after the object makes the record malformed, where Spark reads the object and ignores the rest.
extension Evaluator {
    func fromJSON(_ texts: Column, _ scan: FromJSON, _ selection: Selection) throws -> Column {
        let type = DataType.structure(scan.schema)
        guard case .bytes(let views) = texts.values else { return Column.nulls(type, count: count) }
        if texts.stride == 0 { return try fromJSON(spread(texts, views), scan, selection) }
        return try context.parsers.withParser { parser in
            try scanJSON(parser, views, texts.validity, owners: texts.owners, scan.schema, scan.wanted, path: "", scan.mode, selection)
        }
    }

    /// A constant text, once for every row.
    private func spread(_ column: Column, _ views: Buffer<ByteView>) -> Column {
        let values = Buffer<ByteView>(count: count)
        for row in 0..<count { values[row] = views[0] }
        return Column(column.type, count: count, values: .bytes(values), owners: column.owners)
    }

    private func scanJSON(
        _ parser: OpaquePointer, _ texts: Buffer<ByteView>, _ textValidity: Bitmap?, owners: [AnyObject], _ schema: StructType,
        _ wanted: Set<Int>, path: String, _ mode: FromJSON.Mode, _ selection: Selection
    ) throws -> Column {
        let indices = schema.fields.indices.filter(wanted.contains)
        let targets = indices.map { ScanTarget(schema.fields[$0].dataType, count: count) }
        let objects = Bitmap(count: count)
        let scratch = Scratch()
        var problems = [leat_json_problem](repeating: leat_json_problem(), count: 64)
        var problemCount = 0

        let names = indices.map { Array(schema.fields[$0].name.utf8CString) }
        func run(from start: Int) {
            withNames(names) { pointers in
                let fields = indices.indices.map { index in
                    leat_json_field(
                        name: pointers[index], name_length: Int32(names[index].count - 1), kind: targets[index].kind,
                        values: targets[index].pointer, validity: targets[index].validity.words.pointer)
                }
                texts.pointer.withMemoryRebound(to: leat_view.self, capacity: max(1, count)) { documents in
                    func scan(_ rows: UnsafePointer<Int32>?, _ rowCount: Int) -> Int {
                        leat_json_scan(
                            parser, documents, textValidity?.words.pointer, rows, rowCount, fields, fields.count, objects.words.pointer,
                            &problems, problems.count, &scratch.pointer)
                    }
                    switch selection {
                    case .all(let count): problemCount = scan(nil, count)
                    case .rows(let rows): problemCount = scan(rows, rows.count)
                    }
                }
            }
        }
        run(from: 0)
        if problemCount > problems.count {
            // More than the usual few: once more with room for all. The scan writes the same values again.
            problems = [leat_json_problem](repeating: leat_json_problem(), count: problemCount)
            scratch.reset()
            run(from: 0)
        }
        for problem in problems.prefix(problemCount) {
            try note(problem, texts, schema, indices, path: path, mode)
        }
        var children = [Column?](repeating: nil, count: schema.fields.count)
        for (target, index) in Swift.zip(targets, indices) {
            children[index] = try column(
                of: target, schema.fields[index], owners: owners + [scratch], parser, path: path + schema.fields[index].name, mode,
                selection)
        }
        return Column(.structure(schema), count: count, values: .structure(children), validity: objects, owners: owners + [scratch])
    }

    private func withNames(_ names: [[CChar]], _ body: ([UnsafePointer<CChar>]) -> Void) {
        func lend(_ index: Int, _ pointers: [UnsafePointer<CChar>]) {
            guard index < names.count else { return body(pointers) }
            names[index].withUnsafeBufferPointer { lend(index + 1, pointers + [$0.baseAddress!]) }
        }
        lend(0, [])
    }

    private func note(
        _ problem: leat_json_problem, _ texts: Buffer<ByteView>, _ schema: StructType, _ indices: [Int], path: String, _ mode: FromJSON.Mode
    ) throws {
        let row = Int(problem.row)
        let message = problem.message.map { String(cString: $0) } ?? ""
        let place = problem.position >= 0 ? " at byte \(problem.position)" : ""
        let field = problem.field >= 0 ? schema.fields[indices[Int(problem.field)]] : nil
        let reason: String
        switch Int(problem.code) {
        case LEAT_JSON_MALFORMED: reason = "not JSON: \(field.map { "field '\(path)\($0.name)': " } ?? "")\(message)\(place)"
        case LEAT_JSON_NOT_OBJECT: reason = "not a JSON object\(place)"
        case LEAT_JSON_MISMATCH:
            guard let field else { return }
            let view = texts[row]
            let excerpt = view.bytes.dropFirst(max(0, Int(problem.position))).prefix(40)
            reason =
                "wrong type: field '\(path)\(field.name)' is wanted as \(field.dataType.sql)\(place), found \(String(decoding: excerpt, as: UTF8.self))"
        default: return
        }
        if mode == .failFast {
            throw SparkError(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023",
                "Malformed records are detected in record parsing: \(texts[row].string.prefix(200)). Parse Mode: FAILFAST. Reason: \(reason)"
            )
        }
        context.problems.note(row, reason)
    }

    private func column(
        of target: ScanTarget, _ field: StructField, owners: [AnyObject], _ parser: OpaquePointer, path: String, _ mode: FromJSON.Mode,
        _ selection: Selection
    ) throws -> Column {
        switch (field.dataType, target.values) {
        case (.structure(let nested), .bytes(let texts)):
            let inner = selection.filter { target.validity[$0] }
            guard !inner.isEmpty else { return Column.nulls(field.dataType, count: count) }
            return try scanJSON(
                parser, texts, target.validity, owners: owners, nested, Set(nested.fields.indices), path: path + ".", mode, inner)
        case (.date, .bytes(let texts)):
            return try moments(field, texts, target.validity, path: path, mode, selection, wrap: { .integer($0) }) {
                DateTimeText.date($0.bytes)
            }
        case (.timestamp, .bytes(let texts)):
            return try moments(field, texts, target.validity, path: path, mode, selection, wrap: { .long($0) }) { view in
                // A number is seconds, as in Spark; a string never consists of digits alone but for a year.
                if let first = view.start, first[-1] != 0x22, let seconds = TextNumbers.integer(view.bytes) {
                    let (micros, overflow) = seconds.multipliedReportingOverflow(by: DateTimeText.microsPerSecond)
                    return overflow ? nil : micros
                }
                return DateTimeText.timestamp(view.bytes)
            }
        default: return Column(field.dataType, count: count, values: target.values, validity: target.validity, owners: owners)
        }
    }

    private func moments<T: BitwiseCopyable>(
        _ field: StructField, _ texts: Buffer<ByteView>, _ validity: Bitmap, path: String, _ mode: FromJSON.Mode, _ selection: Selection,
        wrap: (Buffer<T>) -> Column.Values, _ convert: (ByteView) -> T?
    ) throws -> Column {
        let values = Buffer<T>(count: count)
        try selection.eachRow { row in
            guard validity[row] else { return }
            if let value = convert(texts[row]) {
                values[row] = value
            } else {
                validity[row] = false
                let reason =
                    "wrong type: field '\(path)' is wanted as \(field.dataType.sql), found '\(String(decoding: texts[row].bytes.prefix(40), as: UTF8.self))'"
                if mode == .failFast {
                    throw SparkError(
                        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023", "Parse Mode: FAILFAST. Reason: \(reason)")
                }
                context.problems.note(row, reason)
            }
        }
        return Column(field.dataType, count: count, values: wrap(values), validity: validity)
    }

    /// Memory that the scan allocates for text that it had to unescape.
    private final class Scratch: @unchecked Sendable {
        // Unchecked: written during the scan, read afterwards.
        var pointer: UnsafeMutablePointer<UInt8>?

        func reset() {
            free(pointer)
            pointer = nil
        }

        deinit { free(pointer) }
    }
}

/// Where one field's values go during a scan.
private struct ScanTarget {
    let kind: Int32
    let values: Column.Values
    let pointer: UnsafeMutableRawPointer
    let validity: Bitmap

    init(_ type: DataType, count: Int) {
        validity = Bitmap(count: count)
        func make<T>(_ kind: Int, _ buffer: Buffer<T>, _ values: Column.Values) -> (Int32, Column.Values, UnsafeMutableRawPointer) {
            (Int32(kind), values, UnsafeMutableRawPointer(buffer.pointer))
        }
        func views(_ kind: Int) -> (Int32, Column.Values, UnsafeMutableRawPointer) {
            let buffer = Buffer<ByteView>(count: count)
            return make(kind, buffer, .bytes(buffer))
        }
        switch type {
        case .boolean:
            let buffer = Buffer<Bool>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_BOOLEAN, buffer, .boolean(buffer))
        case .byte:
            let buffer = Buffer<Int8>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_INT8, buffer, .byte(buffer))
        case .short:
            let buffer = Buffer<Int16>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_INT16, buffer, .short(buffer))
        case .integer:
            let buffer = Buffer<Int32>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_INT32, buffer, .integer(buffer))
        case .long:
            let buffer = Buffer<Int64>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_INT64, buffer, .long(buffer))
        case .float:
            let buffer = Buffer<Float>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_FLOAT, buffer, .float(buffer))
        case .double:
            let buffer = Buffer<Double>(count: count)
            (kind, values, pointer) = make(LEAT_JSON_DOUBLE, buffer, .double(buffer))
        case .date: (kind, values, pointer) = views(LEAT_JSON_TEXT)
        case .timestamp: (kind, values, pointer) = views(LEAT_JSON_TEXT_OR_NUMBER)
        case .structure: (kind, values, pointer) = views(LEAT_JSON_OBJECT)
        case .array: (kind, values, pointer) = views(LEAT_JSON_ARRAY)
        default: (kind, values, pointer) = views(LEAT_JSON_STRING)
        }
    }
}

/// simdjson's parsers, lent to one scan at a time and kept for the next: each holds an index as large as the largest document it read.
final class JSONParserPool: Sendable {
    static let shared = JSONParserPool()
    private static let keptMax = 8

    private struct Parser: @unchecked Sendable {
        // Unchecked: whoever took it out of the pool is the only one to hold it.
        let pointer: OpaquePointer
    }

    private let idle = NIOLockedValueBox<[Parser]>([])

    func withParser<R>(_ body: (OpaquePointer) throws -> R) throws -> R {
        guard let parser = idle.withLockedValue({ $0.popLast() }) ?? leat_json_parser_create().map(Parser.init) else {
            throw SparkError("OUT_OF_MEMORY", sqlState: "53200", "No memory for a JSON parser.")
        }
        defer {
            let isKept = idle.withLockedValue { parsers in
                guard parsers.count < Self.keptMax else { return false }
                parsers.append(parser)
                return true
            }
            if !isKept { leat_json_parser_destroy(parser.pointer) }
        }
        return try body(parser.pointer)
    }
}
