/// Arrays out of arrays. Most are a choice of elements: the kernel lists which, and one gather copies them.
extension Kernels {
    static let arrays: [String: Kernel] = [
        "array": Kernel(.own) { call in
            guard let element = call.type.element, !call.columns.isEmpty else {
                return Column(
                    call.type, count: call.count, values: .array(offsets: Buffer([0, 0]), Column.nulls(.null, count: 0)), stride: 0)
            }
            let all = Column.concatenated(call.columns.map { spread($0, call.count) }, element)
            let (width, count) = (call.columns.count, Int32(call.count))
            return call.arrays(of: all) { row, add in
                for column in 0..<Int32(width) { add.append(column * count + Int32(row)) }
                return true
            }
        },
        "concat_arrays": Kernel { call in
            let lists = call.columns.indices.map { call.list($0) }
            let (elements, bases) = joined(lists, call.type.element ?? .null)
            return call.arrays(of: elements) { row, add in
                for (list, base) in zip(lists, bases) { add.append(contentsOf: list[row].map { Int32($0) + base }) }
                return true
            }
        },
        "array_append": Kernel(.own) { call in added(call, atEnd: true) },
        "array_prepend": Kernel(.own) { call in added(call, atEnd: false) },
        "array_insert": Kernel(.own) { call in
            let (list, position) = (call.list(0), call.int32(1))
            let (elements, base) = joined(list, call.columns[2], call)
            return try call.arrays(of: elements) { row, add in
                if call.columns[0].isNull(row) || call.columns[1].isNull(row) { return false }
                let value = base + Int32(row)
                let range = list[row]
                let place = Int(position[row])
                if place == 0 {
                    throw SparkError(
                        "INVALID_INDEX_OF_ZERO", sqlState: "22003",
                        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).")
                }
                var items = range.map { Int32($0) }
                if place > 0 {
                    while items.count < place - 1 { items.append(-1) }
                    items.insert(value, at: place - 1)
                } else {
                    let at = items.count + place + 1
                    if at >= 0 {
                        items.insert(value, at: at)
                    } else {
                        items = [value] + [Int32](repeating: -1, count: -at) + items
                    }
                }
                add += items
                return true
            }
        },
        "array_remove": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            return call.arrays(of: elements) { row, add in
                for element in list[row] where elements.isNull(element) || !elements.equals(element, call.columns[1], row) {
                    add.append(Int32(element))
                }
                return true
            }
        },
        "array_compact": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            return call.arrays(of: elements) { row, add in
                for element in list[row] where !elements.isNull(element) { add.append(Int32(element)) }
                return true
            }
        },
        "array_repeat": Kernel(.own) { call in
            let times = call.int32(1)
            return try call.arrays(of: spread(call.columns[0], call.count)) { row, add in
                if call.columns[1].isNull(row) { return false }
                let count = max(0, Int(times[row]))
                guard count <= 100_000_000 else {
                    throw SparkError(
                        "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER", sqlState: "54000", "Can't create array with \(count) elements.")
                }
                add.append(contentsOf: repeatElement(call.columns[0].isNull(row) ? -1 : Int32(row), count: count))
                return true
            }
        },
        "reverse_array": Kernel { call in
            let list = call.list(0)
            return call.arrays(of: list.elements) { row, add in
                add.append(contentsOf: list[row].reversed().map { Int32($0) })
                return true
            }
        },
        "slice": Kernel { call in
            let (list, start, length) = (call.list(0), call.int32(1), call.int32(2))
            return try call.arrays(of: list.elements) { row, add in
                let (first, count) = (Int(start[row]), Int(length[row]))
                if first == 0 {
                    throw SparkError(
                        "INVALID_PARAMETER_VALUE.START", sqlState: "22023",
                        "The value of parameter(s) `start` in `slice` is invalid: Expects a positive or a negative value for `start`, but got 0."
                    )
                }
                if count < 0 {
                    throw SparkError(
                        "INVALID_PARAMETER_VALUE.LENGTH", sqlState: "22023",
                        "The value of parameter(s) `length` in `slice` is invalid: Expects `length` greater than or equal to 0, but got \(count)."
                    )
                }
                let range = list[row]
                let from = first > 0 ? first - 1 : range.count + first
                guard from >= 0, from < range.count else { return true }
                let begin = range.lowerBound + from
                add.append(contentsOf: (begin..<min(range.upperBound, begin + count)).map { Int32($0) })
                return true
            }
        },
        "flatten": Kernel { call in
            let outer = call.list(0)
            let inner = ListReader(outer.elements)
            return call.arrays(of: inner.elements) { row, add in
                for array in outer[row] {
                    if outer.elements.isNull(array) { return false }
                    add.append(contentsOf: inner[array].map { Int32($0) })
                }
                return true
            }
        },
        "sort_array": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            let ascending = call.columns.count > 1 ? call.bool(1) : nil
            return call.arrays(of: elements) { row, add in
                let isAscending = ascending?[row] ?? true
                let start = add.count
                add.append(contentsOf: list[row].map { Int32($0) })
                // Nulls come first when ascending and last when descending.
                add[start...].sort {
                    let order = elements.orderNullable(Int($0), elements, Int($1))
                    return isAscending ? order < 0 : order > 0
                }
                return true
            }
        },
        "array_sort": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            return call.arrays(of: elements) { row, add in
                let start = add.count
                add.append(contentsOf: list[row].map { Int32($0) })
                add[start...].sort { a, b in
                    if elements.isNull(Int(a)) { return false }
                    return elements.isNull(Int(b)) || elements.order(Int(a), elements, Int(b)) < 0
                }
                return true
            }
        },
        "shuffle": Kernel { call in
            let list = call.list(0)
            var random = call.columns.count > 1 ? XORShift(seed: call.int64(1)[0]) : XORShift(seed: Int64.random(in: .min ... .max))
            return call.arrays(of: list.elements) { row, add in
                let start = add.count
                add.append(contentsOf: list[row].map { Int32($0) })
                for index in stride(from: add.count - 1, to: start, by: -1) {
                    add.swapAt(index, start + Int(random.double() * Double(index - start + 1)))
                }
                return true
            }
        },
        "array_distinct": Kernel { call in
            let list = call.list(0)
            var set = ElementSet(list.elements)
            return call.arrays(of: list.elements) { row, add in
                set.clear()
                for element in list[row] where set.insert(element) { add.append(Int32(element)) }
                return true
            }
        },
        "arrays_zip": Kernel { call in
            let lists = call.columns.indices.map { call.list($0) }
            guard case .structure(let type)? = call.type.element else { return call.nulls() }
            var picks = [[Int32]](repeating: [], count: lists.count)
            let (offsets, _, bits) = call.lists { row, indices in
                let longest = lists.map { $0[row].count }.max() ?? 0
                for position in 0..<longest {
                    indices.append(0)
                    for (number, list) in lists.enumerated() {
                        picks[number].append(position < list[row].count ? Int32(list[row].lowerBound + position) : -1)
                    }
                }
                return true
            }
            let count = picks.first?.count ?? 0
            let children = zip(lists, picks).map { list, picks in list.elements.gathered(picks) }
            let elements = Column(.structure(type), count: count, values: .structure(children))
            return Column(call.type, count: call.count, values: .array(offsets: offsets, elements), validity: bits)
        },
        "fields_of_elements": Kernel { call in
            guard case .array(let offsets, let elements) = call.columns[0].values, case .structure(let children) = elements.values else {
                return call.nulls()
            }
            let place = Int(call.int32(1)[0])
            let field =
                try elements.count == 0
                ? Column.nulls(call.type.element ?? .null, count: 0)
                : call.evaluator.over(elements.count).fieldOf(elements, place, call.type.element ?? .null, children.count)
            return Column(
                call.type, count: call.count, values: .array(offsets: offsets, field), validity: call.columns[0].validity,
                stride: call.columns[0].stride, owners: call.columns[0].owners)
        },
        "sequence": Kernel { call in try Sequences.column(call) },
    ]

    /// As many values as rows, also of a constant.
    static func spread(_ column: Column, _ count: Int) -> Column {
        if case .none = column.values { return Column.nulls(column.type, count: count) }
        return column.stride == 1 ? column : column.gathered([Int32](repeating: 0, count: count))
    }

    /// The elements of several arrays as one column, and where each array's begin.
    static func joined(_ lists: [ListReader], _ type: DataType) -> (Column, [Int32]) {
        var bases: [Int32] = []
        var base: Int32 = 0
        for list in lists {
            bases.append(base)
            base += Int32(list.elements.count)
        }
        return (Column.concatenated(lists.map(\.elements), type), bases)
    }

    private static func joined(_ list: ListReader, _ value: Column, _ call: KernelCall) -> (Column, Int32) {
        (
            Column.concatenated([list.elements, spread(value, call.count)], call.type.element ?? .null), Int32(list.elements.count)
        )
    }

    private static func added(_ call: KernelCall, atEnd: Bool) -> Column {
        let list = call.list(0)
        let (elements, base) = joined(list, call.columns[1], call)
        return call.arrays(of: elements) { row, add in
            if call.columns[0].isNull(row) { return false }
            let value = call.columns[1].isNull(row) ? -1 : base + Int32(row)
            if !atEnd { add.append(value) }
            add.append(contentsOf: list[row].map { Int32($0) })
            if atEnd { add.append(value) }
            return true
        }
    }
}

