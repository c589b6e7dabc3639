/// `to_json` of a struct: null fields are left out (`ignoreNullFields` is true by default), timestamps in ISO form with milliseconds.
extension Evaluator {
    func toJSON(_ column: Column, _ validity: Bitmap?, _ selection: Selection) -> Column {
        let arena = ByteArena()
        let values = Buffer<ByteView>(count: count)
        var scratch: [UInt8] = []
        valid(validity, selection) { row in
            scratch.removeAll(keepingCapacity: true)
            JSONText.write(column, row, into: &scratch)
            values.pointer[row] = scratch.withUnsafeBufferPointer { arena.copy($0) }
        }
        return Column(.string, count: count, values: .bytes(values), validity: validity, owners: [arena])
    }
}

/// Values of columns as JSON.
enum JSONText {
    static func write(_ column: Column, _ row: Int, into out: inout [UInt8]) {
        if column.isNull(row) {
            out += "null".utf8
            return
        }
        let index = row * column.stride
        switch column.values {
        case .none: out += "null".utf8
        case .structure(let children):
            guard case .structure(let type) = column.type else { return }
            out.append(UInt8(ascii: "{"))
            var isFirst = true
            for (child, field) in Swift.zip(children, type.fields) {
                guard let child, !child.isNull(row) else { continue }
                if !isFirst { out.append(UInt8(ascii: ",")) }
                isFirst = false
                var name = field.name
                name.withUTF8 { quote($0, into: &out) }
                out.append(UInt8(ascii: ":"))
                write(child, row, into: &out)
            }
            out.append(UInt8(ascii: "}"))
        case .array(let offsets, let elements):
            out.append(UInt8(ascii: "["))
            for (position, element) in (Int(offsets[index])..<Int(offsets[index + 1])).enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                write(elements, element, into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .boolean(let buffer): out += (buffer[index] ? "true" : "false").utf8
        case .bytes(let buffer):
            if column.type == .binary { base64(buffer[index].bytes, into: &out) } else { quote(buffer[index].bytes, into: &out) }
        case .float(let buffer): number(buffer[index].isFinite, NumberText.text(buffer[index]), into: &out)
        case .double(let buffer): number(buffer[index].isFinite, NumberText.text(buffer[index]), into: &out)
        case .byte, .short, .integer, .long, .decimal, .interval, .map:
            switch column.literal(row) {
            case .date(let days): out += "\"\(DateTimeText.text(days: days))\"".utf8
            case .timestamp(let micros): out += "\"\(DateTimeText.isoMillis(micros: micros))\"".utf8
            case .timestampNTZ(let micros): out += "\"\(DateTimeText.isoMillis(micros: micros).dropLast())\"".utf8
            case let other: out += other.prettySQL.utf8
            }
        }
    }

    private static func number(_ isFinite: Bool, _ text: String, into out: inout [UInt8]) {
        out += (isFinite ? text : "\"\(text)\"").utf8
    }

    static func quote(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        out.append(0x22)
        for byte in bytes {
            switch byte {
            case 0x22, 0x5C:
                out.append(0x5C)
                out.append(byte)
            case 0x0A: out += "\\n".utf8
            case 0x0D: out += "\\r".utf8
            case 0x09: out += "\\t".utf8
            case 0x08: out += "\\b".utf8
            case 0x0C: out += "\\f".utf8
            case 0..<0x20:
                out += "\\u00".utf8
                for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            default: out.append(byte)
            }
        }
        out.append(0x22)
    }

    static func base64(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout [UInt8]) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        out.append(0x22)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = min(3, bytes.count - start)
            var group = UInt32(bytes[start]) << 16
            if rest > 1 { group |= UInt32(bytes[start + 1]) << 8 }
            if rest > 2 { group |= UInt32(bytes[start + 2]) }
            for digit in 0..<4 {
                out.append(digit <= rest ? alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)] : 0x3D)
            }
        }
        out.append(0x22)
    }
}
