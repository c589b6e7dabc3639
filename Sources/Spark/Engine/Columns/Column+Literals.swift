/// Columns from constants, and values of rows as constants and as text.
extension Column {
    static func constant(_ literal: Literal, type: DataType, count: Int) -> Column {
        func one<T: BitwiseCopyable>(_ value: T) -> Buffer<T> { Buffer([value]) }
        switch literal {
        case .null: return nulls(type, count: count)
        case .boolean(let value): return Column(type, count: count, values: .boolean(one(value)), stride: 0)
        case .byte(let value): return Column(type, count: count, values: .byte(one(value)), stride: 0)
        case .short(let value): return Column(type, count: count, values: .short(one(value)), stride: 0)
        case .integer(let value), .date(let value), .yearMonthInterval(let value, _):
            return Column(type, count: count, values: .integer(one(value)), stride: 0)
        case .long(let value), .timestamp(let value), .timestampNTZ(let value), .dayTimeInterval(let value, _):
            return Column(type, count: count, values: .long(one(value)), stride: 0)
        case .decimal(let unscaled, _, _): return Column(type, count: count, values: .decimal(one(unscaled)), stride: 0)
        case .calendarInterval(let months, let days, let micros):
            return Column(
                type, count: count, values: .interval(one(CalendarInterval(months: months, days: days, micros: micros))), stride: 0)
        case .float(let value): return Column(type, count: count, values: .float(one(value)), stride: 0)
        case .double(let value): return Column(type, count: count, values: .double(one(value)), stride: 0)
        case .string(let text):
            let arena = ByteArena()
            return Column(type, count: count, values: .bytes(one(arena.copy(text))), stride: 0, owners: [arena])
        case .binary(let bytes):
            let arena = ByteArena()
            return Column(
                type, count: count, values: .bytes(one(bytes.withUnsafeBufferPointer { arena.copy($0) })), stride: 0, owners: [arena])
        case .array, .map, .structure:
            let builder = ColumnBuilder(type)
            builder.append(literal)
            return builder.finish().repeated(count)
        }
    }

    /// One row's value for every row.
    func repeated(_ count: Int, row: Int = 0) -> Column {
        if isNull(row) { return Column.nulls(type, count: count) }
        if case .structure(let children) = values {
            // Children are addressed by the row itself, so each is a constant of its own.
            return Column(type, count: count, values: .structure(children.map { $0?.repeated(count, row: row * stride) }), owners: owners)
        }
        guard row == 0 || stride == 0 else { return gathered([Int32(row)]).repeated(count) }
        return Column(type, count: count, values: values, stride: 0, owners: owners)
    }

    /// The value of one row, for cold paths: results to show, tests, dead letters.
    func literal(_ row: Int) -> Literal {
        if isNull(row) { return .null }
        let index = row * stride
        switch values {
        case .none: return .null
        case .boolean(let buffer): return .boolean(buffer[index])
        case .byte(let buffer): return .byte(buffer[index])
        case .short(let buffer): return .short(buffer[index])
        case .integer(let buffer):
            switch type {
            case .date: return .date(buffer[index])
            case .yearMonthInterval(let range): return .yearMonthInterval(buffer[index], range)
            default: return .integer(buffer[index])
            }
        case .long(let buffer):
            switch type {
            case .timestamp: return .timestamp(buffer[index])
            case .timestampNTZ: return .timestampNTZ(buffer[index])
            case .dayTimeInterval(let range): return .dayTimeInterval(buffer[index], range)
            default: return .long(buffer[index])
            }
        case .decimal(let buffer):
            guard case .decimal(let precision, let scale) = type else { return .null }
            return .decimal(unscaled: buffer[index], precision: precision, scale: scale)
        case .interval(let buffer):
            let value = buffer[index]
            return .calendarInterval(months: value.months, days: value.days, micros: value.micros)
        case .float(let buffer): return .float(buffer[index])
        case .double(let buffer): return .double(buffer[index])
        case .bytes(let buffer): return type == .binary ? .binary(Array(buffer[index].bytes)) : .string(buffer[index].string)
        case .structure(let children):
            guard case .structure(let type) = type else { return .null }
            return .structure(children.map { $0?.literal(index) ?? .null }, type)
        case .array(let offsets, let elements):
            guard case .array(let element, _) = type else { return .null }
            return .array((Int(offsets[index])..<Int(offsets[index + 1])).map { elements.literal($0) }, element: element)
        case .map(let offsets, let keys, let values):
            guard case .map(let key, let value, _) = type else { return .null }
            let range = Int(offsets[index])..<Int(offsets[index + 1])
            return .map(keys: range.map { keys.literal($0) }, values: range.map { values.literal($0) }, key: key, value: value)
        }
    }

    /// A row as `show()` prints it in a time zone, nil for null; binary as `[61 62]`; or what `CAST(… AS STRING)` gives, which
    /// writes nulls inside nested values small and takes binary for text.
    func text(_ row: Int, zone: ZoneRules = .utc, isCast: Bool = false) -> String? {
        if isNull(row) { return nil }
        let nulls = isCast ? "null" : "NULL"
        let index = row * stride
        switch values {
        case .structure(let children):
            return "{" + children.map { $0?.text(index, zone: zone, isCast: isCast) ?? nulls }.joined(separator: ", ") + "}"
        case .array(let offsets, let elements):
            let range = Int(offsets[index])..<Int(offsets[index + 1])
            return "[" + range.map { elements.text($0, zone: zone, isCast: isCast) ?? nulls }.joined(separator: ", ") + "]"
        case .map(let offsets, let keys, let values):
            let range = Int(offsets[index])..<Int(offsets[index + 1])
            return "{"
                + range.map {
                    "\(keys.text($0, zone: zone, isCast: isCast) ?? nulls) -> \(values.text($0, zone: zone, isCast: isCast) ?? nulls)"
                }.joined(separator: ", ")
                + "}"
        case .bytes(let buffer) where type == .binary && !isCast:
            return "["
                + buffer[index].bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
                + "]"
        case .float(let buffer): return NumberText.text(buffer[index])
        case .double(let buffer): return NumberText.text(buffer[index])
        default:
            switch literal(row) {
            case .string(let text): return text
            case .binary(let bytes): return String(decoding: bytes, as: UTF8.self)
            case .date(let days): return DateTimeText.text(days: days)
            case .timestamp(let micros): return DateTimeText.text(micros: zone.local(micros))
            case .timestampNTZ(let micros): return DateTimeText.text(micros: micros)
            case .yearMonthInterval(let months, let range): return IntervalText.sql(months: months, range: range)
            case .dayTimeInterval(let micros, let range): return IntervalText.sql(micros: micros, range: range)
            case .calendarInterval(let months, let days, let micros):
                return IntervalText.words(months: months, days: days, micros: micros)
            case let other: return other.prettySQL
            }
        }
    }
}