/// Elements of one column by value, null among them: a scan while they are few, hashed from then on.
struct ElementSet {
    private let elements: Column
    private var members: [Int32] = []
    private var byHash: [Int64: [Int32]] = [:]
    private var hasNull = false
    private static let scannedMax = 16

    init(_ elements: Column) { self.elements = elements }

    mutating func clear() {
        members.removeAll(keepingCapacity: true)
        if !byHash.isEmpty { byHash.removeAll(keepingCapacity: true) }
        hasNull = false
    }

    /// Whether the element was not in the set.
    mutating func insert(_ element: Int) -> Bool {
        if elements.isNull(element) {
            defer { hasNull = true }
            return !hasNull
        }
        if contains(element) { return false }
        members.append(Int32(element))
        if members.count > Self.scannedMax {
            if byHash.isEmpty {
                for member in members { byHash[elements.xxHash64(Int(member), 0), default: []].append(member) }
            } else {
                byHash[elements.xxHash64(element, 0), default: []].append(Int32(element))
            }
        }
        return true
    }

    func contains(_ element: Int) -> Bool {
        if elements.isNull(element) { return hasNull }
        let candidates = byHash.isEmpty ? members : byHash[elements.xxHash64(element, 0)] ?? []
        return candidates.contains { elements.equals(Int($0), elements, element) }
    }
}

