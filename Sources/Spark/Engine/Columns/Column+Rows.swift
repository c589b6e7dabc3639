/// Rows of a column by their numbers, and columns end to end.
extension Column {
    /// The selected rows, dense, with the bytes of texts copied into memory of the column's own.
    func gathered(_ selection: Selection) -> Column {
        switch selection {
        case .all(let count): gathered(count: count, isOwned: true) { $0 }
        case .rows(let rows): rows.withUnsafeBufferPointer { rows in gathered(count: rows.count, isOwned: true) { Int(rows[$0]) } }
        }
    }

    /// The rows in the order of `indices`, null where an index is negative. Texts stay where they are and are kept alive.
    func gathered(_ indices: [Int32]) -> Column {
        indices.withUnsafeBufferPointer { indices in gathered(count: indices.count, isOwned: false) { Int(indices[$0]) } }
    }

    private func gathered(count: Int, isOwned: Bool, _ index: (Int) -> Int) -> Column {
        var hasNull = false
        if validity == nil {
            if case .none = values { return Column.nulls(type, count: count) }
            for position in 0..<count where index(position) < 0 {
                hasNull = true
                break
            }
        }
        var bits: Bitmap?
        if case .none = values { return Column.nulls(type, count: count) }
        if hasNull || validity != nil {
            let made = Bitmap(count: count)
            for position in 0..<count {
                let row = index(position)
                if row >= 0, !isNull(row) { made[position] = true }
            }
            bits = made
        }
        let step = stride
        func copy<T>(_ source: Buffer<T>) -> Buffer<T> {
            let target = Buffer<T>(count: count)
            for position in 0..<count {
                let row = index(position)
                target.pointer[position] = source.pointer[row < 0 ? 0 : row &* step]
            }
            return target
        }
        /// Where each row's elements lie, and which they are.
        func ranges(_ offsets: Buffer<Int32>) -> (Buffer<Int32>, [Int32]) {
            let made = Buffer<Int32>(count: count + 1)
            var elements: [Int32] = []
            made.pointer[0] = 0
            for position in 0..<count {
                let row = index(position)
                if row >= 0, bits == nil || bits![position] {
                    let (start, end) = (offsets.pointer[row &* step], offsets.pointer[row &* step &+ 1])
                    if end > start { elements.append(contentsOf: start..<end) }
                }
                made.pointer[position + 1] = Int32(elements.count)
            }
            return (made, elements)
        }
        func nested(_ child: Column, _ indices: [Int32]) -> Column { isOwned ? child.gathered(.rows(indices)) : child.gathered(indices) }
        var owners = isOwned ? [] : self.owners
        let made: Values
        switch values {
        case .none: made = .none
        case .boolean(let buffer): made = .boolean(copy(buffer))
        case .byte(let buffer): made = .byte(copy(buffer))
        case .short(let buffer): made = .short(copy(buffer))
        case .integer(let buffer): made = .integer(copy(buffer))
        case .long(let buffer): made = .long(copy(buffer))
        case .decimal(let buffer): made = .decimal(copy(buffer))
        case .interval(let buffer): made = .interval(copy(buffer))
        case .float(let buffer): made = .float(copy(buffer))
        case .double(let buffer): made = .double(copy(buffer))
        case .bytes(let views):
            guard isOwned else {
                made = .bytes(copy(views))
                break
            }
            let target = Buffer<ByteView>(count: count)
            let arena = ByteArena()
            for position in 0..<count {
                let row = index(position)
                let isSet = row >= 0 && (bits == nil || bits![position])
                target.pointer[position] = isSet ? arena.copy(views.pointer[row &* step].bytes) : .empty
            }
            owners = [arena]
            made = .bytes(target)
        case .structure(let children):
            made = .structure(children.map { $0?.gathered(count: count, isOwned: isOwned) { index($0) < 0 ? -1 : index($0) &* step } })
        case .array(let offsets, let elements):
            let (starts, indices) = ranges(offsets)
            made = .array(offsets: starts, nested(elements, indices))
        case .map(let offsets, let keys, let values):
            let (starts, indices) = ranges(offsets)
            made = .map(offsets: starts, keys: nested(keys, indices), values: nested(values, indices))
        }
        return Column(type, count: count, values: made, validity: bits, owners: owners)
    }

