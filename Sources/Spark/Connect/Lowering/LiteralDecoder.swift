internal import NIOCore

/// `Expression.Literal` (`expressions.proto`). Composite literals carry their type in `data_type` (100), or in older clients beside their
/// elements; both are read.
enum LiteralDecoder {
    /// A literal where an expression may stand: a null keeps its type by a cast.
    static func expression(_ message: ProtobufReader) throws -> Expression {
        let (literal, type) = try decode(message)
        if literal == .null, let type, type != .null { return .cast(.literal(.null), to: type, isTry: false) }
        return .literal(literal)
    }

    static func literal(_ message: ProtobufReader) throws -> Literal { try decode(message).literal }

    private static let refused: [Int: String] = [26: "time", 29: "timestamp_ntz_nanos", 30: "timestamp_ltz_nanos"]

    /// The literal, and a null's type.
    private static func decode(_ message: ProtobufReader) throws -> (literal: Literal, type: DataType?) {
        var message = message
        var kind = 0
        var value: Literal?
        var composite: ProtobufReader?
        var type: DataType?
        while let number = try message.next() {
            switch number {
            case 1:
                kind = 1
                type = try DataType(wire: message.message())
                value = .null
            case 22, 23, 24, 25:
                kind = number
                composite = try message.message()
            case 100: type = try DataType(wire: message.message())
            case 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21:
                kind = number
                value = try scalar(number, &message)
            default:
                if let name = refused[number] { throw ConnectError.notServed("a literal of type \(name)") }
            }
        }
        if let composite {
            switch kind {
            case 22: return (try array(composite, type), nil)
            case 23: return (try map(composite, type), nil)
            case 24: return (try structure(composite, type), nil)
            default: return (try specialized(composite, type), nil)
            }
        }
        switch (value, type) {
        case (.yearMonthInterval(let months, _)?, .yearMonthInterval(let range)?): value = .yearMonthInterval(months, range)
        case (.dayTimeInterval(let micros, _)?, .dayTimeInterval(let range)?): value = .dayTimeInterval(micros, range)
        default: break
        }
        guard let value else { throw ConnectError.invalidPlan("A literal has no value.") }
        return (value, type)
    }

    private static func scalar(_ number: Int, _ message: inout ProtobufReader) throws -> Literal {
        switch number {
        case 2: return .binary(Array(try message.bytes().readableBytesView))
        case 3: return .boolean(try message.bool())
        case 4: return .byte(Int8(truncatingIfNeeded: try message.int32()))
        case 5: return .short(Int16(truncatingIfNeeded: try message.int32()))
        case 6: return .integer(try message.int32())
        case 7: return .long(try message.int64())
        case 10: return .float(try message.float())
        case 11: return .double(try message.double())
        case 12: return try decimal(message.message())
        case 13: return .string(try message.string())
        case 16: return .date(try message.int32())
        case 17: return .timestamp(try message.int64())
        case 18: return .timestampNTZ(try message.int64())
        case 19: return try calendarInterval(message.message())
        case 20: return .yearMonthInterval(try message.int32())
        default: return .dayTimeInterval(try message.int64())
        }
    }

    private static func decimal(_ message: ProtobufReader) throws -> Literal {
        var message = message
        var text = ""
        var precision: Int32?, scale: Int32?
        while let number = try message.next() {
            switch number {
            case 1: text = try message.string()
            case 2: precision = try message.int32()
            case 3: scale = try message.int32()
            default: break
            }
        }
        guard let value = DecimalText(text) else { throw ConnectError.invalidPlan("'\(text)' is no decimal.") }
        let wantedScale = scale.map(Int.init) ?? value.scale
        guard (0...38).contains(wantedScale), let unscaled = value.rescaled(to: wantedScale) else {
            throw ConnectError.invalidPlan("The decimal '\(text)' does not fit the scale \(wantedScale).")
        }
        let digits = String(unscaled.magnitude).count
        let wanted = precision.map(Int.init) ?? max(digits, wantedScale)
        guard (1...38).contains(wanted), digits <= wanted else {
            throw ConnectError.invalidPlan("The decimal '\(text)' has more digits than its precision \(wanted).")
        }
        return .decimal(unscaled: unscaled, precision: wanted, scale: wantedScale)
    }

    private static func calendarInterval(_ message: ProtobufReader) throws -> Literal {
        var message = message
        var months: Int32 = 0, days: Int32 = 0
        var micros: Int64 = 0
        while let number = try message.next() {
            switch number {
            case 1: months = try message.int32()
            case 2: days = try message.int32()
            case 3: micros = try message.int64()
            default: break
            }
        }
        return .calendarInterval(months: months, days: days, micros: micros)
    }

    private static func array(_ message: ProtobufReader, _ type: DataType?) throws -> Literal {
        var message = message
        var element: DataType?
        var elements: [Literal] = []
        while let number = try message.next() {
            switch number {
            case 1: element = try DataType(wire: message.message())
            case 2: elements.append(try literal(message.message()))
            default: break
            }
        }
        if case .array(let known, _)? = type { element = known }
        return .array(elements, element: element ?? common(elements))
    }

