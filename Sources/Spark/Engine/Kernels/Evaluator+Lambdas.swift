/// Higher-order functions. A lambda over an array's elements is evaluated once for all elements of all selected rows: its batch has a row
/// for each element, the columns around it spread to them.
extension Evaluator {
    /// nil: the function is none that looks at its arguments before they are evaluated.
    func higherOrder(_ name: String, _ arguments: [ResolvedExpression], _ type: DataType, _ selection: Selection) throws -> Column? {
        switch name {
        case "transform":
            let array = try evaluate(arguments[0], selection)
            guard case .array(let offsets, _) = array.values else { return Column.nulls(type, count: count) }
            let made = try each(array, arguments[1], selection)
            return Column(type, count: count, values: .array(offsets: offsets, made), validity: array.validity, stride: array.stride)
        case "filter":
            let array = try evaluate(arguments[0], selection)
            guard case .array(_, let elements) = array.values else { return Column.nulls(type, count: count) }
            let kept = try each(array, arguments[1], selection)
            let (call, list) = (over(array, type, selection), ListReader(array))
            return call.arrays(of: elements) { row, add in
                for element in list[row] where Self.isTrue(kept, element) { add.append(Int32(element)) }
                return true
            }
        case "exists", "forall":
            let array = try evaluate(arguments[0], selection)
            guard case .array = array.values else { return Column.nulls(type, count: count) }
            let tests = try each(array, arguments[1], selection)
            let (call, list) = (over(array, type, selection), ListReader(array))
            let deciding = name == "exists"
            return call.bools { row in
                var hasNull = false
                for element in list[row] {
                    if tests.isNull(element) { hasNull = true } else if Self.isTrue(tests, element) == deciding { return deciding }
                }
                return hasNull ? nil : !deciding
            }
        case "aggregate": return try fold(arguments, type, selection)
        case "zip_with":
            let (left, right) = (try evaluate(arguments[0], selection), try evaluate(arguments[1], selection))
            return try zipped(left, right, arguments[2], type, selection)
        case "map_filter":
            let map = try evaluate(arguments[0], selection)
            guard case .map(_, let keys, let values) = map.values else { return Column.nulls(type, count: count) }
            let kept = try each(map, arguments[1], selection)
            let (call, list) = (over(map, type, selection), ListReader(map))
            return try Kernels.maps(call, keys: keys, values: values) { row, add in
                for pair in list[row] where Self.isTrue(kept, pair) { add.append(Int32(pair)) }
                return true
            }
        case "transform_keys", "transform_values":
            let map = try evaluate(arguments[0], selection)
            guard case .map(_, let keys, let values) = map.values else { return Column.nulls(type, count: count) }
            let made = try each(map, arguments[1], selection)
            let (call, list) = (over(map, type, selection), ListReader(map))
            return try Kernels.maps(call, keys: name == "transform_keys" ? made : keys, values: name == "transform_keys" ? values : made) {
                row, add in
                add.append(contentsOf: list[row].map { Int32($0) })
                return true
            }
        case "map_zip_with":
            return try zippedMaps(
                try evaluate(arguments[0], selection), try evaluate(arguments[1], selection), arguments[2], type, selection)
        case "array_sort_by": return try sorted(try evaluate(arguments[0], selection), arguments[1], type, selection)
        case "try_of": return try attempted(arguments[0], selection)
        default: return nil
        }
    }

    private func over(_ column: Column, _ type: DataType, _ selection: Selection) -> KernelCall {
        KernelCall(
            evaluator: self, name: "", columns: [column], type: type, validity: combinedValidity([column], selection), selection: selection)
    }

    static func isTrue(_ column: Column, _ row: Int) -> Bool {
        guard case .boolean(let values) = column.values else { return false }
        return !column.isNull(row) && values.pointer[row &* column.stride]
    }

    /// The lambda's value for each element of the selected rows, at the element's place.
    private func each(_ collection: Column, _ lambda: ResolvedExpression, _ selection: Selection) throws -> Column {
        let list = ListReader(collection)
        let inner = elements(of: collection, selection)
        let total = list.elements.count
        var parents = [Int32](repeating: -1, count: total)
        var positions: [Int32] = []
        guard case .lambda(let parameters, let body) = lambda else { return Column.nulls(lambda.dataType, count: total) }
        let isMap = if case .map = collection.type { true } else { false }
        let wantsPosition = !isMap && parameters.count > 1
        if wantsPosition { positions = [Int32](repeating: 0, count: total) }
        selection.eachRow { row in
            guard !collection.isNull(row) else { return }
            for (position, element) in list[row].enumerated() {
                parents[element] = Int32(row)
                if wantsPosition { positions[element] = Int32(position) }
            }
        }
        var bound = [list.elements]
        if isMap { bound.append(list.values) }
        if wantsPosition { bound.append(Column(.integer, count: total, values: .integer(Buffer(positions)))) }
        return try apply(parameters, body, bound, parents, inner)
    }

