/// Casts in ANSI mode: what does not fit is an error (`CAST_INVALID_INPUT`, `CAST_OVERFLOW`), or null under `try_cast`.
///
/// https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html, "Cast".
extension Evaluator {
    func cast(_ column: Column, to type: DataType, isTry: Bool, _ selection: Selection) throws -> Column {
        if column.type == type { return column }
        if case .none = column.values { return Column.nulls(type, count: count) }
        switch (column.type, type) {
        // The bytes are the text: nothing moves.
        case (.binary, .string), (.string, .binary), (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp): return column.retyped(type)
        case (_, .string): return texts(of: column, selection)
        case (.string, _): return try parse(column, as: type, isTry: isTry, selection)
        case (.structure, .structure(let target)):
            guard case .structure(let children) = column.values else { return Column.nulls(type, count: count) }
            let cast = try children.enumerated().map { index, child in
                try child.map { try self.cast($0, to: target.fields[index].dataType, isTry: isTry, selection) }
            }
            return Column(
                type, count: count, values: .structure(cast), validity: column.validity, stride: column.stride, owners: column.owners)
        case (.date, .timestamp), (.date, .timestampNTZ):
            guard case .integer(let days) = column.values else { break }
            return converted(
                column, type, .long(map(days, column.stride, rowValidity(column), selection) { Int64($0) &* DateTimeText.microsPerDay }))
        case (.timestamp, .date), (.timestampNTZ, .date):
            guard case .long(let micros) = column.values else { break }
            return converted(
                column, type,
                .integer(
                    map(micros, column.stride, rowValidity(column), selection) {
                        Int32(truncatingIfNeeded: Self.floor($0, DateTimeText.microsPerDay))
                    }))
        default: break
        }
        return try numeric(column, to: type, isTry: isTry, selection)
    }

    /// Validity by row: of a constant, nil when it is set (a null constant has no values and never comes here).
    private func rowValidity(_ column: Column) -> Bitmap? { column.stride == 1 ? column.validity : nil }

    private func converted(_ column: Column, _ type: DataType, _ values: Column.Values) -> Column {
        Column(type, count: count, values: values, validity: rowValidity(column))
    }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    // MARK: Numbers

