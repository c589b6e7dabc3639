/// Values set aside from batches, by position; what is no longer wanted goes when it outweighs the rest.
struct ValueStore {
    private let type: DataType
    private var parts: [Column] = []
    private(set) var count = 0

    init(_ type: DataType) { self.type = type }

    /// The position of the first of the rows' values.
    mutating func add(_ column: Column, _ rows: [Int32]) -> Int32 {
        let first = Int32(count)
        if !rows.isEmpty {
            // A copy: a few values must not keep whole batches alive.
            parts.append(column.gathered(.rows(rows)))
            count += rows.count
            // Parts at least twice as long as the next: few of them, and each value is moved a few times only.
            while parts.count > 1, parts[parts.count - 2].count <= 2 * parts[parts.count - 1].count {
                let last = parts.removeLast()
                parts[parts.count - 1] = Column.concatenated([parts[parts.count - 1], last], type)
            }
        }
        return first
    }

    mutating func column() -> Column {
        if parts.isEmpty { return Column.nulls(type, count: 0) }
        if parts.count > 1 { parts = [Column.concatenated(parts, type)] }
        return parts[0]
    }

    // MARK: Saved values

    private var loading: RowKeyDecoding?
    private var loadingCount = 0

    mutating func save(_ position: Int32, into writer: inout StateWriter) {
        var bytes: [UInt8] = []
        RowKeyEncoding([column()]).append(Int(position), to: &bytes)
        writer.write(bytes)
    }

    /// The position that the value has once the series of loads is over.
    mutating func load(from reader: inout StateReader) throws -> Int32 {
        let bytes = try reader.content()
        let decoding = loading ?? RowKeyDecoding([type])
        loading = decoding
        guard decoding.append(bytes.bindMemory(to: UInt8.self)) else { throw StateReader.corrupt }
        loadingCount += 1
        return Int32(count + loadingCount - 1)
    }

    mutating func loaded() {
        guard let made = loading?.finish() else { return }
        loading = nil
        loadingCount = 0
        _ = add(made[0], (0..<Int32(made[0].count)).map { $0 })
    }

    mutating func gathered(_ positions: [Int32]) -> Column {
        count == 0 ? Column.nulls(type, count: positions.count) : column().gathered(positions)
    }

    mutating func keep(_ positions: [Int32]) {
        parts = [gathered(positions)]
        count = positions.count
    }
}

/// The first or last value of a group.
final class EndValue: Accumulator {
    private var store: ValueStore
    /// -1: none yet; -2: a null.
    private var positions: [Int32] = []
    private let isLast: Bool
    private let ignoreNulls: Bool

    init(_ type: DataType, isLast: Bool, ignoreNulls: Bool) {
        store = ValueStore(type)
        self.isLast = isLast
        self.ignoreNulls = ignoreNulls
    }

    func grow(to groups: Int) { positions.grow(to: groups, -1) }
    func carry(from: Int, to: Int) { positions[to] = positions[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        let column = arguments[0]
        var found: [Int32: Int] = [:]
        var taken: [Int32] = []
        for index in 0..<rows.count {
            let (row, group) = (rows[index], groups[index])
            let isNull = column.isNull(Int(row))
            if isNull, ignoreNulls { continue }
            if !isLast, positions[Int(group)] != -1 || found[group] != nil { continue }
            if isNull {
                // Before the batch's values are stored, so that a later one of the batch still counts.
                positions[Int(group)] = -2
                if let place = found.removeValue(forKey: group) { taken[place] = -1 }
                continue
            }
            if let place = found[group] {
                taken[place] = row
            } else {
                found[group] = taken.count
                taken.append(row)
            }
        }
        let first = store.add(column, taken)
        for (group, place) in found { positions[Int(group)] = first + Int32(place) }
        if store.count > 65_536 + 4 * positions.count { compact() }
    }

    private func compact() {
        var kept: [Int32] = []
        for group in positions.indices where positions[group] >= 0 {
            kept.append(positions[group])
            positions[group] = Int32(kept.count - 1)
        }
        store.keep(kept)
    }

    func result(_ groups: Int) -> Column { store.gathered(positions.prefix(groups).map { max(-1, $0) }) }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(positions[group] >= 0 ? 2 : positions[group] == -2 ? 1 : 0)
        if positions[group] >= 0 { store.save(positions[group], into: &writer) }
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        switch try reader.byte() {
        case 2: positions[group] = try store.load(from: &reader)
        case 1: positions[group] = -2
        default: break
        }
    }

    func loaded() { store.loaded() }
}

/// The value that stands beside the least or greatest key: `min_by`, `max_by`, and `min` and `max` of texts and nested types.
final class KeyedValue: Accumulator {
    private var store: ValueStore
    private var positions: [Int32] = []
    private var keys: [[UInt8]?] = []
    private let isMax: Bool

