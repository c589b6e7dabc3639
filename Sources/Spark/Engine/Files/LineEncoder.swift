internal import CCodecs

/// How CSV is written, under Spark's options.
struct CSVFormat {
    let hasHeader: Bool
    let separator: UInt8
    let quote: UInt8
    let escape: UInt8
    let quotesAll: Bool
    let nullValue: [UInt8]
    let emptyValue: [UInt8]
    let trims: (leading: Bool, trailing: Bool)
    let date: DatePattern
    let timestamp: DatePattern
    let localTimestamp: DatePattern

    init(_ options: Options) throws {
        func isOn(_ name: String, _ fallback: Bool) -> Bool { options[name].map { $0.equalsIgnoringCase("true") } ?? fallback }
        func byte(_ names: [String], _ fallback: String) throws -> UInt8 {
            let text = names.lazy.compactMap { options[$0] }.first ?? fallback
            let plain = text == "\\t" ? "\t" : text
            guard plain.utf8.count == 1, let byte = plain.utf8.first else {
                throw FileWriteOptions.invalid(names[0], text, "one ASCII character is wanted")
            }
            return byte
        }
        hasHeader = isOn("header", false)
        separator = try byte(["sep", "delimiter"], ",")
        quote = options["quote"] == "" ? 0 : try byte(["quote"], "\"")
        escape = try byte(["escape"], "\\")
        quotesAll = isOn("quoteAll", false)
        nullValue = Array((options["nullValue"] ?? "").utf8)
        emptyValue = Array((options["emptyValue"] ?? "\"\"").utf8)
        trims = (isOn("ignoreLeadingWhiteSpace", true), isOn("ignoreTrailingWhiteSpace", true))
        date = try DatePattern(options["dateFormat"] ?? "yyyy-MM-dd")
        timestamp = try DatePattern(options["timestampFormat"] ?? "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]")
        localTimestamp = try DatePattern(options["timestampNTZFormat"] ?? "yyyy-MM-dd'T'HH:mm:ss[.SSS]")
    }

    /// A value with the quotes that it wants.
    func write(_ text: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        var value = text[...]
        while trims.leading, let first = value.first, first <= 0x20 { value.removeFirst() }
        while trims.trailing, let last = value.last, last <= 0x20 { value.removeLast() }
        guard !value.isEmpty else {
            out += emptyValue
            return
        }
        let isQuoted =
            quote != 0
            && (quotesAll || value.contains { $0 == separator || $0 == quote || $0 == 0x0A || $0 == 0x0D })
        guard isQuoted else {
            out += value
            return
        }
        out.append(quote)
        for byte in value {
            if byte == quote || byte == escape { out.append(escape) }
            out.append(byte)
        }
        out.append(quote)
    }
}

/// Writes rows as lines: JSON objects, CSV records, or texts as they are.
///
/// Packed files are a series of gzip's members, one for each block of lines (RFC 1952, 2.2).
final class LineEncoder: FileEncoder {
    enum Kind {
        case json(ignoresNulls: Bool)
        case csv(CSVFormat)
        case text
    }

    private static let blockBytes = 1 << 20
    private let kind: Kind
    private let options: FileWriteOptions
    private var out: [UInt8] = []
    private var isBegun = false
    private var packed = leat_buffer()

    init(_ kind: Kind, _ options: FileWriteOptions) {
        self.kind = kind
        self.options = options
    }

    deinit { leat_buffer_free(&packed) }

    func append(_ batch: ResultBatch, to file: PartFile) throws {
        begin()
        switch kind {
        case .text: texts(batch)
        case .json(let ignoresNulls):
            let rows = Column(.structure(options.schema), count: batch.count, values: .structure(batch.columns))
            let writer = JSONText(zone: options.zone, ignoresNulls: ignoresNulls)
            for row in 0..<batch.count {
                writer.write(rows, row, into: &out)
                out.append(0x0A)
            }
        case .csv(let format): try records(batch, format)
        }
        if out.count >= Self.blockBytes { try flush(file) }
    }

    private func begin() {
        guard !isBegun else { return }
        isBegun = true
        guard case .csv(let format) = kind, format.hasHeader else { return }
        for (index, name) in options.schema.names.enumerated() {
            if index > 0 { out.append(format.separator) }
            var name = name
            name.withUTF8 { format.write($0, into: &out) }
        }
        out.append(0x0A)
    }

    private func texts(_ batch: ResultBatch) {
        let column = batch.columns[0]
        for row in 0..<batch.count {
            if case .bytes(let views) = column.values, !column.isNull(row) { out += views.pointer[row * column.stride].bytes }
            out.append(0x0A)
        }
    }

    private func records(_ batch: ResultBatch, _ format: CSVFormat) throws {
        for row in 0..<batch.count {
            for (index, column) in batch.columns.enumerated() {
                if index > 0 { out.append(format.separator) }
                if column.isNull(row) { out += format.nullValue } else { try value(column, row, format) }
            }
            out.append(0x0A)
        }
    }

    private func value(_ column: Column, _ row: Int, _ format: CSVFormat) throws {
        let index = row * column.stride
        switch (column.values, column.type) {
        case (.bytes(let views), _): format.write(views.pointer[index].bytes, into: &out)
        case (.integer(let days), .date):
            try format.date.write(Int64(days.pointer[index]) * 86_400_000_000, .utc, isLocal: true, to: &out)
        case (.long(let micros), .timestamp): try format.timestamp.write(micros.pointer[index], options.zone, isLocal: false, to: &out)
        case (.long(let micros), .timestampNTZ): try format.localTimestamp.write(micros.pointer[index], .utc, isLocal: true, to: &out)
        default:
            var text = column.text(row, zone: options.zone) ?? ""
            text.withUTF8 { format.write($0, into: &out) }
        }
    }

    private func flush(_ file: PartFile) throws {
        defer { out.removeAll(keepingCapacity: true) }
        guard options.compression == .gzip else { return try out.withUnsafeBytes { try file.write($0) } }
        packed.count = 0
        let status = out.withUnsafeBytes { leat_compress(nil, LEAT_CODEC_GZIP, $0.baseAddress, $0.count, &packed) }
        guard status == LEAT_CODEC_OK else {
            throw SparkError("OUT_OF_MEMORY", sqlState: "53200", "No memory to pack \(out.count) bytes.")
        }
        try file.write(UnsafeRawBufferPointer(start: packed.bytes, count: packed.count))
    }

    func finish(_ file: PartFile) throws {
        begin()
        if !out.isEmpty { try flush(file) }
    }
}
