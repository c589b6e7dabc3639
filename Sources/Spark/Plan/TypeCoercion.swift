/// Spark's ANSI type coercion: which type two operands meet in, and which implicit casts are allowed.
///
/// https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html, "Type Promotion and Precedence".
enum TypeCoercion {
    /// The least common type, with strings promoted to the other side's type; nil where there is none.
    static func common(_ first: DataType, _ second: DataType) -> DataType? {
        if first == second { return first }
        switch (first, second) {
        case (.null, let other), (let other, .null): return other
        case (.string, let other), (let other, .string): return promoted(fromStringTo: other)
        case (.date, .timestamp), (.timestamp, .date), (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp): return .timestamp
        case (.date, .timestampNTZ), (.timestampNTZ, .date): return .timestampNTZ
        case (.structure(let left), .structure(let right)):
            guard left.fields.count == right.fields.count else { return nil }
            var fields: [StructField] = []
            for (a, b) in zip(left.fields, right.fields) {
                guard a.name.equalsIgnoringCase(b.name), let type = common(a.dataType, b.dataType) else { return nil }
                fields.append(StructField(a.name, type, nullable: a.nullable || b.nullable))
            }
            return .structure(StructType(fields))
        case (.array(let left, let a), .array(let right, let b)): return common(left, right).map { .array($0, containsNull: a || b) }
        case (.map(let leftKey, let leftValue, let a), .map(let rightKey, let rightValue, let b)):
            guard let key = common(leftKey, rightKey), let value = common(leftValue, rightValue) else { return nil }
            return .map(key: key, value: value, valueContainsNull: a || b)
        case (.yearMonthInterval(let a), .yearMonthInterval(let b)):
            return .yearMonthInterval(
                .init(a.start.rawValue < b.start.rawValue ? a.start : b.start, a.end.rawValue > b.end.rawValue ? a.end : b.end))
        case (.dayTimeInterval(let a), .dayTimeInterval(let b)):
            return .dayTimeInterval(
                .init(a.start.rawValue < b.start.rawValue ? a.start : b.start, a.end.rawValue > b.end.rawValue ? a.end : b.end))
        default: return numeric(first, second)
        }
    }

    /// Casts that an argument gets without being asked: between numbers, between texts and other plain values, between dates and timestamps.
    static func isImplicit(_ from: DataType, to: DataType) -> Bool {
        if from == to || from == .null { return true }
        switch (from, to) {
        case (.array(let source, _), .array(let target, _)): return isImplicit(source, to: target)
        case (.map(let key, let value, _), .map(let targetKey, let targetValue, _)):
            return isImplicit(key, to: targetKey) && isImplicit(value, to: targetValue)
        case (.structure(let source), .structure(let target)):
            return source.fields.count == target.fields.count
                && zip(source.fields, target.fields).allSatisfy { isImplicit($0.dataType, to: $1.dataType) }
        case (.string, _): return !to.isNested && to != .calendarInterval
        case (_, .string): return !from.isNested
        case (.date, .timestamp), (.timestamp, .date), (.date, .timestampNTZ), (.timestampNTZ, .date), (.timestamp, .timestampNTZ),
            (.timestampNTZ, .timestamp), (.yearMonthInterval, .yearMonthInterval), (.dayTimeInterval, .dayTimeInterval):
            return true
        default: return from.isNumeric && to.isNumeric
        }
    }

    private static func promoted(fromStringTo other: DataType) -> DataType? {
        switch other {
        case .byte, .short, .integer, .long: .long
        case .float, .double, .decimal: .double
        case .boolean, .date, .timestamp, .timestampNTZ, .binary, .yearMonthInterval, .dayTimeInterval: other
        default: nil
        }
    }

    static func numeric(_ first: DataType, _ second: DataType) -> DataType? {
        guard first.isNumeric, second.isNumeric else { return nil }
        if first == second { return first }
        switch (first, second) {
        case (.double, _), (_, .double): return .double
        // A float cannot hold every integer or decimal: both meet in double.
        case (.float, _), (_, .float): return .double
        case (.decimal(let p1, let s1), .decimal(let p2, let s2)): return decimal(p1, s1, p2, s2)
        case (.decimal(let precision, let scale), let other), (let other, .decimal(let precision, let scale)):
            return decimal(precision, scale, digits(other), 0)
        default: return rank(first) >= rank(second) ? first : second
        }
    }

