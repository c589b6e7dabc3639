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
        /// Also dates and year-month intervals.
        case integer(Buffer<Int32>)
        /// Also timestamps and day-time intervals.
        case long(Buffer<Int64>)
        /// Unscaled, whatever the precision; the type tells the scale.
        case decimal(Buffer<Int128>)
        case interval(Buffer<CalendarInterval>)
        case float(Buffer<Float>)
        case double(Buffer<Double>)
        case bytes(Buffer<ByteView>)
        /// Children of the same count; nil where pruned.
        case structure([Column?])
        /// `offsets[row]..<offsets[row + 1]` in the element column.
        case array(offsets: Buffer<Int32>, Column)
        /// `offsets[row]..<offsets[row + 1]` in the columns of keys and of values; no key is null.
        case map(offsets: Buffer<Int32>, keys: Column, values: Column)
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

    var first: Int? {
        switch self {
        case .all(let count): count > 0 ? 0 : nil
        case .rows(let rows): rows.first.map { Int($0) }
        }
    }

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