    init(_ type: DataType, keyType: DataType, isMax: Bool) {
        store = ValueStore(type)
        self.isMax = isMax
    }

    func grow(to groups: Int) {
        positions.grow(to: groups, -1)
        keys.grow(to: groups, nil)
    }

    func carry(from: Int, to: Int) {
        positions[to] = positions[from]
        keys[to] = keys[from]
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        let (value, key) = (arguments[0], arguments[arguments.count - 1])
        let encoding = RowKeyEncoding([key])
        var found: [Int32: Int32] = [:]
        var bytes: [UInt8] = []
        for index in 0..<rows.count {
            let (row, group) = (rows[index], groups[index])
            if key.isNull(Int(row)) { continue }
            bytes.removeAll(keepingCapacity: true)
            encoding.append(Int(row), to: &bytes)
            let isBetter: Bool
            if let best = keys[Int(group)] {
                // Of equal keys the latest wins, as in Spark.
                isBetter = isMax ? !bytes.lexicographicallyPrecedes(best) : !best.lexicographicallyPrecedes(bytes)
            } else {
                isBetter = true
            }
            if isBetter {
                keys[Int(group)] = bytes
                found[group] = row
            }
        }
        var taken: [Int32] = []
        for (group, row) in found {
            positions[Int(group)] = Int32(store.count + taken.count)
            taken.append(row)
        }
        _ = store.add(value, taken)
        if store.count > 65_536 + 4 * positions.count {
            var kept: [Int32] = []
            for group in positions.indices where positions[group] >= 0 {
                kept.append(positions[group])
                positions[group] = Int32(kept.count - 1)
            }
            store.keep(kept)
        }
    }

    func result(_ groups: Int) -> Column { store.gathered(Array(positions.prefix(groups))) }

    func save(_ group: Int, into writer: inout StateWriter) {
        guard let key = keys[group] else { return writer.write(0) }
        writer.write(1)
        writer.write(key)
        store.save(positions[group], into: &writer)
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        guard try reader.byte() == 1 else { return }
        keys[group] = Array(try reader.content())
        positions[group] = try store.load(from: &reader)
    }

    func loaded() { store.loaded() }
}

/// All values of each group, from which the result is made in the end: lists, sets, percentiles, modes.
final class ValueLists: Accumulator {
    /// The values of all groups, and which belong to each.
    struct Content {
        var values: Column
        var lists: ArraySlice<[Int32]>
        /// WITHIN GROUP's keys, by the same positions.
        var order: [Column]
    }

    private var store: ValueStore
    private var orders: [ValueStore]
    private var lists: [[Int32]] = []
    private let keepsNulls: Bool
    private let finish: (Content) throws -> Column

    init(_ type: DataType, keepsNulls: Bool, order: [ResolvedSortKey] = [], finish: @escaping (Content) throws -> Column) {
        store = ValueStore(type)
        orders = order.map { ValueStore($0.expression.dataType) }
        self.keepsNulls = keepsNulls
        self.finish = finish
    }

    func grow(to groups: Int) { lists.grow(to: groups, []) }
    func carry(from: Int, to: Int) { lists[to] = lists[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        let column = arguments[0]
        var taken: [Int32] = []
        let first = Int32(store.count)
        for index in 0..<rows.count where keepsNulls || !column.isNull(Int(rows[index])) {
            lists[Int(groups[index])].append(first + Int32(taken.count))
            taken.append(rows[index])
        }
        _ = store.add(column, taken)
        for index in orders.indices { _ = orders[index].add(arguments[1 + index], taken) }
    }

    func result(_ groups: Int) throws -> Column {
        try finish(Content(values: store.column(), lists: lists.prefix(groups), order: orders.indices.map { orders[$0].column() }))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(number: Int64(lists[group].count))
        for position in lists[group] {
            store.save(position, into: &writer)
            for index in orders.indices { orders[index].save(position, into: &writer) }
        }
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        let count = try reader.number()
        for _ in 0..<max(0, count) {
            lists[group].append(try store.load(from: &reader))
            for index in orders.indices { _ = try orders[index].load(from: &reader) }
        }
    }

    func loaded() {
        store.loaded()
        for index in orders.indices { orders[index].loaded() }
    }
}

/// What becomes of a group's values.
enum ListResult {
    private static func array(_ content: ValueLists.Content, _ lists: [[Int32]], _ type: DataType) -> Column {
        let offsets = Buffer<Int32>(count: lists.count + 1)
        var positions: [Int32] = []
        offsets.pointer[0] = 0
        for (group, list) in lists.enumerated() {
            positions += list
            offsets.pointer[group + 1] = Int32(positions.count)
        }
        return Column(type, count: lists.count, values: .array(offsets: offsets, content.values.gathered(positions)))
    }

    static func list(_ content: ValueLists.Content, _ type: DataType) -> Column { array(content, Array(content.lists), type) }