    /// Evaluates a body over rows that each belong to a row of this batch (`parents`).
    private func apply(
        _ parameters: [Int], _ body: ResolvedExpression, _ bound: [Column], _ parents: [Int32], _ inner: Selection
    ) throws -> Column {
        let total = parents.count
        if inner.isEmpty { return Column.nulls(body.dataType, count: total) }
        let used = body.columns
        let columns = batch.columns.enumerated().map { index, column in
            used.contains(index) ? column.map { spread($0, parents) } : nil
        }
        var variables = self.variables.mapValues { spread($0, parents) }
        for (parameter, column) in Swift.zip(parameters, bound) { variables[parameter] = column }
        // A number of rows that no selection inside has, so that no scan is kept for other rows than it read.
        return try over(total, variables: variables, columns: columns, stageRows: -1).evaluate(body, inner)
    }

    private func spread(_ column: Column, _ parents: [Int32]) -> Column {
        if column.stride == 0 {
            return Column(
                column.type, count: parents.count, values: column.values, validity: column.validity, stride: 0, owners: column.owners)
        }
        return column.gathered(parents)
    }

    /// Step by step over positions: the n-th elements of all arrays that have one are merged at once.
    private func fold(_ arguments: [ResolvedExpression], _ type: DataType, _ selection: Selection) throws -> Column {
        let array = try evaluate(arguments[0], selection)
        let zero = arguments[1].dataType
        guard case .array = array.values, case .lambda(let parameters, let body) = arguments[2] else {
            return Column.nulls(type, count: count)
        }
        let list = ListReader(array)
        let present = selection.filter { !array.isNull($0) }
        var accumulated = try evaluate(arguments[1], present)
        var active = present.filter { !list[$0].isEmpty }
        var position = 0
        while !active.isEmpty {
            var indices = [Int32](repeating: -1, count: count)
            active.eachRow { indices[$0] = Int32(list[$0].lowerBound + position) }
            var inner = self
            inner.variables[parameters[0]] = accumulated
            inner.variables[parameters[1]] = list.elements.gathered(indices)
            let merged = try inner.evaluate(body, active)
            var merger = ColumnMerger(zero, count: count)
            merger.take(accumulated, present)
            merger.take(merged, active)
            accumulated = merger.column
            position += 1
            active = active.filter { list[$0].count > position }
        }
        if arguments.count == 4, case .lambda(let parameters, let body) = arguments[3] {
            var inner = self
            inner.variables[parameters[0]] = accumulated
            accumulated = try inner.evaluate(body, present)
        }
        var merger = ColumnMerger(type, count: count)
        merger.take(accumulated, present)
        return merger.column
    }

    private func zipped(_ left: Column, _ right: Column, _ lambda: ResolvedExpression, _ type: DataType, _ selection: Selection) throws
        -> Column
    {
        guard case .array = left.values, case .array = right.values, case .lambda(let parameters, let body) = lambda else {
            return Column.nulls(type, count: count)
        }
        let (a, b) = (ListReader(left), ListReader(right))
        var picks: [[Int32]] = [[], []]
        var parents: [Int32] = []
        let call = KernelCall(
            evaluator: self, name: "zip_with", columns: [left, right], type: type, validity: combinedValidity([left, right], selection),
            selection: selection)
        let (offsets, _, bits) = call.lists { row, indices in
            for position in 0..<max(a[row].count, b[row].count) {
                indices.append(0)
                parents.append(Int32(row))
                picks[0].append(position < a[row].count ? Int32(a[row].lowerBound + position) : -1)
                picks[1].append(position < b[row].count ? Int32(b[row].lowerBound + position) : -1)
            }
            return true
        }
        let made = try apply(
            parameters, body, [a.elements.gathered(picks[0]), b.elements.gathered(picks[1])], parents, .all(parents.count))
        return Column(type, count: count, values: .array(offsets: offsets, made), validity: bits)
    }

