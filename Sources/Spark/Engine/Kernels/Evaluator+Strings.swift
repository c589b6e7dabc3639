/// String kernels. A string is UTF-8; lengths and positions count code points, as Spark's do.
extension Evaluator {
    func string(
        _ op: ScalarOperator, _ columns: [Column], _ type: DataType, _ validity: Bitmap?, _ selection: Selection
    ) throws -> Column {
        let views = try columns.filter { $0.type.isBytes }.map { column -> (Buffer<ByteView>, Int) in
            guard case .bytes(let buffer) = column.values else { throw misfit(op, columns) }
            return (buffer, column.stride)
        }
        guard let (first, stride) = views.first else { throw misfit(op, columns) }
        let isBinary = columns[0].type == .binary
        func at(_ argument: Int, _ row: Int) -> ByteView { views[argument].0.pointer[row &* views[argument].1] }
        func flags(_ body: (Int) -> Bool) -> Column {
            let values = Buffer<Bool>(count: count)
            valid(validity, selection) { values.pointer[$0] = body($0) }
            return Column(.boolean, count: count, values: .boolean(values), validity: validity)
        }
        let owners = columns.flatMap { $0.owners }
        func texts(_ body: (Int, ByteArena) -> ByteView) -> Column {
            let arena = ByteArena()
            let values = Buffer<ByteView>(count: count)
            valid(validity, selection) { values.pointer[$0] = body($0, arena) }
            return Column(type, count: count, values: .bytes(values), validity: validity, owners: owners + [arena])
        }
        switch op {
        case .length, .octetLength:
            let values = map(first, stride, validity, selection) { view in
                Int32(truncatingIfNeeded: op == .length && !isBinary ? UTF8Text.count(view) : view.length)
            }
            return Column(.integer, count: count, values: .integer(values), validity: validity)
        case .upper: return texts { UTF8Text.cased(at(0, $0), upper: true, $1) }
        case .lower: return texts { UTF8Text.cased(at(0, $0), upper: false, $1) }
        case .trim: return texts { row, _ in UTF8Text.trimmed(at(0, row), leading: true, trailing: true) }
        case .trimLeft: return texts { row, _ in UTF8Text.trimmed(at(0, row), leading: true, trailing: false) }
        case .trimRight: return texts { row, _ in UTF8Text.trimmed(at(0, row), leading: false, trailing: true) }
        case .substring:
            guard case .integer(let starts) = columns[1].values, case .integer(let lengths) = columns[2].values else {
                throw misfit(op, columns)
            }
            return texts { row, _ in
                UTF8Text.substring(
                    at(0, row), start: Int(starts.pointer[row &* columns[1].stride]),
                    length: Int(lengths.pointer[row &* columns[2].stride]),
                    isBinary: isBinary)
            }
        case .concat:
            return texts { row, arena in
                let length = views.indices.reduce(0) { $0 + at($1, row).length }
                let target = arena.reserve(length)
                var used = 0
                for argument in views.indices {
                    let view = at(argument, row)
                    if let start = view.start { (target + used).update(from: start, count: view.length) }
                    used += view.length
                }
                return arena.keep(length)
            }
        case .replace: return texts { UTF8Text.replaced(at(0, $0), at(1, $0), with: at(2, $0), $1) }
        case .startsWith: return flags { UTF8Text.hasPrefix(at(0, $0), at(1, $0)) }
        case .endsWith: return flags { UTF8Text.hasSuffix(at(0, $0), at(1, $0)) }
        case .contains: return flags { UTF8Text.firstIndex(of: at(1, $0), in: at(0, $0), from: 0) != nil }
        case .like, .likeIgnoringCase:
            let lowered = ByteArena()
            return flags { row in
                let escape = at(2, row).bytes.first ?? 0x5C
                if op == .like { return LikePattern.matches(at(0, row).bytes, at(1, row).bytes, escape: escape) }
                return LikePattern.matches(
                    UTF8Text.cased(at(0, row), upper: false, lowered).bytes, UTF8Text.cased(at(1, row), upper: false, lowered).bytes,
                    escape: escape)
            }
        default: throw misfit(op, columns)
        }
    }

    @inline(__always) func valid(_ validity: Bitmap?, _ selection: Selection, _ body: (Int) -> Void) {
        guard let validity else { return selection.eachRow(body) }
        selection.eachRow { if validity[$0] { body($0) } }
    }

    /// Null arguments are left out; a null separator gives null.
    func concatWithSeparator(_ columns: [Column], _ selection: Selection) -> Column {
        guard case .bytes(let separators) = columns[0].values else { return Column.nulls(.string, count: count) }
        let arena = ByteArena()
        let values = Buffer<ByteView>(count: count)
        let parts = columns.dropFirst().compactMap { column -> (Column, Buffer<ByteView>)? in
            guard case .bytes(let views) = column.values else { return nil }
            return (column, views)
        }
        valid(columns[0].validity.flatMap { columns[0].stride == 1 ? $0 : nil }, selection) { row in
            let separator = separators.pointer[row &* columns[0].stride]
            var length = 0, pieces = 0
            for (column, views) in parts where !column.isNull(row) {
                length += views.pointer[row &* column.stride].length
                pieces += 1
            }
            length += max(0, pieces - 1) * separator.length
            let target = arena.reserve(length)
            var used = 0, isFirst = true
            for (column, views) in parts where !column.isNull(row) {
                if !isFirst, let start = separator.start {
                    (target + used).update(from: start, count: separator.length)
                    used += separator.length
                }
                isFirst = false
                let view = views.pointer[row &* column.stride]
                if let start = view.start { (target + used).update(from: start, count: view.length) }
                used += view.length
            }
            values.pointer[row] = arena.keep(length)
        }
        return Column(
            .string, count: count, values: .bytes(values), validity: columns[0].stride == 1 ? columns[0].validity : nil, owners: [arena])
    }
}

