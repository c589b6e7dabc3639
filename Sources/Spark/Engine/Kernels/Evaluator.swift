/// Evaluates resolved expressions over the columns of one batch: one call a kernel and batch, loops over typed buffers inside.
///
/// Only selected rows are touched, so that in ANSI mode a row that a filter or a CASE left out raises nothing. Values at other rows are undefined.
struct Evaluator {
    let batch: ColumnBatch
    let context: EvaluationContext
    /// What the parameters of the lambdas around are, by their numbers.
    var variables: [Int: Column] = [:]
    /// Columns of scans already made in this stage, so that a text is parsed once.
    private let scans = ScanMemo()

    final class ScanMemo {
        var columns: [ResolvedExpression: Column] = [:]
    }

    /// Rows selected in the stage: a selection of as many is the stage's own.
    private let stageRows: Int

    init(batch: ColumnBatch, context: EvaluationContext, stageRows: Int) {
        self.batch = batch
        self.context = context
        self.stageRows = stageRows
    }

    var count: Int { batch.count }

    func evaluate(_ expression: ResolvedExpression, _ selection: Selection) throws -> Column {
        switch expression {
        case .column(let index, let type, _): return batch.columns[index] ?? Column.nulls(type, count: count)
        case .literal(let literal, let type): return Column.constant(literal, type: type, count: count)
        case .cast(let child, let type, let isTry): return try cast(try evaluate(child, selection), to: type, isTry: isTry, selection)
        case .field(let base, let index, let type): return try field(try evaluate(base, selection), index, type)
        case .structure(let fields):
            let children = try fields.map { try evaluate($0.expression, selection) }
            return Column(expression.dataType, count: count, values: .structure(children))
        case .fromJSON(let child, let scan):
            if let column = scans.columns[expression] { return column }
            let column = try fromJSON(try evaluate(child, selection), scan, selection)
            // A scan under CASE reads fewer rows than another may want: only whole selections are kept.
            if selection.count == stageRows { scans.columns[expression] = column }
            return column
        case .lambdaVariable(let number, let type, _): return variables[number] ?? Column.nulls(type, count: count)
        case .lambda(_, let body): return try evaluate(body, selection)
        case .call(let op, let arguments, let type): return try call(op, arguments, type, selection)
        case .python(let call):
            throw SparkError("INTERNAL_ERROR", sqlState: "XX000", "The function \(call.name) was left where no Python worker is asked.")
        }
    }

    /// The rows for which the condition is true; null counts as false.
    func select(_ condition: ResolvedExpression, _ selection: Selection) throws -> Selection {
        let column = try evaluate(condition, selection)
        guard case .boolean(let values) = column.values else { return .rows([]) }
        return selection.filter { !column.isNull($0) && values[$0 * column.stride] }
    }

    private func field(_ base: Column, _ index: Int, _ type: DataType) throws -> Column {
        guard case .structure(let children) = base.values, let child = children[index] else { return Column.nulls(type, count: count) }
        guard let outer = base.validity else { return child }
        // A field of a null struct is null. Scans leave it null already, so this copies validity words only where it must.
        guard let inner = child.validity else {
            return Column(type, count: count, values: child.values, validity: outer, stride: child.stride, owners: child.owners)
        }
        guard base.stride == 1, child.stride == 1 else { return child }
        let both = Bitmap(count: count)
        for word in 0..<both.words.count { both.words[word] = outer.words[word] & inner.words[word] }
        return Column(type, count: count, values: child.values, validity: both, owners: child.owners)
    }

    private func call(_ op: ScalarOperator, _ arguments: [ResolvedExpression], _ type: DataType, _ selection: Selection) throws -> Column {
        switch op {
        // These look at nulls, or evaluate their arguments for some rows only.
        case .and, .or: return try logical(op, arguments, selection)
        case .caseWhen: return try caseWhen(arguments, type, selection)
        case .coalesce: return try coalesce(arguments, type, selection)
        case .isIn: return try isIn(arguments, selection)
        case .currentTimestamp: return Column.constant(.timestamp(context.timestampMicros), type: .timestamp, count: count)
        case .currentDate:
            let days = DateTimeMath.days(context.zone.local(context.timestampMicros))
            return Column.constant(.date(days), type: .date, count: count)
        case .uuid: return uuids(selection)
        case .named(let name):
            if let column = try higherOrder(name, arguments, type, selection) { return column }
            return try named(name, try arguments.map { try evaluate($0, selection) }, type, selection)
        default: break
        }
        let columns = try arguments.map { try evaluate($0, selection) }
        switch op {
        case .isNull, .isNotNull:
            let values = Buffer<Bool>(count: count)
            selection.eachRow { values.pointer[$0] = columns[0].isNull($0) == (op == .isNull) }
            return Column(.boolean, count: count, values: .boolean(values))
        case .equalNullSafe: return try equalNullSafe(columns[0], columns[1], selection)
        case .isNaN: return try isNaN(columns[0], selection)
        case .concatWithSeparator: return concatWithSeparator(columns, selection)
        case .greatest, .least: return try extreme(op, columns, type, selection)
        default: break
        }
        // All others give null when an argument is null.
        if columns.contains(where: { if case .none = $0.values { true } else { false } }) { return Column.nulls(type, count: count) }
        let validity = combinedValidity(columns, selection)
        switch op {
        case .add, .subtract, .multiply, .divide, .integralDivide, .remainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            return try arithmetic(op, columns[0], columns[1], type, validity, selection)
        case .negate, .absolute, .bitNot: return try unaryArithmetic(op, columns[0], type, validity, selection)
        case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return try comparison(op, columns[0], columns[1], validity, selection)
        case .not:
            guard case .boolean(let values) = columns[0].values else { throw misfit(op, columns) }
            return Column(
                .boolean, count: count, values: .boolean(map(values, columns[0].stride, validity, selection) { !$0 }), validity: validity)
        default: return try string(op, columns, type, validity, selection)
        }
    }

