/// Puts a column together from rows of others; rows never taken are null.
struct ColumnMerger {
    private let type: DataType
    private let count: Int
    private let values: Column.Values
    private let validity: Bitmap
    private var owners: [AnyObject] = []
    /// Of nested types: what was taken, put together at the end.
    private var parts: [(Column, Selection)] = []

    init(_ type: DataType, count: Int) {
        self.type = type
        self.count = count
        validity = Bitmap(count: count)
        switch type {
        case .boolean: values = .boolean(Buffer(count: count))
        case .byte: values = .byte(Buffer(count: count))
        case .short: values = .short(Buffer(count: count))
        case .integer, .date, .yearMonthInterval: values = .integer(Buffer(count: count))
        case .long, .timestamp, .timestampNTZ, .dayTimeInterval: values = .long(Buffer(count: count))
        case .decimal: values = .decimal(Buffer(count: count))
        case .calendarInterval: values = .interval(Buffer(count: count))
        case .float: values = .float(Buffer(count: count))
        case .double: values = .double(Buffer(count: count))
        case .string, .binary: values = .bytes(Buffer(count: count))
        case .null, .array, .map, .structure: values = .none
        }
    }

    mutating func take(_ column: Column, _ rows: Selection) {
        rows.eachRow { validity[$0] = !column.isNull($0) }
        if type.isNested { return parts.append((column, rows)) }
        owners += column.owners
        func copy<T>(_ from: Buffer<T>, _ to: Buffer<T>) {
            let (source, target) = (from.pointer, to.pointer)
            rows.eachRow { target[$0] = source[$0 &* column.stride] }
        }
        switch (column.values, values) {
        case (.boolean(let from), .boolean(let to)): copy(from, to)
        case (.byte(let from), .byte(let to)): copy(from, to)
        case (.short(let from), .short(let to)): copy(from, to)
        case (.integer(let from), .integer(let to)): copy(from, to)
        case (.long(let from), .long(let to)): copy(from, to)
        case (.decimal(let from), .decimal(let to)): copy(from, to)
        case (.interval(let from), .interval(let to)): copy(from, to)
        case (.float(let from), .float(let to)): copy(from, to)
        case (.double(let from), .double(let to)): copy(from, to)
        case (.bytes(let from), .bytes(let to)): copy(from, to)
        default: break
        }
    }

    var column: Column {
        switch type {
        case .structure(let structure):
            let children = structure.fields.indices.map { index -> Column? in
                var merger = ColumnMerger(structure.fields[index].dataType, count: count)
                for (column, rows) in parts {
                    guard case .structure(let children) = column.values, let child = children[index] else { continue }
                    merger.take(child, rows)
                }
                return merger.column
            }
            return Column(type, count: count, values: .structure(children), validity: validity, owners: owners)
        case .array, .map:
            guard !parts.isEmpty else { return Column.nulls(type, count: count) }
            var indices = [Int32](repeating: -1, count: count)
            var base = 0
            for (column, rows) in parts {
                rows.eachRow { indices[$0] = column.isNull($0) ? -1 : Int32(base + $0) }
                base += column.count
            }
            return Column.concatenated(parts.map(\.0), type).gathered(indices)
        default: return Column(type, count: count, values: values, validity: validity, owners: owners)
        }
    }
}
