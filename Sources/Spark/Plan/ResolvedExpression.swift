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

    package var dataType: DataType {
        switch self {
        case .column(_, let type, _), .literal(_, let type), .cast(_, let type, _), .call(_, _, let type), .field(_, _, let type): type
        case .structure(let fields):
            .structure(StructType(fields.map { StructField($0.name, $0.expression.dataType, nullable: $0.expression.isNullable) }))
        case .fromJSON(_, let scan): .structure(scan.schema)
        }
    }

    package var isNullable: Bool {
        switch self {
        case .column(_, _, let nullable): nullable
        case .literal(let literal, _): literal == .null
        case .cast(let child, let to, let isTry): isTry || child.isNullable || to.isNested
        case .call(let op, let arguments, _): op.isNullable(arguments)
        case .field, .fromJSON: true
        case .structure: false
        }
    }

    package var children: [ResolvedExpression] {
        switch self {
        case .column, .literal: []
        case .cast(let child, _, _), .field(let child, _, _), .fromJSON(let child, _): [child]
        case .call(_, let arguments, _): arguments
        case .structure(let fields): fields.map(\.expression)
        }
    }

    /// The same expression over other children.
    package func mapChildren(_ transform: (ResolvedExpression) throws -> ResolvedExpression) rethrows -> ResolvedExpression {
        switch self {
        case .column, .literal: self
        case .cast(let child, let to, let isTry): .cast(try transform(child), to: to, isTry: isTry)
        case .call(let op, let arguments, let type): .call(op, try arguments.map(transform), type)
        case .field(let child, let index, let type): .field(try transform(child), index: index, type)
        case .structure(let fields): .structure(try fields.map { ResolvedNamed($0.name, try transform($0.expression)) })
        case .fromJSON(let child, let scan): .fromJSON(try transform(child), scan)
        }
    }

    /// False where evaluating twice, or at another time, gives another value.
    package var isDeterministic: Bool {
        if case .call(let op, _, _) = self, op == .uuid { return false }
        return children.allSatisfy(\.isDeterministic)
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
    case toJSON

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
        default: arguments.contains(where: \.isNullable)
        }
    }
}