    private static func decimal(_ p1: Int, _ s1: Int, _ p2: Int, _ s2: Int) -> DataType {
        let scale = max(s1, s2)
        return bounded(precision: max(p1 - s1, p2 - s2) + scale, scale: scale)
    }

    /// Of more than 38 digits the last ones of the fraction go, but not below six.
    static func bounded(precision: Int, scale: Int) -> DataType {
        if precision <= 38 { return .decimal(precision: precision, scale: scale) }
        return .decimal(precision: 38, scale: max(38 - (precision - scale), min(scale, 6)))
    }

    /// What decimals of these digits give under an operator (Spark's DecimalPrecision).
    static func decimal(_ op: ScalarOperator, _ p1: Int, _ s1: Int, _ p2: Int, _ s2: Int) -> DataType {
        switch op {
        case .multiply: return bounded(precision: p1 + p2 + 1, scale: s1 + s2)
        case .divide:
            let scale = max(6, s1 + p2 + 1)
            return bounded(precision: p1 - s1 + s2 + scale, scale: scale)
        case .remainder: return bounded(precision: min(p1 - s1, p2 - s2) + max(s1, s2), scale: max(s1, s2))
        default: return bounded(precision: max(p1 - s1, p2 - s2) + max(s1, s2) + 1, scale: max(s1, s2))
        }
    }

    /// The decimal that holds every value of an integral type, or this one constant.
    static func decimal(holding expression: ResolvedExpression) -> DataType {
        func digits(_ value: Int64) -> DataType { .decimal(precision: String(value.magnitude).count, scale: 0) }
        if case .literal(let literal, _) = expression {
            switch literal {
            case .byte(let value): return digits(Int64(value))
            case .short(let value): return digits(Int64(value))
            case .integer(let value): return digits(Int64(value))
            case .long(let value): return digits(value)
            default: break
            }
        }
        return .decimal(precision: Self.digits(expression.dataType), scale: 0)
    }

    static func digits(_ type: DataType) -> Int {
        switch type {
        case .byte: 3
        case .short: 5
        case .integer: 10
        default: 20
        }
    }

    private static func rank(_ type: DataType) -> Int {
        switch type {
        case .byte: 0
        case .short: 1
        case .integer: 2
        default: 3
        }
    }

    static func common(of types: [DataType]) -> DataType? {
        types.dropFirst().reduce(types.first) { result, type in result.flatMap { common($0, type) } }
    }

    /// Explicit casts that ANSI mode allows and the kernels serve; nil when allowed, else why not.
    static func complaint(casting from: DataType, to: DataType) -> String? {
        if from == to || from == .null { return nil }
        switch (from, to) {
        case (.structure(let source), .structure(let target)):
            guard source.fields.count == target.fields.count else { return "the structs have different numbers of fields" }
            for (a, b) in zip(source.fields, target.fields) {
                if let reason = complaint(casting: a.dataType, to: b.dataType) { return reason }
            }
            return nil
        case (.array(let source, _), .array(let target, _)): return complaint(casting: source, to: target)
        case (.map(let sourceKey, let sourceValue, _), .map(let key, let value, _)):
            return complaint(casting: sourceKey, to: key) ?? complaint(casting: sourceValue, to: value)
        case (_, .string): return nil
        case (.string, .structure), (.string, .array), (.string, .map): return "use from_json"
        case (.string, _): return nil
        case (.yearMonthInterval, .yearMonthInterval), (.dayTimeInterval, .dayTimeInterval): return nil
        case (.yearMonthInterval(let range), _) where to.isNumeric, (_, .yearMonthInterval(let range)) where from.isNumeric:
            return range.start == range.end ? nil : "the interval has more than one field"
        case (.dayTimeInterval(let range), _) where to.isNumeric, (_, .dayTimeInterval(let range)) where from.isNumeric:
            return range.start == range.end ? nil : "the interval has more than one field"
        case (_, _) where from.isNumeric && to.isNumeric: return nil
        case (.boolean, _) where to.isNumeric: return nil
        case (_, .boolean) where from.isNumeric: return nil
        case (_, .timestamp) where from.isNumeric: return nil
        case (.timestamp, _) where to.isNumeric: return nil
        case (.byte, .binary), (.short, .binary), (.integer, .binary), (.long, .binary): return "ANSI mode forbids it"
        case (.date, .timestamp), (.timestamp, .date), (.date, .timestampNTZ), (.timestampNTZ, .date), (.timestamp, .timestampNTZ),
            (.timestampNTZ, .timestamp):
            return nil
        default: return "ANSI mode forbids it"
        }
    }
}