/// `sequence(start, stop, step)`.
enum Sequences {
    private static let lengthMax = 100_000_000

    static func column(_ call: KernelCall) throws -> Column {
        guard let element = call.type.element else { return call.nulls() }
        switch element {
        case .byte: return try numbers(call, call.int8(0), call.int8(1), call.columns.count > 2 ? call.int8(2) : nil) { .byte($0) }
        case .short: return try numbers(call, call.int16(0), call.int16(1), call.columns.count > 2 ? call.int16(2) : nil) { .short($0) }
        case .integer: return try numbers(call, call.int32(0), call.int32(1), call.columns.count > 2 ? call.int32(2) : nil) { .integer($0) }
        case .long: return try numbers(call, call.int64(0), call.int64(1), call.columns.count > 2 ? call.int64(2) : nil) { .long($0) }
        default: return try moments(call, element)
        }
    }

    private static func boundaries(_ start: String, _ stop: String, _ step: String) -> SparkError {
        SparkError("INTERNAL_ERROR", sqlState: "XX000", "Illegal sequence boundaries: \(start) to \(stop) by \(step)")
    }

    private static func tooLong(_ count: Int) -> SparkError {
        SparkError(
            "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER", sqlState: "54000", "Can't create array with \(count) elements in `sequence`.")
    }