    private static func common(_ elements: [Literal]) -> DataType { elements.first { $0 != .null }?.dataType ?? .null }

    private static func map(_ message: ProtobufReader, _ type: DataType?) throws -> Literal {
        var message = message
        var key: DataType?, value: DataType?
        var keys: [Literal] = [], values: [Literal] = []
        while let number = try message.next() {
            switch number {
            case 1: key = try DataType(wire: message.message())
            case 2: value = try DataType(wire: message.message())
            case 3: keys.append(try literal(message.message()))
            case 4: values.append(try literal(message.message()))
            default: break
            }
        }
        guard keys.count == values.count else {
            throw ConnectError.invalidPlan("A map literal has \(keys.count) keys and \(values.count) values.")
        }
        if case .map(let knownKey, let knownValue, _)? = type { (key, value) = (knownKey, knownValue) }
        return .map(keys: keys, values: values, key: key ?? common(keys), value: value ?? common(values))
    }

    private static func structure(_ message: ProtobufReader, _ type: DataType?) throws -> Literal {
        var message = message
        var own: DataType?
        var elements: [Literal] = []
        while let number = try message.next() {
            switch number {
            case 1: own = try DataType(wire: message.message())
            case 2: elements.append(try literal(message.message()))
            default: break
            }
        }
        guard case .structure(let fields)? = type ?? own else { throw ConnectError.invalidPlan("A struct literal has no struct type.") }
        guard fields.fields.count == elements.count else {
            throw ConnectError.invalidPlan("A struct literal has \(elements.count) values for \(fields.fields.count) fields.")
        }
        return .structure(elements, fields)
    }

    /// Arrays of plain values in packed form.
    private static func specialized(_ message: ProtobufReader, _ type: DataType?) throws -> Literal {
        var message = message
        var elements: [Literal] = []
        var element = DataType.null
        while let number = try message.next() {
            guard (1...6).contains(number) else { continue }
            var body = try message.message()
            element = [.boolean, .integer, .long, .float, .double, .string][number - 1]
            while let field = try body.next() {
                guard field == 1 else { continue }
                switch number {
                case 1:
                    var values: [Bool] = []
                    try body.packed(.varint, into: &values) { reader throws(ProtobufError) in try reader.bool() }
                    elements += values.map { .boolean($0) }
                case 2:
                    var values: [Int32] = []
                    try body.packed(.varint, into: &values) { reader throws(ProtobufError) in try reader.int32() }
                    elements += values.map { .integer($0) }
                case 3:
                    var values: [Int64] = []
                    try body.packed(.varint, into: &values) { reader throws(ProtobufError) in try reader.int64() }
                    elements += values.map { .long($0) }
                case 4:
                    var values: [Float] = []
                    try body.packed(.fixed32, into: &values) { reader throws(ProtobufError) in try reader.float() }
                    elements += values.map { .float($0) }
                case 5:
                    var values: [Double] = []
                    try body.packed(.fixed64, into: &values) { reader throws(ProtobufError) in try reader.double() }
                    elements += values.map { .double($0) }
                default: elements.append(.string(try body.string()))
                }
            }
        }
        if case .array(let known, _)? = type { element = known }
        return .array(elements, element: element)
    }
}

/// A decimal number in text: digits, a point, an exponent.
struct DecimalText: Hashable {
    var unscaled: Int128
    var scale: Int

    init?(_ text: String) {
        var digits: Int128 = 0
        var count = 0, scale = 0
        var isNegative = false, sawDigit = false, sawPoint = false
        var bytes = Array(text.utf8)[...]
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            bytes = bytes.dropFirst()
        }
        while let byte = bytes.first {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                sawDigit = true
                if count > 0 || byte != UInt8(ascii: "0") { count += 1 }
                guard count <= 38 else { return nil }
                digits = digits * 10 + Int128(byte - UInt8(ascii: "0"))
                if sawPoint { scale += 1 }
            case UInt8(ascii: "."):
                guard !sawPoint else { return nil }
                sawPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let exponent = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)), abs(exponent) <= 100 else { return nil }
                scale -= exponent
                bytes = []
                continue
            default: return nil
            }
            bytes = bytes.dropFirst()
        }
        guard sawDigit else { return nil }
        unscaled = isNegative ? -digits : digits
        self.scale = scale
        if scale < 0 {
            guard let whole = rescaled(to: 0) else { return nil }
            (unscaled, self.scale) = (whole, 0)
        }
    }

    /// The same number with another count of decimals; nil where digits would be lost or do not fit.
    func rescaled(to wanted: Int) -> Int128? {
        var value = unscaled
        var scale = scale
        while scale < wanted {
            let (next, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow, next.magnitude < Literal.decimalBound else { return nil }
            value = next
            scale += 1
        }
        while scale > wanted {
            guard value % 10 == 0 else { return nil }
            value /= 10
            scale -= 1
        }
        return value
    }
}
