/// Order and equality of values of one type, as Spark compares them: bytes unsigned, NaN last and equal to itself, -0.0 equal to 0.0;
/// arrays element by element, structs field by field, a null inside them before every value.
extension Column {
    /// Neither value is null.
    func order(_ row: Int, _ other: Column, _ otherRow: Int) -> Int {
        let (i, j) = (row &* stride, otherRow &* other.stride)
        func compare<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a > b ? 1 : 0 }
        switch (values, other.values) {
        case (.boolean(let a), .boolean(let b)): return compare(a.pointer[i] ? 1 : 0, b.pointer[j] ? 1 : 0)
        case (.byte(let a), .byte(let b)): return compare(a.pointer[i], b.pointer[j])
        case (.short(let a), .short(let b)): return compare(a.pointer[i], b.pointer[j])
        case (.integer(let a), .integer(let b)): return compare(a.pointer[i], b.pointer[j])
        case (.long(let a), .long(let b)): return compare(a.pointer[i], b.pointer[j])
        case (.decimal(let a), .decimal(let b)): return compare(a.pointer[i], b.pointer[j])
        case (.float(let a), .float(let b)): return Evaluator.order(a.pointer[i], b.pointer[j])
        case (.double(let a), .double(let b)): return Evaluator.order(a.pointer[i], b.pointer[j])
        case (.bytes(let a), .bytes(let b)): return Int(ByteView.compare(a.pointer[i], b.pointer[j]))
        case (.interval(let a), .interval(let b)):
            let (x, y) = (a.pointer[i], b.pointer[j])
            if x.months != y.months { return compare(x.months, y.months) }
            return x.days != y.days ? compare(x.days, y.days) : compare(x.micros, y.micros)
        case (.structure(let a), .structure(let b)):
            for (left, right) in zip(a, b) {
                guard let left, let right else { continue }
                let order = left.orderNullable(i, right, j)
                if order != 0 { return order }
            }
            return 0
        case (.array(let a, let left), .array(let b, let right)):
            return Self.order(Int(a[i])..<Int(a[i + 1]), left, Int(b[j])..<Int(b[j + 1]), right)
        case (.map(let a, let leftKeys, let leftValues), .map(let b, let rightKeys, let rightValues)):
            let (x, y) = (Int(a[i])..<Int(a[i + 1]), Int(b[j])..<Int(b[j + 1]))
            let order = Self.order(x, leftKeys, y, rightKeys)
            return order != 0 ? order : Self.order(x, leftValues, y, rightValues)
        default: return 0
        }
    }

    private static func order(_ a: Range<Int>, _ left: Column, _ b: Range<Int>, _ right: Column) -> Int {
        for position in 0..<min(a.count, b.count) {
            let order = left.orderNullable(a.lowerBound + position, right, b.lowerBound + position)
            if order != 0 { return order }
        }
        return a.count < b.count ? -1 : a.count > b.count ? 1 : 0
    }

    /// Nulls come first and equal each other.
    func orderNullable(_ row: Int, _ other: Column, _ otherRow: Int) -> Int {
        switch (isNull(row), other.isNull(otherRow)) {
        case (true, true): 0
        case (true, false): -1
        case (false, true): 1
        case (false, false): order(row, other, otherRow)
        }
    }

    /// Neither value is null.
    func equals(_ row: Int, _ other: Column, _ otherRow: Int) -> Bool {
        if case .bytes(let a) = values, case .bytes(let b) = other.values {
            return ByteView.areEqual(a.pointer[row &* stride], b.pointer[otherRow &* other.stride])
        }
        return order(row, other, otherRow) == 0
    }
}
