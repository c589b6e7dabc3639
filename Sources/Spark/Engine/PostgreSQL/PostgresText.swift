internal import NIOCore

/// Rows in the text form of COPY: columns separated by tabs, rows by line feeds, null as `\N`. The server reads each value as its column's
/// type, so that a string goes into a uuid, and a whole number into a numeric.
///
/// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
struct PostgresText {
    private enum Part {
        case text(Column, Buffer<ByteView>)
        case bytes(Column, Buffer<ByteView>)
        case array(Column)
        case nulls
    }

    private let parts: [Part]

    /// Types that have a text which PostgreSQL reads.
    static func serves(_ type: DataType) -> Bool {
        switch type {
        case .boolean, .byte, .short, .integer, .long, .float, .double, .decimal, .string, .binary, .date, .timestamp, .timestampNTZ: true
        case .array(let element, _): element != .binary && serves(element)
        default: false
        }
    }

    /// Casts what is no text already, a column at a time.
    init(_ rows: ResultRows, count: Int) throws {
        let evaluator = Evaluator(
            batch: ColumnBatch(count: count, columns: []), context: EvaluationContext(timestampMicros: 0), stageRows: 0)
        parts = try rows.schema.fields.indices.map { index in
            let column = rows.column(index, count: count)
            if case .array = column.values { return .array(column) }
            let texts = column.type == .binary ? column : try evaluator.cast(column, to: .string, isTry: false, rows.selection)
            guard case .bytes(let views) = texts.values else { return .nulls }
            return column.type == .binary ? .bytes(texts, views) : .text(texts, views)
        }
    }

    func write(_ selection: Selection, to buffer: inout ByteBuffer) {
        selection.eachRow { row in
            for (index, part) in parts.enumerated() {
                if index > 0 { buffer.writeInteger(UInt8(ascii: "\t")) }
                switch part {
                case .text(let column, let views) where !column.isNull(row):
                    Self.escape(views.pointer[row &* column.stride].bytes, to: &buffer)
                case .bytes(let column, let views) where !column.isNull(row):
                    Self.hexadecimal(views.pointer[row &* column.stride].bytes, to: &buffer)
                case .array(let column) where !column.isNull(row):
                    var text: [UInt8] = []
                    Self.list(column, row, to: &text)
                    text.withUnsafeBufferPointer { Self.escape($0, to: &buffer) }
                default: buffer.writeStaticString("\\N")
                }
            }
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
    }

    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, to buffer: inout ByteBuffer) {
        var start = 0
        for (index, byte) in bytes.enumerated() {
            let letter: UInt8
            switch byte {
            case UInt8(ascii: "\\"): letter = byte
            case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
            case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
            case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
            default: continue
            }
            buffer.writeBytes(bytes[start..<index])
            buffer.writeInteger(UInt8(ascii: "\\"))
            buffer.writeInteger(letter)
            start = index + 1
        }
        buffer.writeBytes(bytes[start...])
    }

    private static func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("\\\\x")
        let digits: StaticString = "0123456789abcdef"
        for byte in bytes {
            buffer.writeInteger(digits.utf8Start[Int(byte >> 4)])
            buffer.writeInteger(digits.utf8Start[Int(byte & 15)])
        }
    }

    /// `{"a","b",NULL}`
    private static func list(_ column: Column, _ row: Int, to text: inout [UInt8]) {
        let index = row * column.stride
        guard case .array(let offsets, let elements) = column.values else { return }
        text.append(UInt8(ascii: "{"))
        for element in Int(offsets[index])..<Int(offsets[index + 1]) {
            if element > Int(offsets[index]) { text.append(UInt8(ascii: ",")) }
            if elements.isNull(element) {
                text += "NULL".utf8
            } else if case .array = elements.values {
                list(elements, element, to: &text)
            } else {
                text.append(UInt8(ascii: "\""))
                for byte in (elements.text(element) ?? "").utf8 {
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.append(UInt8(ascii: "\\")) }
                    text.append(byte)
                }
                text.append(UInt8(ascii: "\""))
            }
        }
        text.append(UInt8(ascii: "}"))
    }
}
