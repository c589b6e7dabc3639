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
        default: return numeric(first, second)
        }
    }

    private static func promoted(fromStringTo other: DataType) -> DataType? {
        switch other {
        case .byte, .short, .integer, .long: .long
        case .float, .double, .decimal: .double
        case .boolean, .date, .timestamp, .timestampNTZ, .binary: other
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
        return .decimal(precision: min(38, max(p1 - s1, p2 - s2) + scale), scale: scale)
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
        case (.array(let source, _), .array(let target, _)): return source == target ? nil : "casts of array elements are not served"
        case (_, .string): return nil
        case (.string, .structure), (.string, .array), (.string, .map): return "use from_json"
        case (.string, .decimal): return "decimal columns are not served yet"
        case (.string, _): return nil
        case (.decimal, .float), (.decimal, .double), (.decimal, .byte), (.decimal, .short), (.decimal, .integer), (.decimal, .long):
            return nil
        case (_, .decimal) where from.isNumeric: return "decimal columns are not served yet"
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
