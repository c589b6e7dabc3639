extension ResultBatch {
    init(rows: Int) { self.init(columns: [], count: rows) }

    /// What a pipeline made, in the schema's columns: null where it made none.
    ///
    /// - Parameter taken: the selected rows of a column; copied where the memory is lent.
    init(_ made: ColumnBatch, _ schema: StructType, count: Int, taken: (Column) -> Column) {
        self.init(
            columns: schema.fields.indices.map { index in
                taken(made.columns[index] ?? Column.nulls(schema.fields[index].dataType, count: made.count))
            }, count: count)
    }

    static func empty(_ schema: StructType) -> ResultBatch {
        ResultBatch(columns: schema.fields.map { Column.nulls($0.dataType, count: 0) }, count: 0)
    }

    static func concatenated(_ batches: [ResultBatch], _ schema: StructType) -> ResultBatch {
        if batches.count == 1 { return batches[0] }
        return ResultBatch(
            columns: schema.fields.indices.map { index in
                Column.concatenated(batches.map { $0.columns[index] }, schema.fields[index].dataType)
            }, count: batches.reduce(0) { $0 + $1.count })
    }

    func gathered(_ rows: [Int32]) -> ResultBatch { ResultBatch(columns: columns.map { $0.gathered(rows) }, count: rows.count) }

    func slice(_ range: Range<Int>) -> ResultBatch {
        if range == 0..<count { return self }
        return gathered(range.map { Int32($0) })
    }

    /// Every column with one value a row.
    var dense: ResultBatch {
        let rows = count
        guard columns.contains(where: \.hasConstant) else { return self }
        return ResultBatch(columns: columns.map { $0.hasConstant ? $0.gathered((0..<Int32(rows)).map { $0 }) : $0 }, count: rows)
    }

    var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }
    var columnBatch: ColumnBatch { ColumnBatch(count: count, columns: columns) }
}

extension Column {
    var isAllNull: Bool {
        if case .none = values { return true }
        return false
    }

    /// Whether one value stands for all rows, here or in a struct's field.
    var hasConstant: Bool {
        if isAllNull { return false }
        if stride == 0 { return true }
        if case .structure(let children) = values { return children.contains { $0?.hasConstant == true } }
        return false
    }

    /// About how much memory the rows hold.
    var byteCount: Int {
        switch values {
        case .none: 0
        case .boolean, .byte: count
        case .short: count * 2
        case .integer, .float: count * 4
        case .long, .double: count * 8
        case .decimal, .interval: count * 16
        case .bytes(let buffer):
            stride == 0 ? 16 : (0..<count).reduce(count * 16) { $0 + (isNull($1) ? 0 : buffer.pointer[$1].length) }
        case .structure(let children): children.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        case .array(_, let elements): count * 4 + elements.byteCount
        case .map(_, let keys, let values): count * 4 + keys.byteCount + values.byteCount
        }
    }
}
