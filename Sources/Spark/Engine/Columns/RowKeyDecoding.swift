/// Reads keys that ``RowKeyEncoding`` wrote, ascending and nulls first, back into columns.
///
/// Keys of floating-point numbers come back as the encoding has them: one zero, one NaN.
struct RowKeyDecoding {
    private let builders: [ColumnBuilder]

    init(_ types: [DataType]) {
        builders = types.map { ColumnBuilder($0) }
    }

    /// Appends one row.
    ///
    /// - Returns: false for bytes that are no key of these types.
    func append(_ key: UnsafeBufferPointer<UInt8>) -> Bool {
        var reader = Reader(bytes: key)
        for builder in builders {
            guard reader.nullable(into: builder) else { return false }
        }
        return reader.place == key.count
    }

    func finish() -> [Column] { builders.map { $0.finish() } }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var place = 0
        var text: [UInt8] = []

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        private mutating func byte() -> UInt8? {
            guard place < bytes.count else { return nil }
            defer { place += 1 }
            return bytes[place]
        }

        private mutating func word<T: FixedWidthInteger>(_: T.Type) -> T? {
            guard place + MemoryLayout<T>.size <= bytes.count, let base = bytes.baseAddress else { return nil }
            defer { place += MemoryLayout<T>.size }
            return T(bigEndian: UnsafeRawPointer(base + place).loadUnaligned(as: T.self))
        }

        mutating func nullable(into builder: ColumnBuilder) -> Bool {
            switch byte() {
            case 0?:
                builder.appendNull()
                return true
            case 1?: return value(into: builder)
            default: return false
            }
        }

        private mutating func value(into builder: ColumnBuilder) -> Bool {
            switch builder.type {
            case .null: return false
            case .boolean:
                guard let value = byte() else { return false }
                builder.append(value: value != 0)
            case .byte:
                guard let value = byte() else { return false }
                builder.append(value: Int8(bitPattern: value ^ 0x80))
            case .short:
                guard let value = word(UInt16.self) else { return false }
                builder.append(value: Int16(bitPattern: value ^ 1 << 15))
            case .integer, .date, .yearMonthInterval:
                guard let value = word(UInt32.self) else { return false }
                builder.append(value: Int32(bitPattern: value ^ 1 << 31))
            case .long, .timestamp, .timestampNTZ, .dayTimeInterval:
                guard let value = word(UInt64.self) else { return false }
                builder.append(value: Int64(bitPattern: value ^ 1 << 63))
            case .decimal:
                guard let value = word(UInt128.self) else { return false }
                builder.append(value: Int128(bitPattern: value ^ 1 << 127))
            case .calendarInterval:
                guard let months = word(UInt32.self), let days = word(UInt32.self), let micros = word(UInt64.self) else { return false }
                builder.append(
                    value: CalendarInterval(
                        months: Int32(bitPattern: months ^ 1 << 31), days: Int32(bitPattern: days ^ 1 << 31),
                        micros: Int64(bitPattern: micros ^ 1 << 63)))
            case .float:
                guard let bits = word(UInt32.self) else { return false }
                builder.append(value: Float(bitPattern: bits >> 31 == 1 ? bits & ~(1 << 31) : ~bits))
            case .double:
                guard let bits = word(UInt64.self) else { return false }
                builder.append(value: Double(bitPattern: bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits))
            case .string, .binary: return view(into: builder)
            case .structure:
                for child in builder.children { guard nullable(into: child) else { return false } }
                builder.closeNested()
            case .array:
                guard elements(into: builder.children[0]) else { return false }
                builder.closeNested()
            case .map:
                guard elements(into: builder.children[0]), elements(into: builder.children[1]) else { return false }
                builder.closeNested()
            }
            return true
        }

        private mutating func elements(into builder: ColumnBuilder) -> Bool {
            while true {
                switch byte() {
                case 0?: return true
                case 1?: guard nullable(into: builder) else { return false }
                default: return false
                }
            }
        }

        /// A zero byte is written `00 FF`, the end `00 00`.
        private mutating func view(into builder: ColumnBuilder) -> Bool {
            let start = place
            while place + 1 < bytes.count, bytes[place] != 0 { place += 1 }
            guard place + 1 < bytes.count else { return false }
            if bytes[place + 1] == 0 {
                builder.append(bytes: UnsafeBufferPointer(rebasing: bytes[start..<place]))
                place += 2
                return true
            }
            text.removeAll(keepingCapacity: true)
            text.append(contentsOf: bytes[start..<place])
            while place + 1 < bytes.count {
                if bytes[place] != 0 {
                    text.append(bytes[place])
                    place += 1
                } else if bytes[place + 1] == 0 {
                    place += 2
                    text.withUnsafeBufferPointer { builder.append(bytes: $0) }
                    return true
                } else {
                    text.append(0)
                    place += 2
                }
            }
            return false
        }
    }
}
