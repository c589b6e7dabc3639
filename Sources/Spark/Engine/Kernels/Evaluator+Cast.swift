/// Casts in ANSI mode: what does not fit is an error (`CAST_INVALID_INPUT`, `CAST_OVERFLOW`), or null under `try_cast`.
///
/// https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html, "Cast".
extension Evaluator {
    func cast(_ column: Column, to type: DataType, isTry: Bool, _ selection: Selection) throws -> Column {
        if column.type == type { return column }
        if case .none = column.values { return Column.nulls(type, count: count) }
        switch (column.type, type) {
        // The bytes are the text: nothing moves.
        case (.binary, .string), (.string, .binary), (.yearMonthInterval, .yearMonthInterval), (.dayTimeInterval, .dayTimeInterval):
            return column.retyped(type)
        case (_, .string): return texts(of: column, selection)
        case (.string, _): return try parse(column, as: type, isTry: isTry, selection)
        case (.structure, .structure(let target)):
            guard case .structure(let children) = column.values else { return Column.nulls(type, count: count) }
            // A field is not looked at where its struct is null.
            let inner = column.validity == nil ? selection : selection.filter { !column.isNull($0) }
            let cast = try children.enumerated().map { index, child in
                try child.map { try self.cast($0, to: target.fields[index].dataType, isTry: isTry, inner) }
            }
            return Column(
                type, count: count, values: .structure(cast), validity: column.validity, stride: column.stride, owners: column.owners)
        case (.array, .array(let element, _)):
            guard case .array(let offsets, let elements) = column.values else { break }
            let cast = try over(elements.count).cast(elements, to: element, isTry: isTry, self.elements(of: column, selection))
            return Column(
                type, count: count, values: .array(offsets: offsets, cast), validity: column.validity, stride: column.stride,
                owners: column.owners)
        case (.map, .map(let key, let value, _)):
            guard case .map(let offsets, let keys, let values) = column.values else { break }
            let inner = self.elements(of: column, selection)
            let evaluator = over(keys.count)
            return Column(
                type, count: count,
                values: .map(
                    offsets: offsets, keys: try evaluator.cast(keys, to: key, isTry: isTry, inner),
                    values: try evaluator.cast(values, to: value, isTry: isTry, inner)),
                validity: column.validity, stride: column.stride, owners: column.owners)
        case (.timestamp, .timestampNTZ):
            guard case .long(let micros) = column.values else { break }
            if context.zone === ZoneRules.utc { return column.retyped(type) }
            return converted(column, type, .long(map(micros, column.stride, rowValidity(column), selection) { context.zone.local($0) }))
        case (.timestampNTZ, .timestamp):
            guard case .long(let micros) = column.values else { break }
            if context.zone === ZoneRules.utc { return column.retyped(type) }
            return converted(column, type, .long(map(micros, column.stride, rowValidity(column), selection) { context.zone.instant($0) }))
        case (.date, .timestamp), (.date, .timestampNTZ):
            guard case .integer(let days) = column.values else { break }
            let zone = type == .timestamp ? context.zone : .utc
            return converted(
                column, type,
                .long(map(days, column.stride, rowValidity(column), selection) { zone.instant(Int64($0) &* DateTimeText.microsPerDay) }))
        case (.timestamp, .date), (.timestampNTZ, .date):
            guard case .long(let micros) = column.values else { break }
            let zone = column.type == .timestamp ? context.zone : .utc
            return converted(
                column, type, .integer(map(micros, column.stride, rowValidity(column), selection) { DateTimeMath.days(zone.local($0)) }))
        case (.yearMonthInterval(let range), _):
            guard case .integer(let months) = column.values else { break }
            let unit = range.start == .year ? Int64(12) : 1
            return try integers(months, column, to: type, isTry, selection) { Int64($0) / unit }
        case (.dayTimeInterval(let range), _):
            guard case .long(let micros) = column.values else { break }
            let unit = DateTimeMath.micros(of: range.start)
            return try integers(micros, column, to: type, isTry, selection) { $0 / unit }
        default: break
        }
        return try numeric(column, to: type, isTry: isTry, selection)
    }

    /// An evaluator of as many rows as there are elements.
    func over(_ count: Int, variables: [Int: Column] = [:], columns: [Column?] = [], stageRows: Int? = nil) -> Evaluator {
        var evaluator = Evaluator(batch: ColumnBatch(count: count, columns: columns), context: context, stageRows: stageRows ?? count)
        evaluator.variables = variables
        return evaluator
    }

    /// The elements that the arrays or maps of the selected rows hold.
    func elements(of column: Column, _ selection: Selection) -> Selection {
        let list = ListReader(column)
        if column.stride == 0 {
            guard let first = selection.filter({ !column.isNull($0) }).first else { return .rows([]) }
            return .rows(list[first].map { Int32($0) })
        }
        var rows: [Int32] = []
        selection.eachRow { row in
            guard !column.isNull(row) else { return }
            let range = list[row]
            rows.append(contentsOf: Int32(range.lowerBound)..<Int32(range.upperBound))
        }
        return rows.count == list.elements.count ? .all(rows.count) : .rows(rows)
    }

    /// Validity by row: of a constant, nil when it is set (a null constant has no values and never comes here).
    private func rowValidity(_ column: Column) -> Bitmap? { column.stride == 1 ? column.validity : nil }

    private func converted(_ column: Column, _ type: DataType, _ values: Column.Values) -> Column {
        Column(type, count: count, values: values, validity: rowValidity(column))
    }

    // MARK: Numbers