    func named(_ name: String, _ columns: [Column], _ type: DataType, _ selection: Selection) throws -> Column {
        guard let kernel = Kernels.all[name] else {
            throw SparkError("INTERNAL_ERROR", sqlState: "XX000", "The function \(name) has no kernel.")
        }
        var validity: Bitmap?
        if kernel.nulls == .strict {
            if columns.contains(where: { if case .none = $0.values { true } else { false } }) { return Column.nulls(type, count: count) }
            validity = combinedValidity(columns, selection)
        }
        return try kernel.run(
            KernelCall(evaluator: self, name: name, columns: columns, type: type, validity: validity, selection: selection))
    }

    /// The resolver gives kernels the types that they take; another one is a defect, named rather than trapped.
    func misfit(_ op: ScalarOperator, _ columns: [Column]) -> SparkError {
        SparkError(
            "INTERNAL_ERROR", sqlState: "XX000", "The kernel \(op) does not take \(columns.map(\.type.sql).joined(separator: ", ")).")
    }

    /// Set where every column is set; nil when none can be null.
    func combinedValidity(_ columns: [Column], _ selection: Selection) -> Bitmap? {
        let nullable = columns.filter { $0.validity != nil }
        if nullable.isEmpty { return nil }
        if nullable.count == 1, nullable[0].stride == 1 { return nullable[0].validity }
        let validity = Bitmap(count: count)
        validity.setAll()
        for column in nullable {
            guard let bits = column.validity else { continue }
            if column.stride == 1 {
                for word in 0..<validity.words.count { validity.words[word] &= bits.words[word] }
            } else if !bits[0] {
                for word in 0..<validity.words.count { validity.words[word] = 0 }
            }
        }
        return validity
    }

    @inline(__always)
    func map<A, R>(
        _ values: Buffer<A>, _ stride: Int, _ validity: Bitmap?, _ selection: Selection, _ body: (A) throws -> R
    ) rethrows -> Buffer<R> {
        let result = Buffer<R>(count: count)
        let (input, output) = (values.pointer, result.pointer)
        try selection.eachRow { row in
            if validity == nil || validity![row] { output[row] = try body(input[row &* stride]) }
        }
        return result
    }

    @inline(__always)
    func zip<A, B, R>(
        _ first: Buffer<A>, _ firstStride: Int, _ second: Buffer<B>, _ secondStride: Int, _ validity: Bitmap?, _ selection: Selection,
        _ body: (A, B) throws -> R
    ) rethrows -> Buffer<R> {
        let result = Buffer<R>(count: count)
        let (a, b, output) = (first.pointer, second.pointer, result.pointer)
        try selection.eachRow { row in
            if validity == nil || validity![row] { output[row] = try body(a[row &* firstStride], b[row &* secondStride]) }
        }
        return result
    }

    private func uuids(_ selection: Selection) -> Column {
        let arena = ByteArena()
        let values = Buffer<ByteView>(count: count)
        selection.eachRow { values.pointer[$0] = arena.copy(UUIDText.random()) }
        return Column(.string, count: count, values: .bytes(values), owners: [arena])
    }
}

/// What a batch's kernels share beside its columns.
struct EvaluationContext {
    /// One instant for the whole micro-batch, as in Spark.
    var timestampMicros: Int64
    /// The session's time zone.
    var zone: ZoneRules = .utc
    /// The number of the batch's first row among all rows of its query.
    var firstRow: Int64 = 0
    /// Where the rows were read from, when from a file.
    var inputFile = ""
    var problems = RowProblems()
    var parsers = JSONParserPool.shared
}

/// Rows whose text did not parse as the query asked: what becomes of them is the sink's to say.
final class RowProblems {
    struct Problem {
        var row: Int
        var reason: String
    }

    private(set) var all: [Problem] = []

    func note(_ row: Int, _ reason: String) { all.append(Problem(row: row, reason: reason)) }
}

enum UUIDText {
    /// A random UUID (version 4) in canonical form.
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return text(high: generator.next() & ~0xF000 | 0x4000, low: generator.next() & ~(0xC0 << 56) | 0x80 << 56)
    }

    static func text(high: UInt64, low: UInt64) -> String {
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        return
            "\(hex(high >> 32, 8))-\(hex(high >> 16 & 0xFFFF, 4))-\(hex(high & 0xFFFF, 4))-\(hex(low >> 48, 4))-\(hex(low & 0xFFFF_FFFF_FFFF, 12))"
    }
}