    /// The columns end to end; all are of one type. Texts stay where they are and are kept alive.
    static func concatenated(_ columns: [Column], _ type: DataType) -> Column {
        if columns.count == 1, columns[0].stride == 1 { return columns[0] }
        let count = columns.reduce(0) { $0 + $1.count }
        var validity: Bitmap?
        if columns.contains(where: \.hasNulls) {
            let bits = Bitmap(count: count)
            var base = 0
            for column in columns {
                for row in 0..<column.count where !column.isNull(row) { bits[base + row] = true }
                base += column.count
            }
            validity = bits
        }
        func joined<T>(_ buffer: (Values) -> Buffer<T>?) -> Buffer<T> {
            let target = Buffer<T>(count: count)
            var base = 0
            for column in columns {
                if let source = buffer(column.values) {
                    if column.stride == 1 {
                        (target.pointer + base).update(from: source.pointer, count: column.count)
                    } else {
                        (target.pointer + base).update(repeating: source.pointer[0], count: column.count)
                    }
                } else {
                    UnsafeMutableRawPointer(target.pointer + base).initializeMemory(
                        as: UInt8.self, repeating: 0, count: column.count * MemoryLayout<T>.stride)
                }
                base += column.count
            }
            return target
        }
        /// Offsets of arrays or maps, and the parts of their elements.
        func lists(_ parts: (Values) -> (Buffer<Int32>, [Column])?) -> (Buffer<Int32>, [[Column]]) {
            let offsets = Buffer<Int32>(count: count + 1)
            var elements: [[Column]] = []
            var base = 0, end: Int32 = 0
            offsets.pointer[0] = 0
            for column in columns {
                // A constant has one pair of offsets for all its rows, and a kernel may leave elements that no row has: dense first.
                var dense = column
                if let (source, children) = parts(column.values),
                    column.stride == 0 || source[0] != 0 || Int(source[column.count]) != children[0].count
                {
                    dense = column.gathered((0..<column.count).map { Int32($0) })
                }
                if let (source, children) = parts(dense.values) {
                    for row in 0..<dense.count { offsets.pointer[base + row + 1] = end + source.pointer[row + 1] }
                    end += Int32(children[0].count)
                    elements.append(children)
                } else {
                    for row in 0..<dense.count { offsets.pointer[base + row + 1] = end }
                }
                base += column.count
            }
            return (offsets, elements)
        }
        let made: Values
        switch type {
        case .null: return Column.nulls(type, count: count)
        case .boolean: made = .boolean(joined { if case .boolean(let buffer) = $0 { buffer } else { nil } })
        case .byte: made = .byte(joined { if case .byte(let buffer) = $0 { buffer } else { nil } })
        case .short: made = .short(joined { if case .short(let buffer) = $0 { buffer } else { nil } })
        case .integer, .date, .yearMonthInterval: made = .integer(joined { if case .integer(let buffer) = $0 { buffer } else { nil } })
        case .long, .timestamp, .timestampNTZ, .dayTimeInterval:
            made = .long(joined { if case .long(let buffer) = $0 { buffer } else { nil } })
        case .float: made = .float(joined { if case .float(let buffer) = $0 { buffer } else { nil } })
        case .double: made = .double(joined { if case .double(let buffer) = $0 { buffer } else { nil } })
        case .decimal: made = .decimal(joined { if case .decimal(let buffer) = $0 { buffer } else { nil } })
        case .calendarInterval: made = .interval(joined { if case .interval(let buffer) = $0 { buffer } else { nil } })
        case .string, .binary: made = .bytes(joined { if case .bytes(let buffer) = $0 { buffer } else { nil } })
        case .structure(let structure):
            made = .structure(
                structure.fields.enumerated().map { index, field in
                    concatenated(
                        columns.map { column in
                            guard case .structure(let children) = column.values, let child = children[index] else {
                                return Column.nulls(field.dataType, count: column.count)
                            }
                            return column.stride == 1 ? child : child.repeated(column.count)
                        }, field.dataType)
                })
        case .array(let element, _):
            let (offsets, elements) = lists { if case .array(let offsets, let elements) = $0 { (offsets, [elements]) } else { nil } }
            made = .array(offsets: offsets, concatenated(elements.map { $0[0] }, element))
        case .map(let key, let value, _):
            let (offsets, elements) = lists {
                if case .map(let offsets, let keys, let values) = $0 { (offsets, [keys, values]) } else { nil }
            }
            made = .map(
                offsets: offsets, keys: concatenated(elements.map { $0[0] }, key), values: concatenated(elements.map { $0[1] }, value))
        }
        return Column(type, count: count, values: made, validity: validity, owners: columns.flatMap(\.owners))
    }

    private var hasNulls: Bool {
        if case .none = values { return true }
        return validity != nil
    }
}
