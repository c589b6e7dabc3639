#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A column that is put together value by value: from literals, parsed text, or the rows of other columns.
///
/// Values are plain memory that doubles; nested types hold builders of their children. A caller that knows the type appends typed values.
final class ColumnBuilder {
    let type: DataType
    private(set) var count = 0
    private(set) var children: [ColumnBuilder] = []
    private let width: Int
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var nulls: [Int32] = []
    private let arena = ByteArena()
    private var offsets: [Int32] = [0]

    init(_ type: DataType) {
        self.type = type
        switch type {
        case .boolean, .byte: width = 1
        case .short: width = 2
        case .integer, .date, .yearMonthInterval, .float: width = 4
        case .long, .timestamp, .timestampNTZ, .dayTimeInterval, .double: width = 8
        case .decimal, .calendarInterval, .string, .binary: width = 16
        case .null: width = 0
        case .array(let element, _):
            width = 0
            children = [ColumnBuilder(element)]
        case .map(let key, let value, _):
            width = 0
            children = [ColumnBuilder(key), ColumnBuilder(value)]
        case .structure(let type):
            width = 0
            children = type.fields.map { ColumnBuilder($0.dataType) }
        }
    }

    deinit { free(memory) }

    private func slot() -> UnsafeMutableRawPointer? {
        guard width > 0 else { return nil }
        if count == capacity {
            capacity = max(16, capacity * 2)
            guard let grown = realloc(memory, capacity * width) else { preconditionFailure("out of memory for a column") }
            memory = grown
        }
        return memory.map { $0 + count * width }
    }

    func appendNull() {
        nulls.append(Int32(count))
        if width > 0 { _ = slot().map { memset($0, 0, width) } }
        switch type {
        case .array, .map: offsets.append(offsets[offsets.count - 1])
        case .structure: for child in children { child.appendNull() }
        default: break
        }
        count += 1
    }

    /// A value whose memory layout is the type's: `Int32` for an integer or a date, `Int128` for a decimal.
    @inline(__always) func append<T: BitwiseCopyable>(value: T) {
        assert(MemoryLayout<T>.size == width)
        slot()?.storeBytes(of: value, as: T.self)
        count += 1
    }

    func append(bytes: UnsafeBufferPointer<UInt8>) { append(value: arena.copy(bytes)) }

    /// Closes an array or a map whose elements were appended to ``children``, or a struct whose fields were.
    func closeNested() {
        switch type {
        case .array, .map: offsets.append(Int32(children[0].count))
        default: break
        }
        count += 1
    }

    /// Forgets what was appended after there were `length` values.
    func truncate(to length: Int) {
        guard length < count else { return }
        count = length
        while let last = nulls.last, Int(last) >= length { nulls.removeLast() }
        switch type {
        case .array, .map:
            offsets.removeLast(offsets.count - length - 1)
            for child in children { child.truncate(to: Int(offsets[length])) }
        case .structure: for child in children { child.truncate(to: length) }
        default: break
        }
    }

    /// Elements that were appended to the children of an array or a map and not closed go.
    func abandonNested() { for child in children { child.truncate(to: Int(offsets[offsets.count - 1])) } }

    func append(_ literal: Literal) {
        switch literal {
        case .null: appendNull()
        case .boolean(let value): append(value: value)
        case .byte(let value): append(value: value)
        case .short(let value): append(value: value)
        case .integer(let value), .date(let value), .yearMonthInterval(let value, _): append(value: value)
        case .long(let value), .timestamp(let value), .timestampNTZ(let value), .dayTimeInterval(let value, _): append(value: value)
        case .float(let value): append(value: value)
        case .double(let value): append(value: value)
        case .decimal(let unscaled, _, _): append(value: unscaled)
        case .calendarInterval(let months, let days, let micros):
            append(value: CalendarInterval(months: months, days: days, micros: micros))
        case .string(let text): append(value: arena.copy(text))
        case .binary(let bytes): bytes.withUnsafeBufferPointer { append(bytes: $0) }
        case .array(let elements, _):
            for element in elements { children[0].append(element) }
            closeNested()
        case .map(let keys, let values, _, _):
            for key in keys { children[0].append(key) }
            for value in values { children[1].append(value) }
            closeNested()
        case .structure(let values, _):
            for (child, value) in zip(children, values) { child.append(value) }
            closeNested()
        }
    }

    func finish() -> Column {
        func typed<T: BitwiseCopyable>(_: T.Type) -> Buffer<T> {
            let buffer = Buffer<T>(count: count)
            if let memory { UnsafeMutableRawPointer(buffer.pointer).copyMemory(from: memory, byteCount: count * width) }
            return buffer
        }
        let values: Column.Values =
            switch type {
            case .null: .none
            case .boolean: .boolean(typed(Bool.self))
            case .byte: .byte(typed(Int8.self))
            case .short: .short(typed(Int16.self))
            case .integer, .date, .yearMonthInterval: .integer(typed(Int32.self))
            case .long, .timestamp, .timestampNTZ, .dayTimeInterval: .long(typed(Int64.self))
            case .float: .float(typed(Float.self))
            case .double: .double(typed(Double.self))
            case .decimal: .decimal(typed(Int128.self))
            case .calendarInterval: .interval(typed(CalendarInterval.self))
            case .string, .binary: .bytes(typed(ByteView.self))
            case .structure: .structure(children.map { $0.finish() })
            case .array: .array(offsets: Buffer(offsets), children[0].finish())
            case .map: .map(offsets: Buffer(offsets), keys: children[0].finish(), values: children[1].finish())
            }
        var validity: Bitmap?
        if !nulls.isEmpty {
            let bits = Bitmap(count: count)
            bits.setAll()
            for row in nulls { bits[Int(row)] = false }
            validity = bits
        }
        return Column(type, count: count, values: values, validity: validity, owners: type.isBytes ? [arena] : [])
    }
}