    private static func numbers<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
        _ call: KernelCall, _ start: ValueReader<T>, _ stop: ValueReader<T>, _ step: ValueReader<T>?, _ wrap: (Buffer<T>) -> Column.Values
    ) throws -> Column {
        var values: [T] = []
        let (offsets, _, bits) = try call.lists { row, indices in
            let (first, last) = (start[row], stop[row])
            let by = step?[row] ?? (first <= last ? 1 : -1)
            guard by > 0 && first <= last || by < 0 && first >= last || by == 0 && first == last else {
                throw boundaries("\(first)", "\(last)", "\(by)")
            }
            let count = by == 0 ? 1 : Int((Int128(last) - Int128(first)) / Int128(by)) + 1
            guard count + values.count <= lengthMax else { throw tooLong(count) }
            for index in 0..<count {
                indices.append(0)
                values.append(T(truncatingIfNeeded: Int128(first) + Int128(index) * Int128(by)))
            }
            return true
        }
        let elements = Column(call.type.element ?? .null, count: values.count, values: wrap(Buffer(values)))
        return Column(call.type, count: call.count, values: .array(offsets: offsets, elements), validity: bits)
    }

    private static func moments(_ call: KernelCall, _ element: DataType) throws -> Column {
        let zone: ZoneRules = element == .timestamp ? call.zone : .utc
        let isDate = element == .date
        func micros(_ index: Int, _ row: Int) -> Int64 {
            isDate ? Int64(call.int32(index)[row]) * DateTimeText.microsPerDay : call.int64(index)[row]
        }
        func step(_ row: Int) -> CalendarInterval {
            switch call.columns[2].values {
            case .integer: return CalendarInterval(months: call.int32(2)[row], days: 0, micros: 0)
            case .interval: return call.interval(2)[row]
            default:
                let total = call.int64(2)[row]
                let days = total / DateTimeText.microsPerDay
                return CalendarInterval(months: 0, days: Int32(truncatingIfNeeded: days), micros: total - days * DateTimeText.microsPerDay)
            }
        }
        var values: [Int64] = []
        let (offsets, _, bits) = try call.lists { row, indices in
            let (first, last) = (micros(0, row), micros(1, row))
            var by = step(row)
            let length = Int64(by.months) * 28 * DateTimeText.microsPerDay + Int64(by.days) * DateTimeText.microsPerDay + by.micros
            if call.columns[2].stride == 0, call.columns[2].type == .dayTimeInterval(.init(.day, .day)),
                length == DateTimeText.microsPerDay, last < first
            {
                by.days = -1
            }
            let size = Int64(by.months) * 28 * DateTimeText.microsPerDay + Int64(by.days) * DateTimeText.microsPerDay + by.micros
            guard size > 0 && first <= last || size < 0 && first >= last || size == 0 && first == last else {
                throw boundaries("\(first)", "\(last)", IntervalText.words(months: by.months, days: by.days, micros: by.micros))
            }
            var index: Int32 = 0
            while true {
                let moved = CalendarInterval(months: by.months &* index, days: by.days &* index, micros: by.micros &* Int64(index))
                let value = DateTimeMath.adding(moved, to: first, zone)
                guard size >= 0 ? value <= last : value >= last else { break }
                indices.append(0)
                values.append(value)
                guard values.count <= lengthMax else { throw tooLong(values.count) }
                if size == 0 { break }
                index += 1
            }
            return true
        }
        let made: Column.Values =
            isDate ? .integer(Buffer(values.map { DateTimeMath.days($0) })) : .long(Buffer(values))
        let elements = Column(element, count: values.count, values: made)
        return Column(call.type, count: call.count, values: .array(offsets: offsets, elements), validity: bits)
    }
}