    private static func counted(_ content: ValueLists.Content, _ list: [Int32]) -> [(position: Int32, count: Int)] {
        let encoding = RowKeyEncoding([content.values])
        var places: [[UInt8]: Int] = [:]
        var result: [(position: Int32, count: Int)] = []
        for position in list {
            var key: [UInt8] = []
            encoding.append(Int(position), to: &key)
            if let place = places[key] {
                result[place].count += 1
            } else {
                places[key] = result.count
                result.append((position, 1))
            }
        }
        return result
    }

    static func set(_ content: ValueLists.Content, _ type: DataType) -> Column {
        array(content, content.lists.map { counted(content, $0).map(\.position) }, type)
    }

    static func mode(_ content: ValueLists.Content, _ type: DataType) -> Column {
        let best = content.lists.map { list -> Int32 in
            var best: (position: Int32, count: Int) = (-1, 0)
            for value in counted(content, list) where value.count > best.count { best = value }
            return best.position
        }
        return content.values.gathered(best)
    }

    static func frequent(_ content: ValueLists.Content, _ type: DataType, support: Double) -> Column {
        array(
            content,
            content.lists.map { list in
                counted(content, list).filter { Double($0.count) > support * Double(list.count) }.map(\.position)
            }, type)
    }

    private static func sorted(_ content: ValueLists.Content, _ list: [Int32]) -> [Int32] {
        if case .double(let buffer) = content.values.values, content.values.stride == 1 {
            return list.sorted { Evaluator.order(buffer.pointer[Int($0)], buffer.pointer[Int($1)]) < 0 }
        }
        return list.sorted { content.values.order(Int($0), content.values, Int($1)) < 0 }
    }

    /// Interpolated between the neighbours (`percentile`, `median`), or the first value whose share reaches the fraction.
    static func percentile(
        _ content: ValueLists.Content, _ fractions: [Double], isArray: Bool, isDiscrete: Bool, _ type: DataType
    ) -> Column {
        let builder = ColumnBuilder(type)
        guard case .double(let buffer) = content.values.values else { return Column.nulls(type, count: content.lists.count) }
        let stride = content.values.stride
        for list in content.lists {
            guard !list.isEmpty else {
                builder.appendNull()
                continue
            }
            let values = sorted(content, list).map { buffer.pointer[Int($0) * stride] }
            let results = fractions.map { fraction -> Literal in
                if isDiscrete { return .double(values[max(0, Int((fraction * Double(values.count)).rounded(.up)) - 1)]) }
                let position = Double(values.count - 1) * fraction
                let (lower, higher) = (Int(position.rounded(.down)), Int(position.rounded(.up)))
                if lower == higher || values[lower] == values[higher] { return .double(values[lower]) }
                return .double((Double(higher) - position) * values[lower] + (position - Double(lower)) * values[higher])
            }
            builder.append(isArray ? .array(results, element: .double) : results[0])
        }
        return builder.finish()
    }

    /// The value of rank ceil(fraction × count), which is what Spark's summary gives as long as it holds every value.
    static func quantile(
        _ content: ValueLists.Content, _ fractions: [Double], isArray: Bool, _ element: DataType, _ type: DataType
    ) -> Column {
        let builder = ColumnBuilder(type)
        for list in content.lists {
            guard !list.isEmpty else {
                builder.appendNull()
                continue
            }
            let ordered = sorted(content, list)
            let results = fractions.map { fraction -> Literal in
                let rank = max(1, Int((fraction * Double(ordered.count)).rounded(.up)))
                return content.values.literal(Int(ordered[min(rank, ordered.count) - 1]))
            }
            builder.append(isArray ? .array(results, element: element) : results[0])
        }
        return builder.finish()
    }

    static func text(_ content: ValueLists.Content, _ separator: String, _ order: [ResolvedSortKey]) -> Column {
        let builder = ColumnBuilder(.string)
        guard case .bytes(let views) = content.values.values else { return Column.nulls(.string, count: content.lists.count) }
        let stride = content.values.stride
        let encoding = RowKeyEncoding(
            zip(content.order, order).map { RowKeyEncoding.Part(column: $0, isAscending: $1.isAscending, nullsFirst: $1.nullsFirst) })
        for list in content.lists {
            guard !list.isEmpty else {
                builder.appendNull()
                continue
            }
            var ordered = list
            if !order.isEmpty {
                let keys = list.map { position -> (key: [UInt8], position: Int32) in
                    var key: [UInt8] = []
                    encoding.append(Int(position), to: &key)
                    return (key, position)
                }
                ordered = keys.enumerated().sorted { a, b in
                    a.element.key == b.element.key ? a.offset < b.offset : a.element.key.lexicographicallyPrecedes(b.element.key)
                }.map(\.element.position)
            }
            builder.append(.string(ordered.map { views.pointer[Int($0) * stride].string }.joined(separator: separator)))
        }
        return builder.finish()
    }
}