    private func zippedMaps(_ left: Column, _ right: Column, _ lambda: ResolvedExpression, _ type: DataType, _ selection: Selection) throws
        -> Column
    {
        guard case .map = left.values, case .map = right.values, case .lambda(let parameters, let body) = lambda,
            case .map(let keyType, _, _) = type
        else { return Column.nulls(type, count: count) }
        let (a, b) = (ListReader(left), ListReader(right))
        let keys = Column.concatenated([a.elements, b.elements], keyType)
        let base = a.elements.count
        var picks: [[Int32]] = [[], []]
        var parents: [Int32] = []
        let call = KernelCall(
            evaluator: self, name: "map_zip_with", columns: [left, right], type: type,
            validity: combinedValidity([left, right], selection),
            selection: selection)
        let (offsets, indices, bits) = call.lists { row, indices in
            for pair in a[row] {
                indices.append(Int32(pair))
                parents.append(Int32(row))
                picks[0].append(Int32(pair))
                picks[1].append(b[row].first { keys.equals(pair, keys, base + $0) }.map { Int32($0) } ?? -1)
            }
            for pair in b[row] where !a[row].contains(where: { keys.equals($0, keys, base + pair) }) {
                indices.append(Int32(base + pair))
                parents.append(Int32(row))
                picks[0].append(-1)
                picks[1].append(Int32(pair))
            }
            return true
        }
        let chosen = keys.gathered(indices)
        let made = try apply(
            parameters, body, [chosen, a.values.gathered(picks[0]), b.values.gathered(picks[1])], parents, .all(parents.count))
        return Column(type, count: count, values: .map(offsets: offsets, keys: chosen, values: made), validity: bits)
    }

    private func sorted(_ array: Column, _ lambda: ResolvedExpression, _ type: DataType, _ selection: Selection) throws -> Column {
        guard case .array(_, let elements) = array.values, case .lambda(let parameters, let body) = lambda else {
            return Column.nulls(type, count: count)
        }
        let (call, list) = (over(array, type, selection), ListReader(array))
        return try call.arrays(of: elements) { row, add in
            let start = add.count
            add.append(contentsOf: list[row].map { Int32($0) })
            try add[start...].sort { a, b in
                let order = try apply(parameters, body, [elements.gathered([a]), elements.gathered([b])], [Int32(row)], .all(1))
                guard !order.isNull(0), case .integer(let values) = order.values else {
                    throw SparkError(
                        "COMPARATOR_RETURNS_NULL", sqlState: "22004",
                        "The comparator has returned a NULL for a comparison between \(elements.text(Int(a)) ?? "NULL") and \(elements.text(Int(b)) ?? "NULL"). It should return a positive integer for \"greater than\", 0 for \"equal\" and a negative integer for \"less than\"."
                    )
                }
                return values[0] < 0
            }
            return true
        }
    }

    /// The operation over all rows; where that raises, over halves of them, so that only the rows that raise are null.
    private func attempted(_ expression: ResolvedExpression, _ selection: Selection) throws -> Column {
        let children = expression.children
        let columns = try children.map { try evaluate($0, selection) }
        var bound: [ResolvedExpression] = []
        for (index, child) in children.enumerated() {
            // A constant stays one: kernels read some of them as such.
            if case .literal = child {
                bound.append(child)
            } else {
                bound.append(.lambdaVariable(-1 - index, child.dataType, nullable: true))
            }
        }
        var next = bound.makeIterator()
        let operation = expression.mapChildren { child in next.next() ?? child }
        var inner = self
        for (index, column) in columns.enumerated() { inner.variables[-1 - index] = column }
        do {
            return try inner.evaluate(operation, selection)
        } catch let error as SparkError where error.errorClass != "INTERNAL_ERROR" || !columns.isEmpty {
            var rows: [Int32] = []
            selection.eachRow { rows.append(Int32($0)) }
            var parts: [(rows: [Int32], column: Column)] = []
            func attempt(_ rows: ArraySlice<Int32>) {
                let chosen = Array(rows)
                var variables: [Int: Column] = [:]
                for (index, column) in columns.enumerated() { variables[-1 - index] = column.gathered(chosen) }
                if let column = try? over(chosen.count, variables: variables).evaluate(operation, .all(chosen.count)) {
                    parts.append((chosen, column))
                } else if chosen.count > 1 {
                    let middle = rows.startIndex + chosen.count / 2
                    attempt(rows[..<middle])
                    attempt(rows[middle...])
                }
            }
            attempt(rows[...])
            var indices = [Int32](repeating: -1, count: count)
            var base: Int32 = 0
            for part in parts {
                for (position, row) in part.rows.enumerated() { indices[Int(row)] = base + Int32(position) }
                base += Int32(part.rows.count)
            }
            guard !parts.isEmpty else { return Column.nulls(expression.dataType, count: count) }
            return Column.concatenated(parts.map { Kernels.spread($0.column, $0.rows.count) }, expression.dataType).gathered(indices)
        }
    }

    /// A field of structs that stand outside the batch's own rows.
    func fieldOf(_ base: Column, _ index: Int, _ type: DataType, _ width: Int) throws -> Column {
        try over(base.count, variables: [0: base]).evaluate(
            .field(.lambdaVariable(0, base.type, nullable: true), index: index, type), .all(base.count))
    }
}
