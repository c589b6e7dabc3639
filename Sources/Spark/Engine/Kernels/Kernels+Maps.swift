extension Kernels {
    static let maps: [String: Kernel] = [
        "map": Kernel(.own) { call in
            guard case .map(let keyType, let valueType, _) = call.type, !call.columns.isEmpty else {
                let empty = Column.nulls(.null, count: 0)
                return Column(call.type, count: call.count, values: .map(offsets: Buffer([0, 0]), keys: empty, values: empty), stride: 0)
            }
            let width = call.columns.count / 2
            let keys = Column.concatenated((0..<width).map { spread(call.columns[$0 * 2], call.count) }, keyType)
            let values = Column.concatenated((0..<width).map { spread(call.columns[$0 * 2 + 1], call.count) }, valueType)
            let count = Int32(call.count)
            return try maps(call, keys: keys, values: values) { row, add in
                for pair in 0..<Int32(width) { add.append(pair * count + Int32(row)) }
                return true
            }
        },
        "map_keys": Kernel { call in
            guard case .map(let offsets, let keys, _) = call.columns[0].values else { return call.nulls() }
            return part(call, offsets, keys)
        },
        "map_values": Kernel { call in
            guard case .map(let offsets, _, let values) = call.columns[0].values else { return call.nulls() }
            return part(call, offsets, values)
        },
        "map_entries": Kernel { call in
            guard case .map(let offsets, let keys, let values) = call.columns[0].values, let entry = call.type.element else {
                return call.nulls()
            }
            return part(call, offsets, Column(entry, count: keys.count, values: .structure([keys, values])))
        },
        "map_from_arrays": Kernel { call in
            let (keys, values) = (call.list(0), call.list(1))
            var picks: [Int32] = []
            let (offsets, indices, bits) = try call.lists { row, add in
                guard keys[row].count == values[row].count else {
                    throw SparkError(
                        "INTERNAL_ERROR", sqlState: "XX000",
                        "The given keys and values have different lengths: \(keys[row].count) and \(values[row].count).")
                }
                add.append(contentsOf: keys[row].map { Int32($0) })
                picks.append(contentsOf: values[row].map { Int32($0) })
                return true
            }
            return try checked(call, offsets, keys.elements.gathered(indices), values.elements.gathered(picks), bits)
        },
        "map_from_entries": Kernel { call in
            let list = call.list(0)
            guard case .structure(let children) = list.elements.values, let keys = children[0], let values = children[1] else {
                return call.nulls()
            }
            return try maps(call, keys: keys, values: values) { row, add in
                for entry in list[row] {
                    if list.elements.isNull(entry) { return false }
                    add.append(Int32(entry))
                }
                return true
            }
        },
        "map_concat": Kernel { call in
            guard case .map(let keyType, let valueType, _) = call.type else { return call.nulls() }
            let lists = call.columns.indices.map { call.list($0) }
            let (keys, bases) = joined(lists, keyType)
            let values = Column.concatenated(lists.map(\.values), valueType)
            return try maps(call, keys: keys, values: values) { row, add in
                for (list, base) in zip(lists, bases) { add.append(contentsOf: list[row].map { Int32($0) + base }) }
                return true
            }
        },
        "map_contains_key": Kernel { call in
            let list = call.list(0)
            return call.bools { row in list[row].contains { list.elements.equals($0, call.columns[1], row) } }
        },
    ]

    /// Maps of the pairs that `body` lists; a null or a second equal key is an error.
    static func maps(_ call: KernelCall, keys: Column, values: Column, _ body: (Int, inout [Int32]) throws -> Bool) throws -> Column {
        let (offsets, indices, bits) = try call.lists(body)
        return try checked(call, offsets, keys.gathered(indices), values.gathered(indices), bits)
    }

    static func checked(_ call: KernelCall, _ offsets: Buffer<Int32>, _ keys: Column, _ values: Column, _ bits: Bitmap?) throws -> Column {
        var set = ElementSet(keys)
        try call.eachRow { row in
            if let bits, !bits[row] { return }
            set.clear()
            for pair in Int(offsets[row])..<Int(offsets[row + 1]) {
                if keys.isNull(pair) {
                    throw SparkError("NULL_MAP_KEY", sqlState: "2200E", "Cannot use null as map key.")
                }
                if !set.insert(pair) { throw duplicateKey(keys.text(pair) ?? "NULL") }
            }
        }
        return Column(call.type, count: call.count, values: .map(offsets: offsets, keys: keys, values: values), validity: bits)
    }

    private static func part(_ call: KernelCall, _ offsets: Buffer<Int32>, _ elements: Column) -> Column {
        Column(
            call.type, count: call.count, values: .array(offsets: offsets, elements), validity: call.columns[0].validity,
            stride: call.columns[0].stride, owners: call.columns[0].owners)
    }
}
