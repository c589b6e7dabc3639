internal import NIOCore

/// `Expression.Literal`, as results carry it (`ObservedMetrics.values`).
extension Literal {
    func write(wire writer: inout ProtobufWriter) {
        switch self {
        case .null: writer.write(1) { DataType.null.write(wire: &$0) }
        case .boolean(let value): writer.write(3, optional: value)
        case .byte(let value): writer.write(4, optional: Int64(value))
        case .short(let value): writer.write(5, optional: Int64(value))
        case .integer(let value): writer.write(6, optional: Int64(value))
        case .long(let value): writer.write(7, optional: value)
        case .float(let value): writer.write(10, optional: value)
        case .double(let value): writer.write(11, optional: value)
        case .decimal(let unscaled, let precision, let scale):
            writer.write(12) { body in
                body.write(1, Self.decimalText(unscaled: unscaled, scale: scale))
                body.write(2, optional: Int64(precision))
                body.write(3, optional: Int64(scale))
            }
        case .string(let value): writer.write(13, optional: value)
        case .binary(let value): writer.write(2, optional: ByteBuffer(bytes: value))
        case .date(let days): writer.write(16, optional: Int64(days))
        case .timestamp(let micros): writer.write(17, optional: micros)
        case .timestampNTZ(let micros): writer.write(18, optional: micros)
        case .calendarInterval(let months, let days, let micros):
            writer.write(19) { body in
                body.write(1, Int64(months))
                body.write(2, Int64(days))
                body.write(3, micros)
            }
        case .yearMonthInterval(let months, _): writer.write(20, optional: Int64(months))
        case .dayTimeInterval(let micros, _): writer.write(21, optional: micros)
        case .array(let elements, let element):
            writer.write(22) { body in
                body.write(1) { element.write(wire: &$0) }
                for value in elements { body.write(2) { value.write(wire: &$0) } }
            }
        case .map(let keys, let values, let key, let value):
            writer.write(23) { body in
                body.write(1) { key.write(wire: &$0) }
                body.write(2) { value.write(wire: &$0) }
                for key in keys { body.write(3) { key.write(wire: &$0) } }
                for value in values { body.write(4) { value.write(wire: &$0) } }
            }
        case .structure(let values, let type):
            writer.write(24) { body in
                body.write(1) { DataType.structure(type).write(wire: &$0) }
                for value in values { body.write(2) { value.write(wire: &$0) } }
            }
        }
        switch self {
        case .array, .map, .structure: writer.write(100) { dataType.write(wire: &$0) }
        default: break
        }
    }
}
