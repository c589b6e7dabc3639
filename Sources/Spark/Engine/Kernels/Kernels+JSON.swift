extension Kernels {
    static let jsonTexts: [String: Kernel] = [
        "to_json": Kernel { call in
            let column = call.columns[0]
            let writer = JSONText(zone: call.zone, ignoresNulls: call.columns.count < 2 || call.bool(1)[0])
            return call.texts { row, out in
                writer.write(column, row, into: &out)
                return true
            }
        },
        "get_json_object": Kernel { call in
            let (text, path) = (call.text(0), call.text(1))
            var known: (ByteView, JSONPath?)?
            return call.texts { row, out in
                if known == nil || !ByteView.areEqual(known!.0, path[row]) { known = (path[row], JSONPath(path[row].string)) }
                return known?.1?.write(text[row].bytes, to: &out) ?? false
            }
        },
        "json_array_length": Kernel { call in
            let text = call.text(0)
            return call.int32s { JSONCursor.arrayLength(text[$0].bytes).map { Int32($0) } }
        },
        "json_object_keys": Kernel { call in
            let text = call.text(0)
            let builder = ColumnBuilder(call.type)
            eachPadded(call, builder) { row in
                guard let keys = JSONCursor.objectKeys(text[row].bytes) else { return builder.appendNull() }
                for var key in keys { key.withUTF8 { builder.children[0].append(bytes: $0) } }
                builder.closeNested()
            }
            return builder.finish()
        },
        "schema_of_json": Kernel { call in
            let text = call.text(0)
            return try call.strings { row in
                guard let value = try? JSONValue(parsing: text[row].string) else {
                    throw SparkError(
                        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023",
                        "Malformed records are detected in record parsing: \(text[row].string.prefix(200)).")
                }
                return JSONSchema.type(of: value).sql
            }
        },
        "from_json": Kernel { call in try JSONColumns.read(call) },
    ]
}

/// Values of columns as JSON, as `to_json` writes them: null fields of structs are left out, timestamps are in ISO form with milliseconds.
struct JSONText {
    var zone: ZoneRules = .utc
    var ignoresNulls = true

    func write(_ column: Column, _ row: Int, into out: inout [UInt8]) {
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
                let isNull = child?.isNull(index) ?? true
                if isNull, ignoresNulls { continue }
                if !isFirst { out.append(UInt8(ascii: ",")) }
                isFirst = false
                var name = field.name
                name.withUTF8 { Self.quote($0, into: &out) }
                out.append(UInt8(ascii: ":"))
                if let child { write(child, index, into: &out) } else { out += "null".utf8 }
            }
            out.append(UInt8(ascii: "}"))
        case .array(let offsets, let elements):
            out.append(UInt8(ascii: "["))
            for (position, element) in (Int(offsets[index])..<Int(offsets[index + 1])).enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                write(elements, element, into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .map(let offsets, let keys, let values):
            out.append(UInt8(ascii: "{"))
            for (position, pair) in (Int(offsets[index])..<Int(offsets[index + 1])).enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                var name = keys.text(pair, zone: zone) ?? "null"
                name.withUTF8 { Self.quote($0, into: &out) }
                out.append(UInt8(ascii: ":"))
                write(values, pair, into: &out)
            }
            out.append(UInt8(ascii: "}"))
        case .boolean(let buffer): out += (buffer[index] ? "true" : "false").utf8
        case .bytes(let buffer):
            if column.type == .binary { Self.base64(buffer[index].bytes, into: &out) } else { Self.quote(buffer[index].bytes, into: &out) }
        case .float(let buffer): Self.number(buffer[index].isFinite, NumberText.text(buffer[index]), into: &out)
        case .double(let buffer): Self.number(buffer[index].isFinite, NumberText.text(buffer[index]), into: &out)
        case .byte, .short, .integer, .long, .decimal, .interval:
            switch column.literal(row) {
            case .date(let days): out += "\"\(DateTimeText.text(days: days))\"".utf8
            case .timestamp(let micros):
                let text = DateTimeText.isoMillis(micros: zone.local(micros)).dropLast()
                out += "\"\(text)\(Self.offset(zone.offset(at: micros)))\"".utf8
            case .timestampNTZ(let micros): out += "\"\(DateTimeText.isoMillis(micros: micros).dropLast())\"".utf8
            case .yearMonthInterval, .dayTimeInterval, .calendarInterval: out += "\"\(column.text(row) ?? "")\"".utf8
            case let other: out += other.prettySQL.utf8
            }
        }
    }

    private static func offset(_ seconds: Int64) -> String {
        if seconds == 0 { return "Z" }
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let magnitude = Int64(seconds.magnitude)
        let rest = magnitude % 60
        return (seconds < 0 ? "-" : "+") + two(magnitude / 3_600) + ":" + two(magnitude / 60 % 60) + (rest > 0 ? ":" + two(rest) : "")
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
