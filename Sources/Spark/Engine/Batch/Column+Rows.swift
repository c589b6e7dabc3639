/// Columns put together from rows of others: what joins, sorts and aggregates do between batches.
extension Column {
    /// The values at these rows; a row of -1 gives null. Bytes stay where they are, unless they are only lent and have to be copied.
    func taking(_ rows: UnsafeBufferPointer<Int32>, copyingBytes: Bool = false) -> Column {
        let count = rows.count
        var hasGap = false
        for row in rows where row < 0 {
            hasGap = true
            break
        }
        var bits: Bitmap?
        if hasGap || validity != nil {
            let result = Bitmap(count: count)
            for (target, row) in rows.enumerated() where row >= 0 && !isNull(Int(row)) { result[target] = true }
            bits = result
        }
        func gathered<T>(_ source: Buffer<T>) -> Buffer<T> {
            let result = Buffer<T>(count: count)
            let (from, to, stride) = (source.pointer, result.pointer, stride)
            for target in 0..<count {
                let row = Int(rows[target])
                if row >= 0 { to[target] = from[row &* stride] }
            }
            return result
        }
        switch values {
        case .none: return Column.nulls(type, count: count)
        case .boolean(let buffer): return Column(type, count: count, values: .boolean(gathered(buffer)), validity: bits)
        case .byte(let buffer): return Column(type, count: count, values: .byte(gathered(buffer)), validity: bits)
        case .short(let buffer): return Column(type, count: count, values: .short(gathered(buffer)), validity: bits)
        case .integer(let buffer): return Column(type, count: count, values: .integer(gathered(buffer)), validity: bits)
        case .long(let buffer): return Column(type, count: count, values: .long(gathered(buffer)), validity: bits)
        case .float(let buffer): return Column(type, count: count, values: .float(gathered(buffer)), validity: bits)
        case .double(let buffer): return Column(type, count: count, values: .double(gathered(buffer)), validity: bits)
        case .bytes(let buffer):
            guard copyingBytes else {
                return Column(type, count: count, values: .bytes(gathered(buffer)), validity: bits, owners: owners)
            }
            let arena = ByteArena()
            let result = Buffer<ByteView>(count: count)
            for target in 0..<count {
                let row = Int(rows[target])
                result.pointer[target] = row < 0 || isNull(row) ? .empty : arena.copy(buffer.pointer[row &* stride].bytes)
            }
            return Column(type, count: count, values: .bytes(result), validity: bits, owners: [arena])
        case .structure(let children):
            if stride == 1 {
                return Column(
                    type, count: count, values: .structure(children.map { $0?.taking(rows, copyingBytes: copyingBytes) }), validity: bits,
                    owners: owners)
            }
            let firsts = rows.map { $0 < 0 ? Int32(-1) : 0 }
            return firsts.withUnsafeBufferPointer { firsts in
                Column(
                    type, count: count, values: .structure(children.map { $0?.taking(firsts, copyingBytes: copyingBytes) }), validity: bits,
                    owners: owners)
            }
        case .array(let offsets, let elements):
            let starts = Buffer<Int32>(count: count + 1)
            var inner: [Int32] = []
            starts.pointer[0] = 0
            for target in 0..<count {
                let row = Int(rows[target])
                if row >= 0, !isNull(row) { inner.append(contentsOf: offsets[row &* stride]..<offsets[row &* stride + 1]) }
                starts.pointer[target + 1] = Int32(inner.count)
            }
            let taken = inner.withUnsafeBufferPointer { elements.taking($0, copyingBytes: copyingBytes) }
            return Column(type, count: count, values: .array(offsets: starts, taken), validity: bits)
        }
    }

    func taking(_ rows: [Int32], copyingBytes: Bool = false) -> Column {
        rows.withUnsafeBufferPointer { taking($0, copyingBytes: copyingBytes) }
    }

    /// The rows of a selection as a dense column that owns its memory.
    func dense(_ selection: Selection, copyingBytes: Bool) -> Column {
        switch selection {
        case .all(let count):
            if stride == 1, !copyingBytes { return self }
            if case .none = values { return self }
            return taking((0..<Int32(count)).map { $0 }, copyingBytes: copyingBytes)
        case .rows(let rows): return taking(rows, copyingBytes: copyingBytes)
        }
    }

