internal import CSimdjson

/// A column of one batch: typed values beside validity bits. A constant column holds one value for every row (`stride` 0).
///
/// Views of a string column point into the fetched arena, a scan's scratch or a kernel's arena; `owners` keeps them alive, except
/// for a fetched arena, which is lent for the time of the chunk: no column outlives the chunk that it was made for.
final class Column: @unchecked Sendable {
    // Unchecked: filled by the kernel that makes it, immutable from then on.
    enum Values {
        /// All null, of whatever type.
        case none
        case boolean(Buffer<Bool>)
        case byte(Buffer<Int8>)
        case short(Buffer<Int16>)
        /// Also dates.
        case integer(Buffer<Int32>)
        /// Also timestamps.
        case long(Buffer<Int64>)
        case float(Buffer<Float>)
        case double(Buffer<Double>)
        case bytes(Buffer<ByteView>)
        /// Children of the same count; nil where pruned.
        case structure([Column?])
        /// `offsets[row]..<offsets[row + 1]` in the element column.
        case array(offsets: Buffer<Int32>, Column)
    }

    let type: DataType
    let count: Int
    let values: Values
    /// nil: no value is null.
    let validity: Bitmap?
    /// 1, or 0 for a constant.
    let stride: Int
    let owners: [AnyObject]

    init(_ type: DataType, count: Int, values: Values, validity: Bitmap? = nil, stride: Int = 1, owners: [AnyObject] = []) {
        self.type = type
        self.count = count
        self.values = values
        self.validity = validity
        self.stride = stride
        self.owners = owners
    }

    @inline(__always) func isNull(_ row: Int) -> Bool {
        if case .none = values { return true }
        guard let validity else { return false }
        return !validity[row &* stride]
    }

    /// The same values under another type of the same layout (binary as string, a date as its days).
    func retyped(_ type: DataType) -> Column {
        Column(type, count: count, values: values, validity: validity, stride: stride, owners: owners)
    }

    static func nulls(_ type: DataType, count: Int) -> Column { Column(type, count: count, values: .none, stride: 0) }

    static func constant(_ literal: Literal, type: DataType, count: Int) -> Column {
        func one<T: BitwiseCopyable>(_ value: T) -> Buffer<T> { Buffer([value]) }
        switch literal {
        case .null: return nulls(type, count: count)
        case .boolean(let value): return Column(type, count: count, values: .boolean(one(value)), stride: 0)
        case .byte(let value): return Column(type, count: count, values: .byte(one(value)), stride: 0)
        case .short(let value): return Column(type, count: count, values: .short(one(value)), stride: 0)
        case .integer(let value), .date(let value): return Column(type, count: count, values: .integer(one(value)), stride: 0)
        case .long(let value), .timestamp(let value), .timestampNTZ(let value):
            return Column(type, count: count, values: .long(one(value)), stride: 0)
        case .decimal(let unscaled, _, _): return Column(type, count: count, values: .long(one(Int64(clamping: unscaled))), stride: 0)
        case .yearMonthInterval(let months, _): return Column(type, count: count, values: .integer(one(months)), stride: 0)
        case .dayTimeInterval(let micros, _): return Column(type, count: count, values: .long(one(micros)), stride: 0)
        case .calendarInterval, .array, .map, .structure:
            preconditionFailure("the resolver refuses constants of type \(literal.dataType.simpleString)")
        case .float(let value): return Column(type, count: count, values: .float(one(value)), stride: 0)
        case .double(let value): return Column(type, count: count, values: .double(one(value)), stride: 0)
        case .string(let text):
            let arena = ByteArena()
            return Column(type, count: count, values: .bytes(one(arena.copy(text))), stride: 0, owners: [arena])
        case .binary(let bytes):
            let arena = ByteArena()
            return Column(
                type, count: count, values: .bytes(one(bytes.withUnsafeBufferPointer { arena.copy($0) })), stride: 0, owners: [arena])
        }
    }

    /// The value of one row, for cold paths: results to show, tests, dead letters.
    func literal(_ row: Int) -> Literal {
        if isNull(row) { return .null }
        let index = row * stride
        switch values {
        case .none, .structure, .array: return .string(text(row) ?? "")
        case .boolean(let buffer): return .boolean(buffer[index])
        case .byte(let buffer): return .byte(buffer[index])
        case .short(let buffer): return .short(buffer[index])
        case .integer(let buffer): return type == .date ? .date(buffer[index]) : .integer(buffer[index])
        case .long(let buffer):
            switch type {
            case .timestamp: return .timestamp(buffer[index])
            case .timestampNTZ: return .timestampNTZ(buffer[index])
            case .decimal(let precision, let scale): return .decimal(unscaled: Int128(buffer[index]), precision: precision, scale: scale)
            default: return .long(buffer[index])
            }
        case .float(let buffer): return .float(buffer[index])
        case .double(let buffer): return .double(buffer[index])
        case .bytes(let buffer): return type == .binary ? .binary(Array(buffer[index].bytes)) : .string(buffer[index].string)
        }
    }

    /// What `CAST(… AS STRING)` gives, nil for null; binary as `show()` prints it (`[61 62]`).
    func text(_ row: Int) -> String? {
        if isNull(row) { return nil }
        switch values {
        case .structure(let children):
            return "{" + children.map { $0?.text(row * stride) ?? "NULL" }.joined(separator: ", ") + "}"
        case .array(let offsets, let elements):
            let range = Int(offsets[row * stride])..<Int(offsets[row * stride + 1])
            return "[" + range.map { elements.text($0) ?? "NULL" }.joined(separator: ", ") + "]"
        case .bytes(let buffer) where type == .binary:
            return "["
                + buffer[row * stride].bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
                + "]"
        case .float(let buffer): return NumberText.text(buffer[row * stride])
        case .double(let buffer): return NumberText.text(buffer[row * stride])
        default:
            switch literal(row) {
            case .string(let text): return text
            case .date(let days): return DateTimeText.text(days: days)
            case .timestamp(let micros), .timestampNTZ(let micros): return DateTimeText.text(micros: micros)
            case let other: return other.prettySQL
            }
        }
    }
}

/// The columns of a batch that its stages want; the others are nil.
struct ColumnBatch {
    var count: Int
    var columns: [Column?]
}

/// The rows of a batch that are still of interest, ascending.
enum Selection {
    case all(Int)
    case rows([Int32])

    var count: Int {
        switch self {
        case .all(let count): count
        case .rows(let rows): rows.count
        }
    }

    var isEmpty: Bool { count == 0 }

    @inline(__always) func eachRow(_ body: (Int) throws -> Void) rethrows {
        switch self {
        case .all(let count):
            var row = 0
            while row < count {
                try body(row)
                row &+= 1
            }
        case .rows(let rows):
            try rows.withUnsafeBufferPointer { rows in
                for row in rows { try body(Int(row)) }
            }
        }
    }

    @inline(__always) func filter(_ keep: (Int) throws -> Bool) rethrows -> Selection {
        var rows: [Int32] = []
        rows.reserveCapacity(count)
        try eachRow { row in
            if try keep(row) { rows.append(Int32(truncatingIfNeeded: row)) }
        }
        return rows.count == count ? self : .rows(rows)
    }
}
