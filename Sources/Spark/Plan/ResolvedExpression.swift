/// An expression whose names are ordinals of the input and whose types are known; the engine's kernels evaluate it.
package indirect enum ResolvedExpression: Hashable, Sendable {
    case column(Int, DataType, nullable: Bool)
    case literal(Literal, DataType)
    case cast(ResolvedExpression, to: DataType, isTry: Bool)
    case call(ScalarOperator, [ResolvedExpression], DataType)
    /// The field of a struct.
    case field(ResolvedExpression, index: Int, DataType)
    case structure([ResolvedNamed])
    case fromJSON(ResolvedExpression, FromJSON)
    /// An argument of a higher-order function; `parameters` are numbers that no other lambda of the expression has.
    case lambda(parameters: [Int], body: ResolvedExpression)
    case lambdaVariable(Int, DataType, nullable: Bool)
    /// A client's function: no kernel evaluates it, an operator of its own does (``PythonExtraction``).
    case python(PythonCall)

    package var dataType: DataType {
        switch self {
        case .column(_, let type, _), .literal(_, let type), .cast(_, let type, _), .call(_, _, let type), .field(_, _, let type): type
        case .structure(let fields):
            .structure(StructType(fields.map { StructField($0.name, $0.expression.dataType, nullable: $0.expression.isNullable) }))
        case .fromJSON(_, let scan): .structure(scan.schema)
        case .lambda(_, let body): body.dataType
        case .lambdaVariable(_, let type, _): type
        case .python(let call): call.dataType
        }
    }

    package var isNullable: Bool {
        switch self {
        case .column(_, _, let nullable), .lambdaVariable(_, _, let nullable): nullable
        case .lambda(_, let body): body.isNullable
        case .literal(let literal, _): literal == .null
        case .cast(let child, let to, let isTry): isTry || child.isNullable || to.isNested
        case .call(let op, let arguments, _): op.isNullable(arguments)
        case .field, .fromJSON, .python: true
        case .structure: false
        }
    }

    package var children: [ResolvedExpression] {
        switch self {
        case .column, .literal, .lambdaVariable: []
        case .cast(let child, _, _), .field(let child, _, _), .fromJSON(let child, _), .lambda(_, let child): [child]
        case .call(_, let arguments, _): arguments
        case .structure(let fields): fields.map(\.expression)
        case .python(let call): call.arguments
        }
    }

    /// The same expression over other children.
    package func mapChildren(_ transform: (ResolvedExpression) throws -> ResolvedExpression) rethrows -> ResolvedExpression {
        switch self {
        case .column, .literal, .lambdaVariable: self
        case .lambda(let parameters, let body): .lambda(parameters: parameters, body: try transform(body))
        case .cast(let child, let to, let isTry): .cast(try transform(child), to: to, isTry: isTry)
        case .call(let op, let arguments, let type): .call(op, try arguments.map(transform), type)
        case .field(let child, let index, let type): .field(try transform(child), index: index, type)
        case .structure(let fields): .structure(try fields.map { ResolvedNamed($0.name, try transform($0.expression)) })
        case .fromJSON(let child, let scan): .fromJSON(try transform(child), scan)
        case .python(let call): .python(try call.mapArguments(transform))
        }
    }

    /// False where evaluating twice, or at another time, gives another value.
    package var isDeterministic: Bool {
        if case .call(let op, _, _) = self, op.isVolatile { return false }
        if case .python(let call) = self, !call.isDeterministic { return false }
        return children.allSatisfy(\.isDeterministic)
    }

    /// Without columns and without anything that changes from batch to batch.
    package var isConstant: Bool {
        switch self {
        case .column, .lambdaVariable, .python: false
        case .call(let op, let arguments, _): !op.isVolatile && !op.isOfBatch && arguments.allSatisfy(\.isConstant)
        default: children.allSatisfy(\.isConstant)
        }
    }

    /// Whether the session's time zone or its clock matters: such an expression is not evaluated before it runs.
    package var dependsOnSession: Bool {
        switch self {
        case .call(let op, _, _) where op.isVolatile || op.isOfBatch || op.readsZone: true
        case .python: true
        case .cast(let child, let to, _) where child.dataType.holdsInstants != to.holdsInstants: true
        default: children.contains(where: \.dependsOnSession)
        }
    }

    package var parsesJSON: Bool {
        if case .fromJSON = self { return true }
        return children.contains(where: \.parsesJSON)
    }

    package var columns: Set<Int> {
        if case .column(let index, _, _) = self { return [index] }
        return children.reduce(into: []) { $0.formUnion($1.columns) }
    }
}

package struct ResolvedNamed: Hashable, Sendable {
    package var name: String
    package var expression: ResolvedExpression

    package init(_ name: String, _ expression: ResolvedExpression) {
        self.name = name
        self.expression = expression
    }
}