    private func numeric(_ column: Column, to type: DataType, isTry: Bool, _ selection: Selection) throws -> Column {
        switch column.values {
        case .boolean(let x): return try integers(x, column, to: type, isTry, selection) { $0 ? 1 : 0 }
        case .byte(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .short(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .integer(let x): return try integers(x, column, to: type, isTry, selection) { Int64($0) }
        case .decimal(let x): return try decimals(x, column, to: type, isTry, selection)
        case .long(let x):
            if column.type == .timestamp {
                if type.isFractional { return try fractions(x, column, to: type, isTry, selection) { Double($0) / 1e6 } }
                return try integers(x, column, to: type, isTry, selection) { DateTimeMath.floor($0, DateTimeText.microsPerSecond) }
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
        case .decimal(let precision, let scale):
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    DecimalMath.rescaled(Int128(value($0)), from: 0, to: scale).flatMap { DecimalMath.fits($0, precision) ? $0 : nil }
                }
            ) { .decimal($0) }
        case .yearMonthInterval(let range):
            let unit: Int64 = range.start == .year ? 12 : 1
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    let (months, overflow) = value($0).multipliedReportingOverflow(by: unit)
                    return overflow ? nil : Int32(exactly: months)
                }
            ) { .integer($0) }
        case .dayTimeInterval(let range):
            let unit = DateTimeMath.micros(of: range.start)
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    let (micros, overflow) = value($0).multipliedReportingOverflow(by: unit)
                    return overflow ? nil : micros
                }
            ) { .long($0) }
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
        case .decimal(let precision, let scale):
            return try made(
                type, attempt(x, column, type, isTry, selection) { DecimalMath.of(value($0), precision: precision, scale: scale) }
            ) { .decimal($0) }
        case .timestamp:
            return try made(type, attempt(x, column, type, isTry, selection) { Int64(exactly: (value($0) * 1e6).rounded(.towardZero)) }) {
                .long($0)
            }
        default: throw misfit(.equal, [column])
        }
    }

    private func decimals(_ x: Buffer<Int128>, _ column: Column, to type: DataType, _ isTry: Bool, _ selection: Selection) throws -> Column
    {
        guard case .decimal(_, let scale) = column.type else { throw misfit(.equal, [column]) }
        let unit = DecimalMath.powers[scale]
        func narrow<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> (Buffer<T>, Bitmap?) {
            try attempt(x, column, type, isTry, selection) { T(exactly: $0 / unit) }
        }
        switch type {
        case .byte: return try made(type, narrow(Int8.self)) { .byte($0) }
        case .short: return try made(type, narrow(Int16.self)) { .short($0) }
        case .integer: return try made(type, narrow(Int32.self)) { .integer($0) }
        case .long: return try made(type, narrow(Int64.self)) { .long($0) }
        case .decimal(let precision, let target):
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    DecimalMath.rescaled($0, from: scale, to: target).flatMap { DecimalMath.fits($0, precision) ? $0 : nil }
                }
            ) { .decimal($0) }
        case .boolean: return converted(column, type, .boolean(map(x, column.stride, rowValidity(column), selection) { $0 != 0 }))
        case .timestamp:
            return try made(
                type,
                attempt(x, column, type, isTry, selection) {
                    DecimalMath.rescaled($0, from: scale, to: 6).flatMap { Int64(exactly: $0) }
                }
            ) { .long($0) }
        case .float:
            return converted(
                column, type, .float(map(x, column.stride, rowValidity(column), selection) { Float(DecimalMath.double($0, scale)) }))
        case .double:
            return converted(column, type, .double(map(x, column.stride, rowValidity(column), selection) { DecimalMath.double($0, scale) }))
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
                } else if case .decimal(let precision, let scale) = type {
                    throw DecimalMath.outOfRange(column.text(row) ?? "NULL", precision, scale)
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
        case (.long(let x), .timestamp):
            let zone = context.zone
            each(x) { arena.keep(DateTimeText.write(micros: zone.local($0), to: arena.reserve(48))) }
        case (.long(let x), .timestampNTZ): each(x) { arena.keep(DateTimeText.write(micros: $0, to: arena.reserve(48))) }
        case (.byte(let x), _): each(x) { decimal(Int64($0)) }
        case (.short(let x), _): each(x) { decimal(Int64($0)) }
        case (.integer(let x), .integer): each(x) { decimal(Int64($0)) }
        case (.long(let x), let type) where type == .long: each(x) { decimal($0) }
        default: valid(validity, selection) { values.pointer[$0] = arena.copy(column.text($0, zone: context.zone, isCast: true) ?? "") }
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
        case .timestamp:
            let zone = context.zone
            return try made(type, each { DateTimeText.moment($0).flatMap { TimestampText.instant($0, in: zone) } }) { .long($0) }
        case .timestampNTZ: return try made(type, each { DateTimeText.moment($0)?.micros }) { .long($0) }
        case .decimal(let precision, let scale):
            var isTooLarge = false
            do {
                return try made(
                    type,
                    each { bytes in
                        guard let parsed = DecimalMath.parse(bytes) else { return nil }
                        let value = DecimalMath.value(parsed, precision: precision, scale: scale)
                        isTooLarge = isTooLarge || value == nil
                        return value
                    }
                ) { .decimal($0) }
            } catch  where isTooLarge { throw DecimalMath.outOfRange("value", precision, scale) }
        case .yearMonthInterval(let range): return try made(type, each { IntervalParser.yearMonth($0, range) }) { .integer($0) }
        case .dayTimeInterval(let range): return try made(type, each { IntervalParser.dayTime($0, range) }) { .long($0) }
        case .calendarInterval: return try made(type, each { IntervalParser.calendar($0) }) { .interval($0) }
        default: throw misfit(.equal, [column])
        }
    }
}