    /// One column of all rows in turn.
    static func concatenating(_ parts: [Column], _ type: DataType) -> Column {
        if parts.count == 1, parts[0].stride == 1 { return parts[0] }
        let count = parts.reduce(0) { $0 + $1.count }
        guard let model = parts.first(where: { if case .none = $0.values { false } else { true } }) else {
            return nulls(type, count: count)
        }
        var bits: Bitmap?
        if parts.contains(where: { if case .none = $0.values { true } else { $0.validity != nil } }) {
            let result = Bitmap(count: count)
            var base = 0
            for part in parts {
                for row in 0..<part.count where !part.isNull(row) { result[base + row] = true }
                base += part.count
            }
            bits = result
        }
        func joined<T>(_ values: (Column) -> Buffer<T>?) -> Buffer<T> {
            let result = Buffer<T>(count: count)
            var target = result.pointer
            for part in parts {
                if let source = values(part) {
                    if part.stride == 1 {
                        target.update(from: source.pointer, count: part.count)
                    } else {
                        target.update(repeating: source.pointer[0], count: part.count)
                    }
                }
                target += part.count
            }
            return result
        }
        let owners = parts.flatMap(\.owners)
        let values: Values
        switch model.values {
        case .none: values = .none
        case .boolean: values = .boolean(joined { if case .boolean(let buffer) = $0.values { buffer } else { nil } })
        case .byte: values = .byte(joined { if case .byte(let buffer) = $0.values { buffer } else { nil } })
        case .short: values = .short(joined { if case .short(let buffer) = $0.values { buffer } else { nil } })
        case .integer: values = .integer(joined { if case .integer(let buffer) = $0.values { buffer } else { nil } })
        case .long: values = .long(joined { if case .long(let buffer) = $0.values { buffer } else { nil } })
        case .float: values = .float(joined { if case .float(let buffer) = $0.values { buffer } else { nil } })
        case .double: values = .double(joined { if case .double(let buffer) = $0.values { buffer } else { nil } })
        case .bytes: values = .bytes(joined { if case .bytes(let buffer) = $0.values { buffer } else { nil } })
        case .structure:
            guard case .structure(let structure) = type else { return nulls(type, count: count) }
            values = .structure(
                structure.fields.indices.map { index in
                    concatenating(
                        parts.map { part in
                            if case .structure(let children) = part.values, let child = children[index] {
                                return part.stride == 1 ? child : child.taking([Int32](repeating: 0, count: part.count))
                            }
                            return nulls(structure.fields[index].dataType, count: part.count)
                        }, structure.fields[index].dataType)
                })
        case .array:
            guard case .array(let element, _) = type else { return nulls(type, count: count) }
            let starts = Buffer<Int32>(count: count + 1)
            var pieces: [Column] = []
            var row = 0
            var base: Int32 = 0
            starts.pointer[0] = 0
            for part in parts {
                guard case .array(let offsets, let elements) = part.values else {
                    for _ in 0..<part.count {
                        row += 1
                        starts.pointer[row] = base
                    }
                    continue
                }
                var inner: [Int32] = []
                for index in 0..<part.count {
                    if !part.isNull(index) { inner.append(contentsOf: offsets[index * part.stride]..<offsets[index * part.stride + 1]) }
                    row += 1
                    starts.pointer[row] = base + Int32(inner.count)
                }
                base += Int32(inner.count)
                pieces.append(elements.taking(inner))
            }
            values = .array(offsets: starts, concatenating(pieces, element))
        }
        return Column(type, count: count, values: values, validity: bits, owners: owners)
    }

    /// About how much memory the rows hold.
    var byteCount: Int {
        switch values {
        case .none: 0
        case .boolean, .byte: count
        case .short: count * 2
        case .integer, .float: count * 4
        case .long, .double: count * 8
        case .bytes(let buffer):
            stride == 0 ? 16 : (0..<count).reduce(count * 16) { $0 + (isNull($1) ? 0 : buffer.pointer[$1].length) }
        case .structure(let children): children.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        case .array(_, let elements): count * 4 + elements.byteCount
        }
    }
}

extension ResultBatch {
    static func concatenating(_ batches: [ResultBatch], _ schema: StructType) -> ResultBatch {
        if batches.count == 1 { return batches[0] }
        return ResultBatch(
            columns: schema.fields.indices.map { index in
                Column.concatenating(batches.map { $0.columns[index] }, schema.fields[index].dataType)
            }, count: batches.reduce(0) { $0 + $1.count })
    }

    func taking(_ rows: [Int32]) -> ResultBatch {
        ResultBatch(columns: columns.map { $0.taking(rows) }, count: rows.count)
    }

    func slice(_ range: Range<Int>) -> ResultBatch {
        if range == 0..<count { return self }
        return taking(range.map { Int32($0) })
    }

    var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }
    var columnBatch: ColumnBatch { ColumnBatch(count: count, columns: columns) }
}