/// What `from_json` reads. `wanted` are the fields that the query uses; the others keep their place and stay null, unparsed.
package struct FromJSON: Hashable, Sendable {
    package enum Mode: Hashable, Sendable {
        case permissive
        case failFast
    }

    package var schema: StructType
    package var wanted: Set<Int>
    package var mode: Mode

    package init(schema: StructType, mode: Mode) {
        self.schema = schema
        self.mode = mode
        wanted = Set(schema.fields.indices)
    }
}

/// The operators and functions that the kernels know. What a name resolves to, with which types, is ``FunctionCatalog``'s.
package enum ScalarOperator: Hashable, Sendable {
    case add, subtract, multiply, divide, integralDivide, remainder, negate
    case bitAnd, bitOr, bitXor, bitNot, shiftLeft, shiftRight
    case equal, equalNullSafe, less, lessOrEqual, greater, greaterOrEqual
    case and, or, not
    case isNull, isNotNull, isNaN
    /// when c1 then v1 …, the last of an odd number of arguments being the else.
    case caseWhen
    case coalesce
    case isIn
    case concat, concatWithSeparator
    case upper, lower, trim, trimLeft, trimRight, length, octetLength, substring, replace, startsWith, endsWith, contains, like,
        likeIgnoringCase
    case absolute, greatest, least
    case currentTimestamp, currentDate, uuid
    /// A function by the name of its definition and of its kernel.
    case named(String)

    func isNullable(_ arguments: [ResolvedExpression]) -> Bool {
        switch self {
        case .equalNullSafe, .isNull, .isNotNull, .isNaN, .currentTimestamp, .currentDate, .uuid: false
        case .caseWhen:
            arguments.count % 2 == 0
                || arguments.indices.contains { index in
                    (index % 2 == 1 || index == arguments.count - 1) && arguments[index].isNullable
                }
        case .coalesce, .greatest, .least: arguments.allSatisfy(\.isNullable)
        case .concatWithSeparator: arguments[0].isNullable
        case .named(let name) where Self.neverNull.contains(name): false
        case .named(let name) where Self.alwaysNullable.contains(name): true
        default: arguments.contains(where: \.isNullable)
        }
    }
}

extension ScalarOperator {
    /// Another value at each call.
    var isVolatile: Bool {
        switch self {
        case .uuid: true
        case .named(let name): Self.volatile.contains(name)
        default: false
        }
    }

    /// One value for the whole of a batch.
    var isOfBatch: Bool {
        switch self {
        case .currentTimestamp, .currentDate: true
        case .named(let name): Self.ofBatch.contains(name)
        default: false
        }
    }

    var readsZone: Bool {
        guard case .named(let name) = self else { return false }
        return Self.zoned.contains(name)
    }

    private static let volatile: Set<String> = [
        "rand", "randn", "shuffle", "monotonically_increasing_id", "randstr", "uniform", "raise_error",
    ]
    private static let ofBatch: Set<String> = ["current_timezone", "localtimestamp", "input_file_name", "unix_now"]
    private static let zoned: Set<String> = [
        "from_unixtime", "unix_timestamp", "date_format", "parse_timestamp", "try_parse_timestamp", "make_timestamp", "try_make_timestamp",
        "hour", "minute", "second", "extract_time", "date_trunc", "to_json", "from_json", "months_between", "timestamp_add", "window",
        "sequence",
        "convert_timezone", "make_timestamp_ltz", "timestampadd", "timestampdiff", "to_csv", "parse_date", "try_parse_date", "date_part",
    ]
    private static let neverNull: Set<String> = [
        "array", "map", "rand", "randn", "monotonically_increasing_id", "current_timezone", "localtimestamp", "input_file_name", "typeof",
        "version",
        "hash", "xxhash64", "spark_partition_id", "isnull", "equal_null", "unix_now",
    ]
    static let alwaysNullable: Set<String> = [
        "element_at", "try_element_at", "get", "array_max", "array_min", "array_position_of", "regexp_substr", "get_json_object",
        "parse_url",
        "try_parse_url", "json_array_length", "json_object_keys", "unhex", "elt", "find_in_set", "nullif", "conv", "try_to_binary",
        "try_add",
        "try_subtract", "try_multiply", "try_divide", "try_mod", "str_to_map", "from_json", "schema_of_json", "months_between_of",
        "try_to_timestamp", "try_parse_timestamp", "try_parse_date", "try_make_timestamp", "try_make_interval", "try_url_decode",
        "next_day",
        "try_reflect", "raise_error", "assert_true", "sha2", "split_part", "factorial", "log", "ln", "log10", "log2", "log1p",
        "width_bucket",
        "make_date", "to_number", "try_to_number", "getitem", "nanvl", "try_aes_decrypt", "parse_timestamp", "unix_timestamp",
    ]
}

extension DataType {
    /// Whether values are instants, which only a time zone makes dates or text.
    var holdsInstants: Bool {
        switch self {
        case .timestamp: true
        case .array(let element, _): element.holdsInstants
        case .map(let key, let value, _): key.holdsInstants || value.holdsInstants
        case .structure(let type): type.fields.contains { $0.dataType.holdsInstants }
        default: false
        }
    }
}
