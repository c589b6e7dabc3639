#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A named function's code: one call a batch, loops over typed memory inside.
struct Kernel: Sendable {
    enum Nulls: Sendable {
        /// A null argument gives null, and the kernel never sees it.
        case strict
        /// The kernel looks at nulls itself.
        case own
    }

    let nulls: Nulls
    let run: @Sendable (KernelCall) throws -> Column

    init(_ run: @escaping @Sendable (KernelCall) throws -> Column) {
        nulls = .strict
        self.run = run
    }

    init(_ nulls: Nulls, _ run: @escaping @Sendable (KernelCall) throws -> Column) {
        self.nulls = nulls
        self.run = run
    }
}

/// The kernels of the functions that the catalog names; the catalog gives them the types that they take.
enum Kernels {
    static let all: [String: Kernel] = {
        var table: [String: Kernel] = [:]
        let families = [
            strings, searches, codecs, digests, formats, regularExpressions, links, mathematics, roundings, bits, dates, clocks, intervals,
            calendars,
            arrays, arraySets, maps, jsonTexts, elements, miscellaneous, tries,
        ]
        for family in families { table.merge(family) { $1 } }
        return table
    }()
}

/// One call of a kernel: its arguments as columns, and the rows that are asked for. Rows beyond the selection are left as they are, and a
/// strict kernel sees no row at which an argument is null.
struct KernelCall {
    let evaluator: Evaluator
    let name: String
    let columns: [Column]
    let type: DataType
    /// nil: no row is null.
    let validity: Bitmap?
    let selection: Selection

    var count: Int { evaluator.count }
    var context: EvaluationContext { evaluator.context }
    var zone: ZoneRules { evaluator.context.zone }

    // MARK: Arguments

    /// Read where a column is null throughout and has no memory.
    private static let zeros: UInt = UInt(bitPattern: calloc(1, 64))

    private func reader<T: BitwiseCopyable>(_ index: Int, _ buffer: Buffer<T>?) -> ValueReader<T> {
        if let buffer { return ValueReader(pointer: buffer.pointer, stride: columns[index].stride) }
        guard let zeros = UnsafeMutableRawPointer(bitPattern: Self.zeros) else { preconditionFailure("out of memory") }
        return ValueReader(pointer: zeros.assumingMemoryBound(to: T.self), stride: 0)
    }

