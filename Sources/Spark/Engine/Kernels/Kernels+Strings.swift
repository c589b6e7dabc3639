/// Texts made of texts. Lengths and positions count code points.
extension Kernels {
    static let strings: [String: Kernel] = [
        "trim_characters": Kernel { call in trimmed(call, leading: true, trailing: true) },
        "ltrim_characters": Kernel { call in trimmed(call, leading: true, trailing: false) },
        "rtrim_characters": Kernel { call in trimmed(call, leading: false, trailing: true) },
        "left": Kernel { call in
            let (text, length) = (call.text(0), call.int32(1))
            let isBinary = call.type == .binary
            return call.views { row, _ in
                UTF8Text.substring(text[row], start: 1, length: max(0, Int(length[row])), isBinary: isBinary)
            }
        },
        "right": Kernel { call in
            let (text, length) = (call.text(0), call.int32(1))
            return call.views { row, _ in
                let count = Int(length[row])
                if count <= 0 { return ByteView.empty }
                return UTF8Text.substring(text[row], start: -count, length: count, isBinary: false)
            }
        },
        "bit_length": Kernel { call in
            let text = call.text(0)
            return call.int32s { Int32(truncatingIfNeeded: text[$0].length * 8) }
        },
        "initcap": Kernel { call in
            let text = call.text(0)
            return call.views { row, arena in
                let view = text[row]
                guard view.bytes.allSatisfy({ $0 < 0x80 }) else {
                    return arena.copy(Capitals.capitalized(view.string))
                }
                let target = arena.reserve(view.length)
                var isStart = true
                for (index, byte) in view.bytes.enumerated() {
                    let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
                    target[index] = isStart && lower &- 0x61 < 26 ? lower & 0xDF : lower
                    isStart = byte == 0x20
                }
                return arena.keep(view.length)
            }
        },
        "lpad": Kernel { call in padded(call, atStart: true) }, "rpad": Kernel { call in padded(call, atStart: false) },
        "repeat": Kernel { call in
            let (text, times) = (call.text(0), call.int32(1))
            return try call.views { row, arena in
                let count = max(0, Int(times[row]))
                let view = text[row]
                let length = try bounded(view.length, times: count)
                guard length > 0, let start = view.start else { return ByteView.empty }
                let target = arena.reserve(length)
                for index in 0..<count { (target + index * view.length).update(from: start, count: view.length) }
                return arena.keep(length)
            }
        },
        "space": Kernel { call in
            let times = call.int32(0)
            return try call.views { row, arena in
                let count = try bounded(1, times: max(0, Int(times[row])))
                arena.reserve(count).update(repeating: 0x20, count: count)
                return arena.keep(count)
            }
        },
        "reverse": Kernel { call in
            let text = call.text(0)
            return call.views { row, arena in
                let view = text[row]
                let target = arena.reserve(view.length)
                let bytes = view.bytes
                var end = bytes.count, out = 0
                while end > 0 {
                    var start = end - 1
                    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
                    for index in start..<end { target[out + index - start] = bytes[index] }
                    out += end - start
                    end = start
                }
                return arena.keep(view.length)
            }
        },
        "translate": Kernel { call in
            let (text, from, to) = (call.text(0), call.text(1), call.text(2))
            var known: (ByteView, ByteView)?
            var table: [Unicode.Scalar: Unicode.Scalar?] = [:]
            return call.texts { row, out in
                // The two alphabets are mostly constants: their table is made once.
                if known == nil || !ByteView.areEqual(known!.0, from[row]) || !ByteView.areEqual(known!.1, to[row]) {
                    known = (from[row], to[row])
                    table = [:]
                    let targets = Array(to[row].string.unicodeScalars)
                    for (index, scalar) in from[row].string.unicodeScalars.enumerated() where table[scalar] == nil {
                        table[scalar] = .some(index < targets.count ? targets[index] : nil)
                    }
                }
                for scalar in text[row].string.unicodeScalars {
                    switch table[scalar] {
                    case .none: UTF8Text.append(scalar, to: &out)
                    case .some(.some(let mapped)): UTF8Text.append(mapped, to: &out)
                    case .some(.none): break
                    }
                }
                return true
            }
        },
        "overlay": Kernel { call in
            let (text, replacement, position) = (call.text(0), call.text(1), call.int32(2))
            let length = call.columns.count > 3 ? call.int32(3) : nil
            let isBinary = call.type == .binary
            return call.texts { row, out in
                let start = Int(position[row])
                let given = length.map { Int($0[row]) } ?? -1
                let removed = given >= 0 ? given : isBinary ? replacement[row].length : UTF8Text.count(replacement[row])
                out += UTF8Text.substring(text[row], start: 1, length: start - 1, isBinary: isBinary).bytes
                out += replacement[row].bytes
                out += UTF8Text.substring(text[row], start: start + removed, length: .max / 2, isBinary: isBinary).bytes
                return true
            }
        },
        "ascii": Kernel { call in
            let text = call.text(0)
            return call.int32s { row in Int32(text[row].string.unicodeScalars.first?.value ?? 0) }
        },
        "chr": Kernel { call in
            let number = call.int64(0)
            return call.texts { row, out in
                let value = number[row]
                if value >= 0 { UTF8Text.append(Unicode.Scalar(UInt8(value & 0xFF)), to: &out) }
                return true
            }
        },
        "soundex": Kernel { call in
            let text = call.text(0)
            return call.texts { row, out in
                Soundex.append(text[row].bytes, to: &out)
                return true
            }
        },
        "levenshtein": Kernel { call in
            let (a, b) = (call.text(0), call.text(1))
            let bound = call.columns.count > 2 ? call.int32(2) : nil
            var row0: [Int32] = []
            return call.int32s { row in
                let distance = Levenshtein.distance(Array(a[row].string.unicodeScalars), Array(b[row].string.unicodeScalars), &row0)
                guard let bound else { return distance }
                return bound[row] < 0 || distance > bound[row] ? -1 : distance
            }
        },
        "elt": Kernel(.own) { call in
            let index = call.int32(0)
            let texts = call.columns.indices.map { call.text($0) }
            return try call.views { row, _ in
                if call.columns[0].isNull(row) { return nil }
                let place = Int(index[row])
                guard place >= 1, place < texts.count else {
                    throw SparkError(
                        "INVALID_ARRAY_INDEX", sqlState: "22003",
                        "The index \(place) is out of bounds. The array has \(texts.count - 1) elements. Use the SQL function `get()` to tolerate accessing element at invalid index and return NULL instead."
                    )
                }
                return call.columns[place].isNull(row) ? nil : texts[place][row]
            }
        },
        "quote": Kernel { call in
            let text = call.text(0)
            return call.texts { row, out in
                out.append(0x27)
                for byte in text[row].bytes {
                    if byte == 0x27 { out.append(0x5C) }
                    out.append(byte)
                }
                out.append(0x27)
                return true
            }
        },
        "mask": Kernel(.own) { call in masked(call) },
        "luhn_check": Kernel { call in
            let text = call.text(0)
            return call.bools { row in
                let bytes = text[row].bytes
                guard !bytes.isEmpty, bytes.allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
                var sum = 0
                for (index, byte) in bytes.reversed().enumerated() {
                    let digit = Int(byte &- 0x30)
                    sum += index % 2 == 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9
                }
                return sum % 10 == 0
            }
        },
        "is_valid_utf8": Kernel { call in
            let text = call.text(0)
            return call.bools { String(validating: text[$0].bytes, as: UTF8.self) != nil }
        },
        "make_valid_utf8": Kernel { call in
            let text = call.text(0)
            return call.views { row, arena in
                String(validating: text[row].bytes, as: UTF8.self) != nil ? text[row] : arena.copy(text[row].string)
            }
        },
        "validate_utf8": Kernel { call in
            let text = call.text(0)
            return try call.views { row, _ in
                guard String(validating: text[row].bytes, as: UTF8.self) != nil else {
                    throw SparkError(
                        "INVALID_UTF8_STRING", sqlState: "22029",
                        "Invalid UTF8 byte sequence found in string: \(text[row].bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined())."
                    )
                }
                return text[row]
            }
        },
        "try_validate_utf8": Kernel { call in
            let text = call.text(0)
            return call.views { row, _ in String(validating: text[row].bytes, as: UTF8.self) != nil ? text[row] : nil }
        },
        "concat_ws_arrays": Kernel(.own) { call in
            let separator = call.text(0)
            return call.texts { row, out in
                if call.columns[0].isNull(row) { return false }
                var isFirst = true
                func add(_ view: ByteView) {
                    if !isFirst { out += separator[row].bytes }
                    isFirst = false
                    out += view.bytes
                }
                for index in 1..<call.columns.count where !call.columns[index].isNull(row) {
                    if case .bytes(let views) = call.columns[index].values {
                        add(views.pointer[row &* call.columns[index].stride])
                    } else {
                        let list = call.list(index)
                        guard case .bytes(let views) = list.elements.values else { continue }
                        for element in list[row] where !list.elements.isNull(element) {
                            add(views.pointer[element &* list.elements.stride])
                        }
                    }
                }
                return true
            }
        },
    ]

