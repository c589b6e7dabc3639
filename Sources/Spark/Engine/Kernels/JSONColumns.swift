/// `from_json` of any type: what the batch's scan does not read goes here, text by text into builders of the columns.
///
/// PERMISSIVE as in Spark 4: of a malformed text all fields are null, and the column for corrupt records, where the schema has one, holds
/// the text; a field of another type is null and makes the record corrupt, its other fields stay. FAILFAST raises.
struct JSONColumns {
    private let type: DataType
    private let corrupt: Int?
    private let zone: ZoneRules
    private var isBad = false
    private var scratch: [UInt8] = []

    static func read(_ call: KernelCall) throws -> Column {
        let (text, isFailFast, corrupt) = (call.text(0), call.bool(1)[0], call.constantText(2) ?? "")
        let builder = ColumnBuilder(call.type)
        var reader = JSONColumns(call.type, corrupt: corrupt, call.zone)
        try Kernels.eachPadded(call, builder) { row in
            let view = text[row]
            let isRead = reader.record(view.bytes, builder)
            if isRead { return }
            if isFailFast {
                throw SparkError(
                    "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023",
                    "Malformed records are detected in record parsing: \(view.string.prefix(200)). Parse Mode: FAILFAST. To process malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'."
                )
            }
            call.context.problems.note(row, "not JSON of the type \(call.type.sql)")
        }
        return builder.finish()
    }

    private init(_ type: DataType, corrupt: String, _ zone: ZoneRules) {
        self.type = type
        self.zone = zone
        if case .structure(let structure) = type {
            self.corrupt = structure.fields.firstIndex { $0.name == corrupt }
        } else {
            self.corrupt = nil
        }
    }

    /// One text. False: the record is bad, in whole or in part.
    private mutating func record(_ bytes: UnsafeBufferPointer<UInt8>, _ builder: ColumnBuilder) -> Bool {
        isBad = false
        var cursor = JSONCursor(bytes)
        let kind = cursor.kind()
        if kind == nil, cursor.isAtEnd {
            builder.appendNull()
            return true
        }
        guard case .structure(let structure) = type else {
            // A lone object is an array of one struct.
            if case .array(let element, _) = type, case .structure = element, kind == .object {
                if value(&cursor, element, builder.children[0]) {
                    builder.closeNested()
                } else {
                    builder.abandonNested()
                    builder.appendNull()
                    return false
                }
                return !isBad
            }
            let before = builder.count
            guard value(&cursor, type, builder) else {
                builder.abandonNested()
                if builder.count > before { builder.truncate(to: before) }
                builder.appendNull()
                return false
            }
            return !isBad
        }
        let isWhole: Bool
        if kind == .object {
            let before = builder.count
            isWhole = fields(&cursor, structure, builder)
            if !isWhole {
                // Of a text that ends in a syntax error nothing is kept.
                for (index, child) in builder.children.enumerated() where index != corrupt {
                    child.truncate(to: before)
                    child.appendNull()
                }
            }
        } else {
            isWhole = false
            for (index, child) in builder.children.enumerated() where index != corrupt { child.appendNull() }
        }
        let isGood = isWhole && !isBad
        if let corrupt {
            if isGood { builder.children[corrupt].appendNull() } else { builder.children[corrupt].append(bytes: bytes) }
        }
        builder.closeNested()
        return isGood
    }

    /// Fills every child of a struct once; those that the text lacks are null. False where the text is malformed.
    private mutating func fields(_ cursor: inout JSONCursor, _ type: StructType, _ builder: ColumnBuilder) -> Bool {
        let before = builder.count
        let isTop = builder.type == self.type
        var state = self
        let isWhole = cursor.members { cursor, name in
            guard let index = type.fields.firstIndex(where: { $0.name.utf8.elementsEqual(name) }), !(isTop && index == state.corrupt) else {
                return cursor.skip()
            }
            let child = builder.children[index]
            // The last of equal names counts.
            child.truncate(to: before)
            return state.value(&cursor, type.fields[index].dataType, child)
        }
        self = state
        for (index, child) in builder.children.enumerated() where child.count == before && !(isTop && index == corrupt) {
            child.appendNull()
        }
        return isWhole
    }

