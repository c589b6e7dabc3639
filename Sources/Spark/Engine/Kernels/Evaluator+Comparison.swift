/// Comparisons, three-valued logic, and what chooses between values.
extension Evaluator {
    func comparison(_ op: ScalarOperator, _ a: Column, _ b: Column, _ validity: Bitmap?, _ selection: Selection) throws -> Column {
        let values: Buffer<Bool>
        switch (a.values, b.values) {
        case (.boolean(let x), .boolean(let y)):
            values = zip(x, a.stride, y, b.stride, validity, selection) { Self.holds(op, ($0 ? 1 : 0) - ($1 ? 1 : 0)) }
        case (.byte(let x), .byte(let y)): values = ordered(op, x, a.stride, y, b.stride, validity, selection)
        case (.short(let x), .short(let y)): values = ordered(op, x, a.stride, y, b.stride, validity, selection)
        case (.integer(let x), .integer(let y)): values = ordered(op, x, a.stride, y, b.stride, validity, selection)
        case (.long(let x), .long(let y)): values = ordered(op, x, a.stride, y, b.stride, validity, selection)
        case (.float(let x), .float(let y)):
            values = zip(x, a.stride, y, b.stride, validity, selection) { Self.holds(op, Self.order($0, $1)) }
        case (.double(let x), .double(let y)):
            values = zip(x, a.stride, y, b.stride, validity, selection) { Self.holds(op, Self.order($0, $1)) }
        case (.bytes(let x), .bytes(let y)):
            if op == .equal {
                values = zip(x, a.stride, y, b.stride, validity, selection) { ByteView.areEqual($0, $1) }
            } else {
                values = zip(x, a.stride, y, b.stride, validity, selection) { Self.holds(op, Int(ByteView.compare($0, $1))) }
            }
        case (.decimal(let x), .decimal(let y)): values = ordered(op, x, a.stride, y, b.stride, validity, selection)
        case (.array, .array), (.structure, .structure), (.map, .map), (.interval, .interval):
            values = Buffer(count: count)
            valid(validity, selection) { row in values.pointer[row] = Self.holds(op, a.order(row, b, row)) }
        case (.none, _), (_, .none): return Column.nulls(.boolean, count: count)
        default: throw misfit(op, [a, b])
        }
        return Column(.boolean, count: count, values: .boolean(values), validity: validity)
    }

    private func ordered<T: Comparable & BitwiseCopyable>(
        _ op: ScalarOperator, _ x: Buffer<T>, _ xs: Int, _ y: Buffer<T>, _ ys: Int, _ validity: Bitmap?, _ selection: Selection
    ) -> Buffer<Bool> {
        switch op {
        case .less: zip(x, xs, y, ys, validity, selection) { $0 < $1 }
        case .lessOrEqual: zip(x, xs, y, ys, validity, selection) { $0 <= $1 }
        case .greater: zip(x, xs, y, ys, validity, selection) { $0 > $1 }
        case .greaterOrEqual: zip(x, xs, y, ys, validity, selection) { $0 >= $1 }
        default: zip(x, xs, y, ys, validity, selection) { $0 == $1 }
        }
    }

    @inline(__always) private static func holds(_ op: ScalarOperator, _ order: Int) -> Bool {
        switch op {
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        default: order == 0
        }
    }

    /// Spark's order of floating-point numbers: NaN equals NaN and is greater than all others; the two zeros are equal.
    @inline(__always) static func order<T: BinaryFloatingPoint>(_ a: T, _ b: T) -> Int {
        if a < b { return -1 }
        if a > b { return 1 }
        if a == b { return 0 }
        return a.isNaN == b.isNaN ? 0 : a.isNaN ? 1 : -1
    }

    func equalNullSafe(_ a: Column, _ b: Column, _ selection: Selection) throws -> Column {
        let values = Buffer<Bool>(count: count)
        let both = selection.filter { !a.isNull($0) && !b.isNull($0) }
        selection.eachRow { values.pointer[$0] = a.isNull($0) && b.isNull($0) }
        if !both.isEmpty, case .boolean(let equal) = try comparison(.equal, a, b, nil, both).values {
            both.eachRow { values.pointer[$0] = equal.pointer[$0] }
        }
        return Column(.boolean, count: count, values: .boolean(values))
    }

