/// Values out of arrays and maps, and what is asked of them.
extension Kernels {
    static let elements: [String: Kernel] = [
        "size": Kernel { call in
            let list = call.list(0)
            return call.int32s { Int32(list[$0].count) }
        },
        "array_size": Kernel { call in
            let list = call.list(0)
            return call.int32s { Int32(list[$0].count) }
        },
        "array_contains": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            return call.bools { row in
                var hasNull = false
                for element in list[row] {
                    if elements.isNull(element) { hasNull = true } else if elements.equals(element, call.columns[1], row) { return true }
                }
                return hasNull ? nil : false
            }
        },
        "array_position": Kernel { call in
            let (list, elements) = (call.list(0), call.list(0).elements)
            return call.int64s { row in
                for (position, element) in list[row].enumerated()
                where !elements.isNull(element) && elements.equals(element, call.columns[1], row) {
                    return Int64(position + 1)
                }
                return 0
            }
        },
        "array_max": Kernel { call in extreme(call) { $0 > 0 } }, "array_min": Kernel { call in extreme(call) { $0 < 0 } },
        "array_join": Kernel { call in
            let (list, separator) = (call.list(0), call.text(1))
            let replacement = call.columns.count > 2 ? call.text(2) : nil
            guard case .bytes(let views) = list.elements.values else {
                return call.texts { row, out in
                    guard let replacement else { return true }
                    for position in 0..<list[row].count {
                        if position > 0 { out += separator[row].bytes }
                        out += replacement[row].bytes
                    }
                    return true
                }
            }
            return call.texts { row, out in
                var isFirst = true
                for element in list[row] {
                    let isNull = list.elements.isNull(element)
                    if isNull, replacement == nil { continue }
                    if !isFirst { out += separator[row].bytes }
                    isFirst = false
                    if isNull { out += replacement![row].bytes } else { out += views.pointer[element &* list.elements.stride].bytes }
                }
                return true
            }
        },
        "arrays_overlap": Kernel { call in
            let lists = [call.list(0), call.list(1)]
            let (elements, bases) = joined(lists, call.columns[0].type.element ?? .null)
            var set = ElementSet(elements)
            return call.bools { row in
                set.clear()
                var hasNull = false
                for element in lists[0][row] {
                    if lists[0].elements.isNull(element) { hasNull = true } else { _ = set.insert(element) }
                }
                for element in lists[1][row] {
                    if lists[1].elements.isNull(element) {
                        hasNull = true
                    } else if set.contains(element + Int(bases[1])) {
                        return true
                    }
                }
                return hasNull && !lists[0][row].isEmpty && !lists[1][row].isEmpty ? nil : false
            }
        },
        // base[index], from 0.
        "getitem": Kernel { call in
            if case .map = call.columns[0].type { return valueOfKey(call) }
            let (list, index) = (call.list(0), call.int32(1))
            return try picked(call, from: list.elements) { row in
                let (range, place) = (list[row], Int(index[row]))
                guard place >= 0, place < range.count else {
                    throw SparkError(
                        "INVALID_ARRAY_INDEX", sqlState: "22003",
                        "The index \(place) is out of bounds. The array has \(range.count) elements. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead."
                    )
                }
                return range.lowerBound + place
            }
        },
        "get": Kernel { call in
            let (list, index) = (call.list(0), call.int32(1))
            return picked(call, from: list.elements) { row in
                let (range, place) = (list[row], Int(index[row]))
                return place >= 0 && place < range.count ? range.lowerBound + place : nil
            }
        },
        // From 1, from the end when negative.
        "element_at": Kernel { call in
            let (list, index) = (call.list(0), call.int32(1))
            return try picked(call, from: list.elements) { row in
                let (range, place) = (list[row], Int(index[row]))
                if place == 0 {
                    throw SparkError(
                        "INVALID_INDEX_OF_ZERO", sqlState: "22003",
                        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).")
                }
                guard abs(place) <= range.count else {
                    throw SparkError(
                        "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", sqlState: "22003",
                        "The index \(place) is out of bounds. The array has \(range.count) elements. Use `try_element_at` to tolerate accessing element at invalid index and return NULL instead."
                    )
                }
                return place > 0 ? range.lowerBound + place - 1 : range.upperBound + place
            }
        },
    ]

    /// One element for each row; nil is null.
    static func picked(_ call: KernelCall, from elements: Column, _ body: (Int) throws -> Int?) rethrows -> Column {
        var indices = [Int32](repeating: -1, count: call.count)
        try call.eachRow { row in indices[row] = try body(row).map { Int32($0) } ?? -1 }
        return elements.gathered(indices)
    }

    static func valueOfKey(_ call: KernelCall) -> Column {
        let list = call.list(0)
        return picked(call, from: list.values) { row in list[row].first { list.elements.equals($0, call.columns[1], row) } }
    }

    private static func extreme(_ call: KernelCall, _ wins: (Int) -> Bool) -> Column {
        let (list, elements) = (call.list(0), call.list(0).elements)
        return picked(call, from: elements) { row in
            var best: Int?
            for element in list[row] where !elements.isNull(element) {
                if let current = best, !wins(elements.order(element, elements, current)) { continue }
                best = element
            }
            return best
        }
    }

    static let arraySets: [String: Kernel] = [
        "array_union": Kernel { call in
            combined(call) { left, right, set, add in
                for element in left where set.insert(element) { add.append(Int32(element)) }
                for element in right where set.insert(element) { add.append(Int32(element)) }
            }
        },
        "array_intersect": Kernel { call in
            combined(call) { left, right, set, add in
                for element in right { _ = set.insert(element) }
                let other = set
                set.clear()
                for element in left where other.contains(element) && set.insert(element) { add.append(Int32(element)) }
            }
        },
        "array_except": Kernel { call in
            combined(call) { left, right, set, add in
                for element in right { _ = set.insert(element) }
                for element in left where set.insert(element) { add.append(Int32(element)) }
            }
        },
    ]

    private static func combined(_ call: KernelCall, _ body: (Range<Int>, Range<Int>, inout ElementSet, inout [Int32]) -> Void) -> Column {
        let lists = [call.list(0), call.list(1)]
        let (elements, bases) = joined(lists, call.type.element ?? .null)
        var set = ElementSet(elements)
        return call.arrays(of: elements) { row, add in
            set.clear()
            let right = lists[1][row]
            body(lists[0][row], right.lowerBound + Int(bases[1])..<right.upperBound + Int(bases[1]), &set, &add)
            return true
        }
    }
}