    /// Appends one value, null where its type does not fit. False where the text is malformed, with nothing appended.
    private mutating func value(_ cursor: inout JSONCursor, _ type: DataType, _ builder: ColumnBuilder) -> Bool {
        guard let kind = cursor.kind() else { return false }
        if kind == .null {
            guard cursor.null() else { return false }
            builder.appendNull()
            return true
        }
        switch (type, kind) {
        case (.structure(let structure), .object):
            let before = builder.count
            guard fields(&cursor, structure, builder) else {
                for child in builder.children { child.truncate(to: before) }
                return false
            }
            builder.closeNested()
            return true
        case (.array(let element, _), .array):
            var state = self
            let isWhole = cursor.elements { cursor, _ in state.value(&cursor, element, builder.children[0]) }
            self = state
            guard isWhole else {
                builder.abandonNested()
                return false
            }
            builder.closeNested()
            return true
        case (.map(let key, let value, _), .object):
            var state = self
            let isWhole = cursor.members { cursor, name in
                guard state.value(&cursor, value, builder.children[1]) else { return false }
                name.withUnsafeBufferPointer { name in
                    if !state.text(name, key, builder.children[0]) { builder.children[0].append(bytes: name) }
                }
                return true
            }
            self = state
            guard isWhole else {
                builder.abandonNested()
                return false
            }
            builder.closeNested()
            return true
        case (.string, .string):
            scratch.removeAll(keepingCapacity: true)
            guard cursor.string(to: &scratch) else { return false }
            scratch.withUnsafeBufferPointer { builder.append(bytes: $0) }
            return true
        case (.string, _):
            scratch.removeAll(keepingCapacity: true)
            guard cursor.copy(to: &scratch) else { return false }
            scratch.withUnsafeBufferPointer { builder.append(bytes: $0) }
            return true
        case (.boolean, .boolean):
            guard let value = cursor.boolean() else { return false }
            builder.append(value: value)
            return true
        case (_, .number):
            guard let (bytes, isWhole) = cursor.number() else { return false }
            if !number(bytes, isWhole, type, builder) { refuse(builder) }
            return true
        case (_, .string):
            scratch.removeAll(keepingCapacity: true)
            guard cursor.string(to: &scratch) else { return false }
            let isRead = scratch.withUnsafeBufferPointer { text($0, type, builder) }
            if !isRead { refuse(builder) }
            return true
        default:
            guard cursor.skip() else { return false }
            refuse(builder)
            return true
        }
    }

    private mutating func refuse(_ builder: ColumnBuilder) {
        isBad = true
        builder.appendNull()
    }

    private func number(_ bytes: UnsafeBufferPointer<UInt8>, _ isWhole: Bool, _ type: DataType, _ builder: ColumnBuilder) -> Bool {
        func whole<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> Bool {
            guard isWhole, let value = TextNumbers.integer(bytes).flatMap({ T(exactly: $0) }) else { return false }
            builder.append(value: value)
            return true
        }
        switch type {
        case .byte: return whole(Int8.self)
        case .short: return whole(Int16.self)
        case .integer: return whole(Int32.self)
        case .long: return whole(Int64.self)
        case .float:
            guard let value = TextNumbers.double(bytes) else { return false }
            builder.append(value: Float(value))
        case .double:
            guard let value = TextNumbers.double(bytes) else { return false }
            builder.append(value: value)
        case .decimal(let precision, let scale):
            guard let value = DecimalMath.parse(bytes).flatMap({ DecimalMath.value($0, precision: precision, scale: scale) }) else {
                return false
            }
            builder.append(value: value)
        case .timestamp:
            // A number is seconds.
            guard isWhole, let seconds = TextNumbers.integer(bytes) else { return false }
            builder.append(value: seconds &* 1_000_000)
        default: return false
        }
        return true
    }

    private func text(_ bytes: UnsafeBufferPointer<UInt8>, _ type: DataType, _ builder: ColumnBuilder) -> Bool {
        func special() -> Double? {
            switch String(decoding: bytes, as: UTF8.self) {
            case "NaN": .nan
            case "+INF", "+Infinity", "Infinity", "INF": .infinity
            case "-INF", "-Infinity": -.infinity
            default: nil
            }
        }
        switch type {
        case .string: builder.append(bytes: bytes)
        case .float:
            guard let value = special() else { return false }
            builder.append(value: Float(value))
        case .double:
            guard let value = special() else { return false }
            builder.append(value: value)
        case .date:
            guard let days = DateTimeText.date(bytes) else { return false }
            builder.append(value: days)
        case .timestamp:
            guard let micros = DateTimeText.moment(bytes).flatMap({ TimestampText.instant($0, in: zone) }) else { return false }
            builder.append(value: micros)
        case .timestampNTZ:
            guard let moment = DateTimeText.moment(bytes) else { return false }
            builder.append(value: moment.micros)
        case .decimal(let precision, let scale):
            guard let value = DecimalMath.parse(bytes).flatMap({ DecimalMath.value($0, precision: precision, scale: scale) }) else {
                return false
            }
            builder.append(value: value)
        case .binary:
            var out: [UInt8] = []
            guard Kernels.base64(bytes, to: &out) else { return false }
            out.withUnsafeBufferPointer { builder.append(bytes: $0) }
        case .yearMonthInterval(let range):
            guard let months = IntervalParser.yearMonth(bytes, range) else { return false }
            builder.append(value: months)
        case .dayTimeInterval(let range):
            guard let micros = IntervalParser.dayTime(bytes, range) else { return false }
            builder.append(value: micros)
        case .calendarInterval:
            guard let value = IntervalParser.calendar(bytes) else { return false }
            builder.append(value: value)
        default: return false
        }
        return true
    }
}