/// Operations on UTF-8 bytes.
enum UTF8Text {
    /// Code points: every byte but the continuation bytes begins one.
    static func count(_ view: ByteView) -> Int {
        var count = 0
        for byte in view.bytes where byte & 0xC0 != 0x80 { count += 1 }
        return count
    }

    static func cased(_ view: ByteView, upper: Bool, _ arena: ByteArena) -> ByteView {
        let target = arena.reserve(view.length)
        let low: UInt8 = upper ? 0x61 : 0x41
        for (index, byte) in view.bytes.enumerated() {
            guard byte < 0x80 else { return arena.copy(upper ? view.string.uppercased() : view.string.lowercased()) }
            target[index] = byte &- low < 26 ? byte ^ 0x20 : byte
        }
        return arena.keep(view.length)
    }

    static func trimmed(_ view: ByteView, leading: Bool, trailing: Bool) -> ByteView {
        var start = 0, end = view.length
        let bytes = view.bytes
        if leading { while start < end, bytes[start] == 0x20 { start += 1 } }
        if trailing { while end > start, bytes[end - 1] == 0x20 { end -= 1 } }
        return ByteView(start: view.start.map { $0 + start }, length: end - start)
    }

    /// Positions count from 1, from the end when negative; 0 is taken as 1.
    static func substring(_ view: ByteView, start: Int, length: Int, isBinary: Bool) -> ByteView {
        let total = isBinary ? view.length : count(view)
        let from = start > 0 ? start - 1 : start < 0 ? total + start : 0
        let (sum, overflow) = from.addingReportingOverflow(max(0, length))
        let end = min(total, overflow ? total : sum)
        let begin = max(0, from)
        guard begin < end else { return .empty }
        if isBinary || total == view.length { return ByteView(start: view.start.map { $0 + begin }, length: end - begin) }
        var index = 0, point = 0, byteStart = 0, byteEnd = view.length
        for byte in view.bytes {
            if byte & 0xC0 != 0x80 {
                if point == begin { byteStart = index }
                if point == end {
                    byteEnd = index
                    break
                }
                point += 1
            }
            index += 1
        }
        return ByteView(start: view.start.map { $0 + byteStart }, length: byteEnd - byteStart)
    }

    static func hasPrefix(_ view: ByteView, _ prefix: ByteView) -> Bool {
        prefix.length <= view.length && ByteView.areEqual(ByteView(start: view.start, length: prefix.length), prefix)
    }

    static func hasSuffix(_ view: ByteView, _ suffix: ByteView) -> Bool {
        suffix.length <= view.length
            && ByteView.areEqual(ByteView(start: view.start.map { $0 + view.length - suffix.length }, length: suffix.length), suffix)
    }

    static func firstIndex(of part: ByteView, in view: ByteView, from: Int) -> Int? {
        guard part.length > 0 else { return from }
        guard let start = view.start else { return nil }
        var index = from
        while index + part.length <= view.length {
            if ByteView.areEqual(ByteView(start: start + index, length: part.length), part) { return index }
            index += 1
        }
        return nil
    }

    static func replaced(_ view: ByteView, _ search: ByteView, with replacement: ByteView, _ arena: ByteArena) -> ByteView {
        guard search.length > 0, var found = firstIndex(of: search, in: view, from: 0) else { return view }
        var result: [UInt8] = []
        var done = 0
        while true {
            result.append(contentsOf: view.bytes[done..<found])
            result.append(contentsOf: replacement.bytes)
            done = found + search.length
            guard let next = firstIndex(of: search, in: view, from: done) else { break }
            found = next
        }
        result.append(contentsOf: view.bytes[done...])
        return result.withUnsafeBufferPointer { arena.copy($0) }
    }
}

/// SQL's LIKE: `%` any text, `_` one code point, an escape character before either takes it literally.
enum LikePattern {
    static func matches(_ text: UnsafeBufferPointer<UInt8>, _ pattern: UnsafeBufferPointer<UInt8>, escape: UInt8) -> Bool {
        // The usual two-pointer walk: on a mismatch, the last % takes one more byte.
        var t = 0, p = 0
        var star = -1, mark = 0
        while t < text.count {
            if p < pattern.count, pattern[p] == escape, p + 1 < pattern.count {
                if text[t] == pattern[p + 1] {
                    t += 1
                    p += 2
                    continue
                }
            } else if p < pattern.count, pattern[p] == 0x25 {
                star = p
                mark = t
                p += 1
                continue
            } else if p < pattern.count, pattern[p] == 0x5F {
                t += 1
                while t < text.count, text[t] & 0xC0 == 0x80 { t += 1 }
                p += 1
                continue
            } else if p < pattern.count, pattern[p] == text[t] {
                t += 1
                p += 1
                continue
            }
            guard star >= 0 else { return false }
            mark += 1
            while mark < text.count, text[mark] & 0xC0 == 0x80 { mark += 1 }
            t = mark
            p = star + 1
        }
        while p < pattern.count, pattern[p] == 0x25 { p += 1 }
        return p == pattern.count
    }
}
