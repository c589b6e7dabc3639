/// Places of one text in another, and parts of a text by a separator.
extension Kernels {
    static let searches: [String: Kernel] = [
        "instr": Kernel { call in
            let (text, part) = (call.text(0), call.text(1))
            return call.int32s { place(of: part[$0], in: text[$0], from: 1) }
        },
        "locate": Kernel { call in
            let (part, text) = (call.text(0), call.text(1))
            let start = call.columns.count > 2 ? call.int32(2) : nil
            return call.int32s { place(of: part[$0], in: text[$0], from: start?[$0] ?? 1) }
        },
        "substring_index": Kernel { call in
            let (text, separator, number) = (call.text(0), call.text(1), call.int32(2))
            return call.views { row, _ in
                let (view, part) = (text[row], separator[row])
                var left = Int(number[row])
                if left == 0 || part.length == 0 { return ByteView.empty }
                if left > 0 {
                    var from = 0
                    while let found = UTF8Text.firstIndex(of: part, in: view, from: from) {
                        left -= 1
                        if left == 0 { return ByteView(start: view.start, length: found) }
                        from = found + 1
                    }
                    return view
                }
                var end = view.length - part.length
                while end >= 0 {
                    if UTF8Text.hasPrefix(ByteView(start: view.start.map { $0 + end }, length: view.length - end), part) {
                        left += 1
                        if left == 0 {
                            let cut = end + part.length
                            return ByteView(start: view.start.map { $0 + cut }, length: view.length - cut)
                        }
                    }
                    end -= 1
                }
                return view
            }
        },
        "split_part": Kernel { call in
            let (text, separator, number) = (call.text(0), call.text(1), call.int32(2))
            return try call.views { row, _ in
                let wanted = Int(number[row])
                guard wanted != 0 else {
                    throw SparkError(
                        "INVALID_INDEX_OF_ZERO", sqlState: "22003",
                        "The index 0 is invalid. An index shall be either < 0 or > 0 (the first element has index 1).")
                }
                let parts = parts(of: text[row], by: separator[row])
                let index = wanted > 0 ? wanted - 1 : parts.count + wanted
                return parts.indices.contains(index) ? parts[index] : .empty
            }
        },
        "find_in_set": Kernel { call in
            let (word, set) = (call.text(0), call.text(1))
            return call.int32s { row in
                if word[row].bytes.contains(0x2C) { return 0 }
                for (index, part) in parts(of: set[row], by: comma).enumerated() where ByteView.areEqual(part, word[row]) {
                    return Int32(index + 1)
                }
                return 0
            }
        },
        "str_to_map": Kernel { call in
            let text = call.text(0)
            let builder = ColumnBuilder(call.type)
            let pairSeparator = call.columns.count > 1 ? call.text(1) : nil
            let valueSeparator = call.columns.count > 2 ? call.text(2) : nil
            let patterns = RegexCache()
            try eachPadded(call, builder) { row in
                let pairs = try patterns.split(text[row], by: pairSeparator?[row].string ?? ",", limit: -1)
                var seen: Set<String> = []
                for pair in pairs {
                    let halves = try patterns.split(pair, by: valueSeparator?[row].string ?? ":", limit: 2)
                    guard seen.insert(halves[0].string).inserted else { throw duplicateKey(halves[0].string) }
                    builder.children[0].append(bytes: halves[0].bytes)
                    if halves.count > 1 { builder.children[1].append(bytes: halves[1].bytes) } else { builder.children[1].appendNull() }
                }
                builder.closeNested()
            }
            return builder.finish()
        },
    ]

    private static let comma: ByteView = {
        let arena = commaArena
        return arena.copy(",")
    }()
    private static let commaArena = ByteArena()

    /// Fills a builder with one value a row: rows that are left out or null become null.
    static func eachPadded(_ call: KernelCall, _ builder: ColumnBuilder, _ body: (Int) throws -> Void) rethrows {
        try call.eachRow { row in
            while builder.count < row { builder.appendNull() }
            try body(row)
        }
        while builder.count < call.count { builder.appendNull() }
    }

    static func duplicateKey(_ key: String) -> SparkError {
        SparkError(
            "DUPLICATED_MAP_KEY", sqlState: "23505",
            "Duplicate map key \(key) was found, please check the input data. If you want to remove the duplicated keys, you can set \"spark.sql.mapKeyDedupPolicy\" to \"LAST_WIN\" so that the key inserted at last takes precedence."
        )
    }

    /// From 1 in code points; 0 where there is none.
    private static func place(of part: ByteView, in text: ByteView, from start: Int32) -> Int32 {
        guard start > 0 else { return 0 }
        if part.length == 0, start == 1 { return 1 }
        guard let byte = UTF8Text.byte(text, point: Int(start) - 1), let found = UTF8Text.firstIndex(of: part, in: text, from: byte) else {
            return 0
        }
        if part.length == 0, found >= text.length { return 0 }
        return Int32(truncatingIfNeeded: UTF8Text.position(text, byte: found) + 1)
    }

    static func parts(of text: ByteView, by separator: ByteView) -> [ByteView] {
        guard separator.length > 0 else { return [text] }
        var result: [ByteView] = []
        var start = 0
        while let found = UTF8Text.firstIndex(of: separator, in: text, from: start) {
            result.append(ByteView(start: text.start.map { $0 + start }, length: found - start))
            start = found + separator.length
        }
        result.append(ByteView(start: text.start.map { $0 + start }, length: text.length - start))
        return result
    }
}