    /// Texts of more than 2 GiB minus a page are refused, as they are in Spark.
    static func bounded(_ length: Int, times: Int) throws -> Int {
        let (total, overflow) = length.multipliedReportingOverflow(by: times)
        guard !overflow, total <= Int(Int32.max) - 4_096 else {
            throw SparkError(
                "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION", sqlState: "54000",
                "Can't create a text with \(times) times \(length) bytes, which exceeds the limit of \(Int32.max) bytes.")
        }
        return total
    }

    private static func trimmed(_ call: KernelCall, leading: Bool, trailing: Bool) -> Column {
        let (text, characters) = (call.text(0), call.text(1))
        return call.views { row, _ in
            let set = Set(characters[row].string.unicodeScalars)
            let view = text[row]
            var start = 0, end = view.length
            let bytes = view.bytes
            if leading {
                while start < end, let (scalar, width) = UTF8Text.scalar(bytes, at: start), set.contains(scalar) { start += width }
            }
            if trailing {
                while end > start {
                    var from = end - 1
                    while from > start, bytes[from] & 0xC0 == 0x80 { from -= 1 }
                    guard let (scalar, _) = UTF8Text.scalar(bytes, at: from), set.contains(scalar) else { break }
                    end = from
                }
            }
            return ByteView(start: view.start.map { $0 + start }, length: end - start)
        }
    }