    func bool(_ index: Int) -> ValueReader<Bool> {
        if case .boolean(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func int8(_ index: Int) -> ValueReader<Int8> {
        if case .byte(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func int16(_ index: Int) -> ValueReader<Int16> {
        if case .short(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func int32(_ index: Int) -> ValueReader<Int32> {
        if case .integer(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func int64(_ index: Int) -> ValueReader<Int64> {
        if case .long(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func decimal(_ index: Int) -> ValueReader<Int128> {
        if case .decimal(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func interval(_ index: Int) -> ValueReader<CalendarInterval> {
        if case .interval(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func float32(_ index: Int) -> ValueReader<Float> {
        if case .float(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func float64(_ index: Int) -> ValueReader<Double> {
        if case .double(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func text(_ index: Int) -> ValueReader<ByteView> {
        if case .bytes(let b) = columns[index].values { reader(index, b) } else { reader(index, nil) }
    }
    func list(_ index: Int) -> ListReader { ListReader(columns[index]) }

    func scale(_ index: Int) -> Int { if case .decimal(_, let scale) = columns[index].type { scale } else { 0 } }

    /// The argument's text when it is one for all rows.
    func constantText(_ index: Int) -> String? {
        guard columns[index].stride == 0, case .bytes(let buffer) = columns[index].values else { return nil }
        return buffer[0].string
    }

    // MARK: Results

    @inline(__always) func eachRow(_ body: (Int) throws -> Void) rethrows {
        guard let validity else { return try selection.eachRow(body) }
        try selection.eachRow { if validity[$0] { try body($0) } }
    }

    /// A column of what `body` gives for each row; nil is null.
    @inline(__always)
    func make<R: BitwiseCopyable>(_ wrap: (Buffer<R>) -> Column.Values, owners: [AnyObject] = [], _ body: (Int) throws -> R?) rethrows
        -> Column
    {
        let result = Buffer<R>(count: count)
        let output = result.pointer
        var nulls = NullMarks(validity, count: count)
        try eachRow { row in
            if let value = try body(row) { output[row] = value } else { nulls.mark(row) }
        }
        return Column(type, count: count, values: wrap(result), validity: nulls.bits, owners: owners)
    }

    @inline(__always) func bools(_ body: (Int) throws -> Bool?) rethrows -> Column { try make({ .boolean($0) }, body) }
    @inline(__always) func int32s(_ body: (Int) throws -> Int32?) rethrows -> Column { try make({ .integer($0) }, body) }
    @inline(__always) func int64s(_ body: (Int) throws -> Int64?) rethrows -> Column { try make({ .long($0) }, body) }
    @inline(__always) func float64s(_ body: (Int) throws -> Double?) rethrows -> Column { try make({ .double($0) }, body) }
    @inline(__always) func float32s(_ body: (Int) throws -> Float?) rethrows -> Column { try make({ .float($0) }, body) }
    @inline(__always) func decimals(_ body: (Int) throws -> Int128?) rethrows -> Column { try make({ .decimal($0) }, body) }
    @inline(__always) func intervals(_ body: (Int) throws -> CalendarInterval?) rethrows -> Column { try make({ .interval($0) }, body) }

    /// Texts that are parts of the arguments' texts, or that were kept in the arena.
    @inline(__always) func views(_ body: (Int, ByteArena) throws -> ByteView?) rethrows -> Column {
        let arena = ByteArena()
        return try make({ .bytes($0) }, owners: columns.flatMap(\.owners) + [arena]) { try body($0, arena) }
    }

    /// Texts that are written byte by byte; false is null.
    @inline(__always) func texts(_ body: (Int, inout [UInt8]) throws -> Bool) rethrows -> Column {
        let arena = ByteArena()
        var scratch: [UInt8] = []
        return try make({ .bytes($0) }, owners: [arena]) { row in
            scratch.removeAll(keepingCapacity: true)
            guard try body(row, &scratch) else { return nil }
            return scratch.withUnsafeBufferPointer { arena.copy($0) }
        }
    }

    func strings(_ body: (Int) throws -> String?) rethrows -> Column {
        try views { row, arena in try body(row).map { arena.copy($0) } }
    }

    /// Arrays whose elements are rows of `elements`: `body` appends their numbers (negative: null) and says whether there is an array.
    func arrays(of elements: Column, _ body: (Int, inout [Int32]) throws -> Bool) rethrows -> Column {
        let (offsets, indices, bits) = try lists(body)
        return Column(type, count: count, values: .array(offsets: offsets, elements.gathered(indices)), validity: bits)
    }

    /// Offsets of lists, and the numbers of their elements in the order of the rows.
    func lists(_ body: (Int, inout [Int32]) throws -> Bool) rethrows -> (Buffer<Int32>, [Int32], Bitmap?) {
        let offsets = Buffer<Int32>(count: count + 1)
        var indices: [Int32] = []
        var nulls = NullMarks(validity, count: count)
        var next = 0
        offsets.pointer[0] = 0
        try eachRow { row in
            // Rows left out have no elements.
            while next < row {
                offsets.pointer[next + 1] = Int32(indices.count)
                next += 1
            }
            let before = indices.count
            if try !body(row, &indices) {
                indices.removeLast(indices.count - before)
                nulls.mark(row)
            }
            offsets.pointer[row + 1] = Int32(indices.count)
            next = row + 1
        }
        while next < count {
            offsets.pointer[next + 1] = Int32(indices.count)
            next += 1
        }
        return (offsets, indices, nulls.bits)
    }

    var isNullThroughout: Bool { columns.contains { if case .none = $0.values { true } else { false } } }

    func nulls() -> Column { Column.nulls(type, count: count) }

    /// The same call over other columns or to another type.
    func with(_ columns: [Column]? = nil, type: DataType? = nil) -> KernelCall {
        KernelCall(
            evaluator: evaluator, name: name, columns: columns ?? self.columns, type: type ?? self.type, validity: validity,
            selection: selection)
    }
}

/// A column's memory by row; stride 0 is a constant.
struct ValueReader<T: BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<T>
    let stride: Int

    @inline(__always) subscript(row: Int) -> T { pointer[row &* stride] }
}

/// Ranges of elements by row, of an array or a map.
struct ListReader {
    private let offsets: Buffer<Int32>
    private let stride: Int
    /// The elements of an array, the keys of a map.
    let elements: Column
    /// The values of a map.
    let values: Column

    init(_ column: Column) {
        stride = column.stride
        switch column.values {
        case .array(let offsets, let elements):
            self.offsets = offsets
            self.elements = elements
            values = elements
        case .map(let offsets, let keys, let values):
            self.offsets = offsets
            elements = keys
            self.values = values
        default:
            offsets = Buffer([0, 0])
            elements = Column.nulls(.null, count: 0)
            values = elements
        }
    }

    @inline(__always) subscript(row: Int) -> Range<Int> {
        let index = row &* stride
        return Int(offsets.pointer[index])..<Int(offsets.pointer[index + 1])
    }
}

/// Validity bits that are copied when the first row becomes null.
struct NullMarks {
    private(set) var bits: Bitmap?
    private let count: Int
    private var isOwned = false

    init(_ bits: Bitmap?, count: Int) {
        self.bits = bits
        self.count = count
    }

    mutating func mark(_ row: Int) {
        if !isOwned {
            let own = Bitmap(count: count)
            if let bits {
                for word in 0..<own.words.count { own.words[word] = bits.words[word] }
            } else {
                own.setAll()
            }
            bits = own
            isOwned = true
        }
        bits?[row] = false
    }
}