    /// `false AND null` is false, `true OR null` is true; the right side is evaluated only where the left does not decide.
    func logical(_ op: ScalarOperator, _ arguments: [ResolvedExpression], _ selection: Selection) throws -> Column {
        let deciding = op == .or
        let left = try evaluate(arguments[0], selection)
        func value(_ column: Column, _ row: Int) -> Bool? {
            guard !column.isNull(row), case .boolean(let values) = column.values else { return nil }
            return values.pointer[row &* column.stride]
        }
        let open = selection.filter { value(left, $0) != deciding }
        let values = Buffer<Bool>(count: count)
        let validity = Bitmap(count: count)
        selection.eachRow { row in
            if value(left, row) == deciding {
                values.pointer[row] = deciding
                validity[row] = true
            }
        }
        guard !open.isEmpty else { return Column(.boolean, count: count, values: .boolean(values), validity: validity) }
        let right = try evaluate(arguments[1], open)
        open.eachRow { row in
            switch (value(left, row), value(right, row)) {
            case (_, deciding):
                values.pointer[row] = deciding
                validity[row] = true
            case (!deciding, !deciding):
                values.pointer[row] = !deciding
                validity[row] = true
            default: break
            }
        }
        return Column(.boolean, count: count, values: .boolean(values), validity: validity)
    }

    func caseWhen(_ arguments: [ResolvedExpression], _ type: DataType, _ selection: Selection) throws -> Column {
        var open = selection
        var merger = ColumnMerger(type, count: count)
        for index in stride(from: 0, to: arguments.count - 1, by: 2) where !open.isEmpty {
            let condition = try evaluate(arguments[index], open)
            guard case .boolean(let values) = condition.values else { continue }
            let matched = open.filter { !condition.isNull($0) && values.pointer[$0 &* condition.stride] }
            open = open.filter { condition.isNull($0) || !values.pointer[$0 &* condition.stride] }
            if !matched.isEmpty { merger.take(try evaluate(arguments[index + 1], matched), matched) }
        }
        if arguments.count % 2 == 1, !open.isEmpty { merger.take(try evaluate(arguments[arguments.count - 1], open), open) }
        return merger.column
    }

    func coalesce(_ arguments: [ResolvedExpression], _ type: DataType, _ selection: Selection) throws -> Column {
        var open = selection
        var merger = ColumnMerger(type, count: count)
        for argument in arguments where !open.isEmpty {
            let column = try evaluate(argument, open)
            let found = open.filter { !column.isNull($0) }
            open = open.filter { column.isNull($0) }
            merger.take(column, found)
        }
        return merger.column
    }

    /// Null where nothing matched and something was null.
    func isIn(_ arguments: [ResolvedExpression], _ selection: Selection) throws -> Column {
        let subject = try evaluate(arguments[0], selection)
        let values = Buffer<Bool>(count: count, zeroed: true)
        let validity = Bitmap(count: count)
        var open = selection.filter { !subject.isNull($0) }
        open.eachRow { validity[$0] = true }
        for argument in arguments.dropFirst() where !open.isEmpty {
            let candidate = try evaluate(argument, open)
            let known = open.filter { !candidate.isNull($0) }
            if known.count < open.count { open.eachRow { if candidate.isNull($0) { validity[$0] = false } } }
            guard !known.isEmpty, case .boolean(let equal) = try comparison(.equal, subject, candidate, nil, known).values else { continue }
            known.eachRow { row in
                if equal.pointer[row] {
                    values.pointer[row] = true
                    validity[row] = true
                }
            }
            open = open.filter { !values.pointer[$0] }
        }
        return Column(.boolean, count: count, values: .boolean(values), validity: validity)
    }

    /// `greatest` and `least` skip nulls.
    func extreme(_ op: ScalarOperator, _ columns: [Column], _ type: DataType, _ selection: Selection) throws -> Column {
        var best = columns[0]
        for column in columns.dropFirst() {
            var merger = ColumnMerger(type, count: count)
            let onlyNew = selection.filter { best.isNull($0) && !column.isNull($0) }
            let both = selection.filter { !best.isNull($0) && !column.isNull($0) }
            let old = selection.filter { !best.isNull($0) }
            merger.take(best, old)
            merger.take(column, onlyNew)
            if !both.isEmpty,
                case .boolean(let wins) = try comparison(op == .greatest ? .greater : .less, column, best, nil, both).values
            {
                merger.take(column, both.filter { wins.pointer[$0] })
            }
            best = merger.column
        }
        return best
    }
}
