/// How PostgreSQL's values become Spark's: the type by its number in `pg_type`, the value from its binary form (the `…send` functions of
/// PostgreSQL's sources), as Spark's PostgresDialect maps them.
///
/// What has no binary form here (enumerations, intervals, addresses, ranges, types of extensions) is asked for as text.
indirect enum PostgresValue: Hashable, Sendable {
    case boolean, int2, int4, int8, oid, float4, float8, text, bytes, date, timestamp(hasZone: Bool), time, uuid, jsonb
    case numeric(precision: Int, scale: Int)
    /// Cast to text by the server.
    case foreign
    case array(PostgresValue)

    private static let simple: [UInt32: PostgresValue] = [
        16: .boolean, 17: .bytes, 20: .int8, 21: .int2, 23: .int4, 25: .text, 26: .oid, 18: .text, 19: .text, 114: .text, 142: .text,
        700: .float4, 701: .float8, 1042: .text, 1043: .text, 1082: .date, 1083: .time, 1114: .timestamp(hasZone: false),
        1184: .timestamp(hasZone: true), 2950: .uuid, 3802: .jsonb,
    ]

    private static let arrays: [UInt32: UInt32] = [
        1000: 16, 1001: 17, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20, 1021: 700, 1022: 701, 1115: 1114, 1182: 1082,
        1185: 1184, 1231: 1700, 2951: 2950, 199: 114, 3807: 3802,
    ]

    init(type: UInt32, modifier: Int32) {
        if type == 1700 {
            // Without a precision Spark takes 38 digits, 18 of them decimals.
            guard modifier >= 4 else {
                self = .numeric(precision: 38, scale: 18)
                return
            }
            let precision = Int(modifier - 4) >> 16 & 0xFFFF
            // Eleven bits with a sign.
            let scale = (Int(modifier - 4) & 0x7FF ^ 0x400) - 0x400
            self = .numeric(precision: min(38, max(precision, scale)), scale: min(38, max(0, scale)))
        } else if let element = Self.arrays[type] {
            self = .array(PostgresValue(type: element, modifier: modifier))
        } else {
            self = Self.simple[type] ?? .foreign
        }
    }

    var type: DataType {
        switch self {
        case .boolean: .boolean
        case .int2: .short
        case .int4: .integer
        case .int8, .oid: .long
        case .float4: .float
        case .float8: .double
        case .text, .foreign, .uuid, .jsonb: .string
        case .bytes: .binary
        case .date: .date
        // A time of day is that of 1970-01-01, as Spark has it.
        case .timestamp, .time: .timestamp
        case .numeric(let precision, let scale): .decimal(precision: precision, scale: scale)
        case .array(let element): .array(element.type, containsNull: true)
        }
    }

    /// 2000-01-01, where PostgreSQL counts from.
    private static let epochDays: Int32 = 10_957
    private static let epochMicros: Int64 = 946_684_800_000_000

    private static func malformed(_ what: String) -> SparkError {
        SparkError("FAILED_JDBC.UNCLASSIFIED", sqlState: "HV000", "PostgreSQL sent \(what).")
    }

    /// A column of the rows: one typed loop.
    func column(_ rows: PostgresRows, _ index: Int) throws -> Column {
        let builder = ColumnBuilder(type)
        let count = rows.count
        @inline(__always) func each(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            for row in 0..<count {
                if let bytes = rows.value(row, index) { try body(bytes) } else { builder.appendNull() }
            }
        }
        @inline(__always) func fixed<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, _ body: (T) -> Void) throws {
            try each { bytes in
                guard bytes.count == MemoryLayout<T>.size else { throw Self.malformed("a value of \(bytes.count) bytes") }
                body(T(bigEndian: bytes.loadUnaligned(as: T.self)))
            }
        }
        switch self {
        case .int2: try fixed(Int16.self) { builder.append(value: $0) }
        case .int4, .float4: try fixed(Int32.self) { builder.append(value: $0) }
        case .int8, .float8: try fixed(Int64.self) { builder.append(value: $0) }
        default: try each { try append($0, to: builder) }
        }
        return builder.finish()
    }

    private func append(_ bytes: UnsafeRawBufferPointer, to builder: ColumnBuilder) throws {
        func fixed<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> T {
            guard bytes.count == MemoryLayout<T>.size else { throw Self.malformed("a value of \(bytes.count) bytes") }
            return T(bigEndian: bytes.loadUnaligned(as: T.self))
        }
        switch self {
        case .boolean: builder.append(value: try fixed(UInt8.self) != 0)
        case .int2: builder.append(value: try fixed(Int16.self))
        case .int4, .float4: builder.append(value: try fixed(Int32.self))
        case .int8, .float8: builder.append(value: try fixed(Int64.self))
        case .oid: builder.append(value: Int64(try fixed(UInt32.self)))
        case .text, .foreign, .bytes: bytes.withMemoryRebound(to: UInt8.self) { builder.append(bytes: $0) }
        case .jsonb:
            // A version, then the text.
            UnsafeRawBufferPointer(rebasing: bytes.dropFirst()).withMemoryRebound(to: UInt8.self) { builder.append(bytes: $0) }
        case .date:
            let days = try fixed(Int32.self)
            // The ends of the range are infinity.
            guard days != .max, days != .min else { throw Self.malformed("the date infinity, which Spark has none of") }
            builder.append(value: days &+ Self.epochDays)
        case .timestamp:
            let micros = try fixed(Int64.self)
            guard micros != .max, micros != .min else { throw Self.malformed("the timestamp infinity, which Spark has none of") }
            builder.append(value: micros &+ Self.epochMicros)
        case .time: builder.append(value: try fixed(Int64.self))
        case .uuid:
            guard bytes.count == 16 else { throw Self.malformed("a uuid of \(bytes.count) bytes") }
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
                UUIDBytes.write(bytes, to: text)
                builder.append(bytes: UnsafeBufferPointer(text))
            }
        case .numeric(let precision, let scale): builder.append(value: try Self.numeric(bytes, precision, scale))
        case .array(let element): try Self.array(bytes, element, builder)
        }
    }

    /// Digits of base 10000: their count, the weight of the first, a sign, the scale that is shown, the digits.
    private static func numeric(_ bytes: UnsafeRawBufferPointer, _ precision: Int, _ scale: Int) throws -> Int128 {
        func short(_ index: Int) -> Int { Int(Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))) }
        guard bytes.count >= 8, bytes.count >= 8 + short(0) * 2 else { throw malformed("a numeric of \(bytes.count) bytes") }
        let (count, weight, sign) = (short(0), short(1), UInt16(truncatingIfNeeded: short(2)))
        guard sign == 0 || sign == 0x4000 else { throw malformed("a numeric that is NaN or infinite, which Spark's decimals are not") }
        var value: Int128 = 0
        var isUp = false
        for index in 0..<count {
            let digit = Int128(short(4 + index))
            // How many decimal places of the result the digit's last place is from its last.
            let shift = (weight - index) * 4 + scale
            if shift >= 0 {
                guard digit == 0 || shift <= 38 else { throw outOfRange(precision, scale) }
                let (term, overflow) = digit.multipliedReportingOverflow(by: shift <= 38 ? DecimalMath.powers[shift] : 0)
                let (sum, tooLarge) = value.addingReportingOverflow(term)
                guard !overflow, !tooLarge else { throw outOfRange(precision, scale) }
                value = sum
            } else if shift > -4 {
                let divisor = DecimalMath.powers[-shift]
                value += digit / divisor
                isUp = digit % divisor * 2 >= divisor
            } else {
                if shift == -4 { isUp = digit >= 5_000 }
                break
            }
        }
        if isUp { value += 1 }
        guard DecimalMath.fits(value, precision) else { throw outOfRange(precision, scale) }
        return sign == 0x4000 ? -value : value
    }

    private static func outOfRange(_ precision: Int, _ scale: Int) -> SparkError {
        SparkError(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION", sqlState: "22003",
            "A numeric of PostgreSQL's cannot be represented as DECIMAL(\(precision), \(scale)).")
    }

    /// Dimensions, whether there are nulls, the elements' type, each dimension's length and first index, then the elements.
    private static func array(_ bytes: UnsafeRawBufferPointer, _ element: PostgresValue, _ builder: ColumnBuilder) throws {
        var place = 0
        func next() throws -> Int {
            guard place + 4 <= bytes.count else { throw malformed("an array that ends too early") }
            defer { place += 4 }
            return Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)))
        }
        let dimensions = try next()
        guard dimensions <= 1 else {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "Arrays of \(dimensions) dimensions are not read by this engine.")
        }
        _ = try next()
        _ = try next()
        if dimensions == 1 {
            let count = try next()
            _ = try next()
            for _ in 0..<max(0, count) {
                let length = try next()
                guard length >= 0 else {
                    builder.children[0].appendNull()
                    continue
                }
                guard place + length <= bytes.count else { throw malformed("an array that ends too early") }
                try element.append(UnsafeRawBufferPointer(rebasing: bytes[place..<place + length]), to: builder.children[0])
                place += length
            }
        }
        builder.closeNested()
    }
}
