/// Functions of a pattern. A pattern that changes from row to row is compiled once for each text of it.
extension Kernels {
    static let regularExpressions: [String: Kernel] = [
        "rlike": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let cache = RegexCache()
            return try call.bools { try cache.matcher(pattern[$0]).find(text[$0]) != nil }
        },
        "regexp_extract": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let group = call.columns.count > 2 ? call.int32(2) : nil
            let cache = RegexCache()
            return try call.views { row, _ in
                let matcher = try cache.matcher(pattern[row])
                let number = try checked(group?[row] ?? 1, matcher, "regexp_extract")
                guard try matcher.find(text[row]) != nil, let range = matcher.range(number) else { return ByteView.empty }
                return part(text[row], range)
            }
        },
        "regexp_extract_all": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let group = call.columns.count > 2 ? call.int32(2) : nil
            let cache = RegexCache()
            return try lists(call) { row, add in
                let matcher = try cache.matcher(pattern[row])
                let number = try checked(group?[row] ?? 1, matcher, "regexp_extract_all")
                try eachMatch(matcher, text[row]) { _ in add(matcher.range(number).map { part(text[row], $0) } ?? .empty) }
            }
        },
        "regexp_replace": Kernel { call in
            let (text, pattern, replacement) = (call.text(0), call.text(1), call.text(2))
            let position = call.columns.count > 3 ? call.int32(3) : nil
            let cache = RegexCache()
            return try call.texts { row, out in
                let view = text[row]
                let matcher = try cache.matcher(pattern[row])
                let first = Int(position?[row] ?? 1)
                guard first > 0 else {
                    throw SparkError(
                        "INVALID_PARAMETER_VALUE.POSITION", sqlState: "22023",
                        "The value of parameter(s) `pos` in `regexp_replace` is invalid: it must be positive, but got \(first).")
                }
                var done = 0
                let from = UTF8Text.byte(view, point: first - 1) ?? view.length
                try eachMatch(matcher, view, from: from) { match in
                    out += view.bytes[done..<match.lowerBound]
                    try expand(replacement[row].bytes, matcher, view, to: &out)
                    done = match.upperBound
                }
                out += view.bytes[done...]
                return true
            }
        },
        "regexp_count": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let cache = RegexCache()
            return try call.int32s { row in
                var count: Int32 = 0
                try eachMatch(try cache.matcher(pattern[row]), text[row]) { _ in count += 1 }
                return count
            }
        },
        "regexp_substr": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let cache = RegexCache()
            return try call.views { row, _ in
                let found = try cache.matcher(pattern[row]).find(text[row])
                return found.flatMap { $0.isEmpty ? nil : part(text[row], $0) }
            }
        },
        "regexp_instr": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let cache = RegexCache()
            return try call.int32s { row in
                guard let found = try cache.matcher(pattern[row]).find(text[row]) else { return 0 }
                return Int32(truncatingIfNeeded: UTF8Text.position(text[row], byte: found.lowerBound) + 1)
            }
        },
        "split": Kernel { call in
            let (text, pattern) = (call.text(0), call.text(1))
            let limit = call.columns.count > 2 ? call.int32(2) : nil
            let cache = RegexCache()
            return try lists(call) { row, add in
                for part in try cache.split(text[row], try cache.matcher(pattern[row]), limit: Int(limit?[row] ?? -1)) { add(part) }
            }
        },
    ]

    static func part(_ view: ByteView, _ range: Range<Int>) -> ByteView {
        ByteView(start: view.start.map { $0 + range.lowerBound }, length: range.count)
    }

    /// Arrays of parts of the texts.
    static func lists(_ call: KernelCall, _ body: (Int, (ByteView) -> Void) throws -> Void) rethrows -> Column {
        var views: [ByteView] = []
        let (offsets, _, bits) = try call.lists { row, indices in
            try body(row) { view in
                indices.append(Int32(views.count))
                views.append(view)
            }
            return true
        }
        let elements = Column(.string, count: views.count, values: .bytes(Buffer(views)), owners: call.columns.flatMap(\.owners))
        return Column(call.type, count: call.count, values: .array(offsets: offsets, elements), validity: bits)
    }

    static func eachMatch(_ matcher: RegexMatcher, _ text: ByteView, from: Int = 0, _ body: (Range<Int>) throws -> Void) throws {
        var from = from
        while from <= text.length, let match = try matcher.find(text, from: from) {
            try body(match)
            from = match.upperBound
            if match.isEmpty {
                from += 1
                while from < text.length, text.bytes[from] & 0xC0 == 0x80 { from += 1 }
            }
        }
    }

    private static func checked(_ group: Int32, _ matcher: RegexMatcher, _ name: String) throws -> Int {
        guard group >= 0, Int(group) <= matcher.regex.groupCount else {
            throw SparkError(
                "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX", sqlState: "22023",
                "The value of parameter(s) `idx` in `\(name)` is invalid: Expects group index between 0 and \(matcher.regex.groupCount), but got \(group)."
            )
        }
        return Int(group)
    }

    /// `$1` and `${name}` are groups; a backslash takes what follows it as it is.
    private static func expand(_ replacement: UnsafeBufferPointer<UInt8>, _ matcher: RegexMatcher, _ text: ByteView, to out: inout [UInt8])
        throws
    {
        func illegal(_ reason: String) -> SparkError {
            SparkError("INTERNAL_ERROR", sqlState: "XX000", "Illegal group reference in a replacement: \(reason).")
        }
        var index = 0
        while index < replacement.count {
            let byte = replacement[index]
            index += 1
            switch byte {
            case 0x5C:
                guard index < replacement.count else { throw illegal("a backslash at the end") }
                out.append(replacement[index])
                index += 1
            case 0x24:
                var group = 0
                if index < replacement.count, replacement[index] == 0x7B {
                    let name = replacement[(index + 1)...].prefix { $0 != 0x7D }
                    guard let number = matcher.regex.groupNames[String(decoding: name, as: UTF8.self)] else {
                        throw illegal("no such name")
                    }
                    group = number
                    index += name.count + 2
                } else {
                    guard index < replacement.count, replacement[index] &- 0x30 < 10 else { throw illegal("no number after '$'") }
                    group = Int(replacement[index] - 0x30)
                    index += 1
                    while index < replacement.count, replacement[index] &- 0x30 < 10 {
                        let longer = group * 10 + Int(replacement[index] - 0x30)
                        if longer > matcher.regex.groupCount { break }
                        group = longer
                        index += 1
                    }
                }
                guard group <= matcher.regex.groupCount else { throw illegal("no group \(group)") }
                if let range = matcher.range(group) { out += text.bytes[range] }
            default: out.append(byte)
            }
        }
    }
}