    private func numeric(_ column: Column, to type: DataType, isTry: Bool, _ selection: Selection) throws -> Column {
        switch column.values {
        case .boolean(let x): return try integers(x, column, to: type, isTry, selection) { $0 ? 1 : 0 }
        case .byte(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .short(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .integer(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .long(let x):
            if case .decimal(_, let scale) = column.type {
                var unit = 1.0
                for _ in 0..<scale { unit *= 10 }
                return try fractions(x, column, to: type, isTry, selection) { Double($0) / unit }
            }
            if column.type == .timestamp {
                if type.isFractional { return try fractions(x, column, to: type, isTry, selection) { Double($0) / 1e6 } }
                return try integers(x, column, to: type, isTry, selection) { Self.floor($0, DateTimeText.microsPerSecond) }
            }
            return try integers(x, column, to: type, isTry, selection) { $0 }
        case .float(let x): return try fractions(x, column, to: type, isTry, selection) { Double($0) }
        case .double(let x): return try fractions(x, column, to: type, isTry, selection) { $0 }
        default: throw misfit(.equal, [column])
        }
    }

    private func integers<A>(
        _ x: Buffer<A>, _ column: Column, to type: DataType, _ isTry: Bool, _ selection: Selection, _ value: (A) -> Int64
    ) throws -> Column {
        func narrow<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> (Buffer<T>, Bitmap?) {
            try attempt(x, column, type, isTry, selection) { T(exactly: value($0)) }
        }
        switch type {
        case .byte: return try made(type, narrow(Int8.self)) { .byte($0) }
        case .short: return try made(type, narrow(Int16.self)) { .short($0) }
        case .integer: return try made(type, narrow(Int32.self)) { .integer($0) }
        case .long: return try made(type, narrow(Int64.self)) { .long($0) }
        case .float: return converted(column, type, .float(map(x, column.stride, rowValidity(column), selection) { Float(value($0)) }))
        case .double: return converted(column, type, .double(map(x, column.stride, rowValidity(column), selection) { Double(value($0)) }))
        case .boolean: return converted(column, type, .boolean(map(x, column.stride, rowValidity(column), selection) { value($0) != 0 }))
        case .timestamp:
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    let (micros, overflow) = value($0).multipliedReportingOverflow(by: DateTimeText.microsPerSecond)
                    return overflow ? nil : micros
                }
            ) { .long($0) }
        default: throw misfit(.equal, [column])
        }
    }

    private func fractions<A>(
        _ x: Buffer<A>, _ column: Column, to type: DataType, _ isTry: Bool, _ selection: Selection, _ value: (A) -> Double
    ) throws -> Column {
        func narrow<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> (Buffer<T>, Bitmap?) {
            try attempt(x, column, type, isTry, selection) { T(exactly: value($0).rounded(.towardZero)) }
        }
        switch type {
        case .byte: return try made(type, narrow(Int8.self)) { .byte($0) }
        case .short: return try made(type, narrow(Int16.self)) { .short($0) }
        case .integer: return try made(type, narrow(Int32.self)) { .integer($0) }
        case .long: return try made(type, narrow(Int64.self)) { .long($0) }
        case .float: return converted(column, type, .float(map(x, column.stride, rowValidity(column), selection) { Float(value($0)) }))
        case .double: return converted(column, type, .double(map(x, column.stride, rowValidity(column), selection) { value($0) }))
        case .boolean: return converted(column, type, .boolean(map(x, column.stride, rowValidity(column), selection) { value($0) != 0 }))
        case .timestamp:
            return try made(type, attempt(x, column, type, isTry, selection) { Int64(exactly: (value($0) * 1e6).rounded(.towardZero)) }) {
                .long($0)
            }
        default: throw misfit(.equal, [column])
        }
    }

    private func made<T>(_ type: DataType, _ result: (Buffer<T>, Bitmap?), _ values: (Buffer<T>) -> Column.Values) -> Column {
        Column(type, count: count, values: values(result.0), validity: result.1)
    }

    /// Converts every set row; what does not convert is null under `try_cast`, else an overflow.
    private func attempt<A, R>(
        _ x: Buffer<A>, _ column: Column, _ type: DataType, _ isTry: Bool, _ selection: Selection, _ convert: (A) -> R?
    ) throws -> (Buffer<R>, Bitmap?) {
        let result = Buffer<R>(count: count)
        var validity = rowValidity(column)
        var isOwned = false
        try selection.eachRow { row in
            if validity == nil || validity![row] {
                if let value = convert(x.pointer[row &* column.stride]) {
                    result.pointer[row] = value
                } else if isTry {
                    clear(row, &validity, &isOwned)
                } else {
                    throw SparkError(
                        "CAST_OVERFLOW", sqlState: "22003",
                        "The value \(column.text(row) ?? "NULL") of the type \"\(column.type.sql)\" cannot be cast to \"\(type.sql)\" due to an overflow. Use `try_cast` to tolerate overflow and return NULL instead."
                    )
                }
            }
        }
        return (result, validity)
    }

    /// Makes a row null in a copy of the bits.
    private func clear(_ row: Int, _ validity: inout Bitmap?, _ isOwned: inout Bool) {
        if !isOwned {
            let own = Bitmap(count: count)
            if let validity {
                for word in 0..<own.words.count { own.words[word] = validity.words[word] }
            } else {
                own.setAll()
            }
            validity = own
            isOwned = true
        }
        validity?[row] = false
    }

    // MARK: Text

    private func texts(of column: Column, _ selection: Selection) -> Column {
        let arena = ByteArena()
        let values = Buffer<ByteView>(count: count)
        let validity = rowValidity(column)
        func decimal(_ value: Int64) -> ByteView {
            let target = arena.reserve(24)
            return arena.keep(Self.write(value, to: target))
        }
        func each<T>(_ x: Buffer<T>, _ body: (T) -> ByteView) {
            valid(validity, selection) { values.pointer[$0] = body(x.pointer[$0 &* column.stride]) }
        }
        switch (column.values, column.type) {
        case (.integer(let x), .date): each(x) { arena.keep(DateTimeText.write(days: Int($0), to: arena.reserve(32))) }
        case (.long(let x), .timestamp), (.long(let x), .timestampNTZ):
            each(x) { arena.keep(DateTimeText.write(micros: $0, to: arena.reserve(48))) }
        case (.byte(let x), _): each(x) { decimal(Int64($0)) }
        case (.short(let x), _): each(x) { decimal(Int64($0)) }
        case (.integer(let x), _): each(x) { decimal(Int64($0)) }
        case (.long(let x), let type) where type == .long: each(x) { decimal($0) }
        default: valid(validity, selection) { values.pointer[$0] = arena.copy(column.text($0) ?? "") }
        }
        return Column(.string, count: count, values: .bytes(values), validity: validity, owners: [arena])
    }

    /// Writes a whole number in decimal digits and returns their count; at most 20.
    static func write(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var magnitude = value.magnitude
        var digits = 1
        var bound: UInt64 = 10
        while magnitude >= bound {
            digits += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        let start = value < 0 ? 1 : 0
        if value < 0 { target[0] = 0x2D }
        for index in stride(from: start + digits - 1, through: start, by: -1) {
            target[index] = UInt8(0x30 + magnitude % 10)
            magnitude /= 10
        }
        return start + digits
    }

    private func parse(_ column: Column, as type: DataType, isTry: Bool, _ selection: Selection) throws -> Column {
        guard case .bytes(let views) = column.values else { throw misfit(.equal, [column]) }
        func each<R: BitwiseCopyable>(_ convert: (UnsafeBufferPointer<UInt8>) -> R?) throws -> (Buffer<R>, Bitmap?) {
            let result = Buffer<R>(count: count)
            var validity = rowValidity(column)
            var isOwned = false
            try selection.eachRow { row in
                if validity == nil || validity![row] {
                    let view = views.pointer[row &* column.stride]
                    if let value = convert(view.bytes) {
                        result.pointer[row] = value
                    } else if isTry {
                        clear(row, &validity, &isOwned)
                    } else {
                        throw SparkError(
                            "CAST_INVALID_INPUT", sqlState: "22018",
                            "The value '\(view.string)' of the type \"STRING\" cannot be cast to \"\(type.sql)\" because it is malformed. Correct the value as per the syntax, or change its target type. Use `try_cast` to tolerate malformed input and return NULL instead."
                        )
                    }
                }
            }
            return (result, validity)
        }
        switch type {
        case .byte: return try made(type, each { TextNumbers.integer($0).flatMap { Int8(exactly: $0) } }) { .byte($0) }
        case .short: return try made(type, each { TextNumbers.integer($0).flatMap { Int16(exactly: $0) } }) { .short($0) }
        case .integer: return try made(type, each { TextNumbers.integer($0).flatMap { Int32(exactly: $0) } }) { .integer($0) }
        case .long: return try made(type, each(TextNumbers.integer)) { .long($0) }
        case .float: return try made(type, each { TextNumbers.double($0).map { Float($0) } }) { .float($0) }
        case .double: return try made(type, each(TextNumbers.double)) { .double($0) }
        case .boolean: return try made(type, each(TextNumbers.boolean)) { .boolean($0) }
        case .date: return try made(type, each { DateTimeText.date($0) }) { .integer($0) }
        case .timestamp, .timestampNTZ: return try made(type, each { DateTimeText.timestamp($0) }) { .long($0) }
        default: throw misfit(.equal, [column])
        }
    }
}

/// Numbers and truth values from text as Spark's casts read them: surrounding space goes, all else must belong to the value.
enum TextNumbers {
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0, end = bytes.count
        while start < end, bytes[start] <= 0x20 { start += 1 }
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        let bytes = trimmed(bytes)
        var index = 0
        let isNegative = bytes.first == 0x2D
        if isNegative || bytes.first == 0x2B { index = 1 }
        guard index < bytes.count else { return nil }
        var value: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = scaled.subtractingReportingOverflow(Int64(digit))
            if tooLarge || overflow { return nil }
            value = sum
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    static func double(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        let bytes = trimmed(bytes)
        guard let first = bytes.first, bytes.count <= 400 else { return nil }
        var text = String(decoding: bytes, as: UTF8.self)
        if first & 0xDF >= 0x41 || bytes.count > 1 && (first == 0x2B || first == 0x2D) && bytes[1] & 0xDF >= 0x41 {
            switch text.lowercased() {
            case "nan": return .nan
            case "inf", "+inf", "infinity", "+infinity": return .infinity
            case "-inf", "-infinity": return -.infinity
            default: return nil
            }
        }
        // Java takes a type suffix.
        if let last = text.last, "dDfF".contains(last) { text.removeLast() }
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }) else { return nil }
        if text.hasSuffix(".") { text += "0" }
        return Double(text)
    }

    static func boolean(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
        switch String(decoding: trimmed(bytes), as: UTF8.self).lowercased() {
        case "t", "true", "y", "yes", "1": true
        case "f", "false", "n", "no", "0": false
        default: nil
        }
    }
}