    private static func padded(_ call: KernelCall, atStart: Bool) -> Column {
        let (text, length) = (call.text(0), call.int32(1))
        let pad = call.columns.count > 2 ? call.text(2) : nil
        let isBinary = call.type == .binary
        return call.texts { row, out in
            let view = text[row]
            let wanted = Int(length[row])
            let count = isBinary ? view.length : UTF8Text.count(view)
            if wanted <= count {
                out += UTF8Text.substring(view, start: 1, length: max(0, wanted), isBinary: isBinary).bytes
                return true
            }
            if !atStart { out += view.bytes }
            if let pad {
                let filler = pad[row]
                let unit = isBinary ? filler.length : UTF8Text.count(filler)
                if unit > 0 {
                    for _ in 0..<(wanted - count) / unit { out += filler.bytes }
                    out += UTF8Text.substring(filler, start: 1, length: (wanted - count) % unit, isBinary: isBinary).bytes
                }
            } else {
                out.append(contentsOf: repeatElement(isBinary ? 0 : 0x20, count: wanted - count))
            }
            if atStart { out += view.bytes }
            return true
        }
    }

    /// mask(text, upper, lower, digit, other): a null character leaves its class as it is.
    private static func masked(_ call: KernelCall) -> Column {
        let text = call.text(0)
        let defaults: [Unicode.Scalar?] = ["X", "x", "n", nil]
        func character(_ class: Int, _ row: Int) -> Unicode.Scalar? {
            guard call.columns.count > `class` + 1 else { return defaults[`class`] }
            if call.columns[`class` + 1].isNull(row) { return nil }
            return call.text(`class` + 1)[row].string.unicodeScalars.first
        }
        return call.texts { row, out in
            if call.columns[0].isNull(row) { return false }
            let replacements = (0..<4).map { character($0, row) }
            for scalar in text[row].string.unicodeScalars {
                let index =
                    scalar.properties.generalCategory == .uppercaseLetter
                    ? 0
                    : scalar.properties.generalCategory == .lowercaseLetter
                        ? 1 : scalar.properties.generalCategory == .decimalNumber ? 2 : 3
                UTF8Text.append(replacements[index] ?? scalar, to: &out)
            }
            return true
        }
    }
}
