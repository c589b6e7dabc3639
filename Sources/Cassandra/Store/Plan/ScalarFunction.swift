internal import NIOCore
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A function from values to a value: CQL's own of section "Functions" that take no aggregate.
struct ScalarFunction: Sendable {
    let name: String
    let arguments: [CQLType]
    let result: CQLType
    /// Arguments and now in microseconds since 1970.
    let body: @Sendable ([CQLValue], Int64) throws(CQLError) -> CQLValue

    /// - Parameter given: the arguments' types, by which functions of one name are told apart; nil fits any.
    static func find(_ name: String, arguments: Int, given: [CQLType?] = []) throws(CQLError) -> ScalarFunction {
        let named = all.filter { $0.name == name }
        guard !named.isEmpty else { throw .invalid("Unknown function '\(name)'") }
        let counted = named.filter { $0.arguments.count == arguments }
        guard !counted.isEmpty else {
            throw .invalid(
                "Invalid number of arguments in call to function \(name): \(named[0].arguments.count) required but \(arguments) provided")
        }
        if given.isEmpty { return counted[0] }
        if let exact = counted.first(where: {
            zip($0.arguments, given).allSatisfy { target, type in type.map { isAssignable($0, to: target) } ?? true }
        }) {
            return exact
        }
        throw .invalid(
            "Invalid call to function \(name), none of its type signatures match (known type signatures: \(counted.map(\.signature).joined(separator: ", ")))"
        )
    }

    private var signature: String { "system.\(name) : (\(arguments.map(\.description).joined(separator: ", "))) -> \(result)" }

    static func isAssignable(_ type: CQLType, to target: CQLType) -> Bool {
        let type = type.unfrozen, target = target.unfrozen
        if type == target { return true }
        switch (type, target) {
        case (.ascii, .text), (.timeuuid, .uuid), (.int, .bigint), (.smallint, .int), (.tinyint, .smallint), (.bigint, .timestamp),
            (.int, .varint), (.bigint, .varint), (.float, .double), (.int, .double), (.counter, .bigint):
            return true
        default: return target == .blob
        }
    }

    private static let node = UInt64.random(in: 0 ... .max)
    private static let clock = TimeUUIDClock()

    static func timeUUID(_ microseconds: Int64) -> CQLUUID {
        CQLUUID.timeBased(ticks: clock.next(microseconds), clockSequenceAndNode: node | 1 << 40)
    }

    private static func milliseconds(_ value: CQLValue) -> Int64? {
        switch value {
        case .timestamp(let milliseconds): milliseconds
        case .date(let days): Int64(days) * 86_400_000
        case .timeuuid(let uuid), .uuid(let uuid): uuid.unixMilliseconds
        default: nil
        }
    }

    /// The time of a version 1 UUID: 60 bits from 1582 on.
    private static func ticks(_ milliseconds: Int64, _ rest: Int64) throws(CQLError) -> UInt64 {
        let (scaled, isTooLarge) = milliseconds.multipliedReportingOverflow(by: 10_000)
        let (ticks, isBeyond) = scaled.addingReportingOverflow(rest + Int64(CQLUUID.unixEpochTicks))
        guard !isTooLarge, !isBeyond, ticks >= 0, ticks < 1 << 60 else {
            throw .invalid("The timestamp \(milliseconds) is not among the times that a timeuuid holds (1582 to 5236)")
        }
        return UInt64(ticks)
    }

    private static func dayOf(_ milliseconds: Int64) -> Int32 {
        Int32(truncatingIfNeeded: (Double(milliseconds) / 86_400_000).rounded(.down) == 0 ? 0 : floorDivide(milliseconds, 86_400_000))
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    private static func conversions(_ name: String, _ result: CQLType, _ body: @escaping @Sendable (Int64) -> CQLValue) -> [ScalarFunction]
    {
        [CQLType.timeuuid, .timestamp, .date].map { type in
            ScalarFunction(name: name, arguments: [type], result: result) { (values, _) throws(CQLError) in
                milliseconds(values[0]).map(body) ?? .null
            }
        }
    }

    static let all: [ScalarFunction] = {
        var list: [ScalarFunction] = [
            ScalarFunction(name: "now", arguments: [], result: .timeuuid) { _, now in .timeuuid(timeUUID(now)) },
            ScalarFunction(name: "currenttimeuuid", arguments: [], result: .timeuuid) { _, now in .timeuuid(timeUUID(now)) },
            ScalarFunction(name: "uuid", arguments: [], result: .uuid) { _, _ in .uuid(.random()) },
            ScalarFunction(name: "currenttimestamp", arguments: [], result: .timestamp) { _, now in .timestamp(now / 1_000) },
            ScalarFunction(name: "currentdate", arguments: [], result: .date) { _, now in .date(dayOf(now / 1_000)) },
            ScalarFunction(name: "currenttime", arguments: [], result: .time) { _, now in .time(now % 86_400_000_000 * 1_000) },
            ScalarFunction(name: "mintimeuuid", arguments: [.timestamp], result: .timeuuid) { (values, _) throws(CQLError) in
                guard let milliseconds = milliseconds(values[0]) else { return .null }
                return .timeuuid(.timeBased(ticks: try ticks(milliseconds, 0), clockSequenceAndNode: 0x8080_8080_8080_8080))
            },
            ScalarFunction(name: "maxtimeuuid", arguments: [.timestamp], result: .timeuuid) { (values, _) throws(CQLError) in
                guard let milliseconds = milliseconds(values[0]) else { return .null }
                return .timeuuid(.timeBased(ticks: try ticks(milliseconds, 9_999), clockSequenceAndNode: 0x7F7F_7F7F_7F7F_7F7F))
            },
        ]
        for name in ["totimestamp", "to_timestamp", "dateof"] { list += conversions(name, .timestamp) { .timestamp($0) } }
        for name in ["todate", "to_date"] { list += conversions(name, .date) { .date(dayOf($0)) } }
        for name in ["tounixtimestamp", "to_unix_timestamp", "unixtimestampof"] { list += conversions(name, .bigint) { .bigint($0) } }
        let scalars: [CQLType] = [
            .ascii, .bigint, .boolean, .date, .decimal, .double, .float, .inet, .int, .smallint, .text, .time, .timestamp, .timeuuid,
            .tinyint,
            .uuid, .varint,
        ]
        for type in scalars {
            var names = ["\(type)"]
            if type == .text { names.append("varchar") }
            for name in names {
                list.append(
                    ScalarFunction(name: "\(name)asblob", arguments: [type], result: .blob) { (values, _) throws(CQLError) in
                        values[0].isNull ? .null : .blob(Array(try values[0].bytes(as: type).readableBytesView))
                    })
                list.append(
                    ScalarFunction(name: "blobas\(name)", arguments: [.blob], result: type) { (values, _) throws(CQLError) in
                        guard case .blob(let bytes) = values[0] else { return .null }
                        try bytes.withBytes { (bytes) throws(CQLError) in try ValueCheck(type).check(bytes, of: type) }
                        return try CQLValue(bytes: .init(bytes: bytes), type: type)
                    })
            }
        }
        return list
    }()

    /// `CAST(x AS type)`: between numbers, to text, and between times.
    static func cast(_ value: CQLValue, to type: CQLType) throws(CQLError) -> CQLValue {
        if value.isNull || value == .unset { return value }
        let target = type.unfrozen
        func refused() -> CQLError { .invalid("Cannot cast \(value.literal) to \(type)") }
        switch target {
        case .text, .ascii:
            switch value {
            case .text, .ascii: return value
            case .boolean(let flag): return .text(flag ? "true" : "false")
            default: return .text(value.literal)
            }
        case .timestamp:
            if let milliseconds = milliseconds(value) { return .timestamp(milliseconds) }
            if let integer = value.integer { return .timestamp(integer) }
        case .date:
            if let milliseconds = milliseconds(value) { return .date(dayOf(milliseconds)) }
        case .double: if let number = double(value) { return .double(number) }
        case .float: if let number = double(value) { return .float(Float(number)) }
        case .decimal:
            if case .decimal = value { return value }
            if let decimal = CQLDecimal(value.literal) { return .decimal(decimal) }
        case .bigint, .counter: if let number = whole(value) { return .bigint(number) }
        case .int: if let number = whole(value) { return .int(Int32(truncatingIfNeeded: number)) }
        case .smallint: if let number = whole(value) { return .smallint(Int16(truncatingIfNeeded: number)) }
        case .tinyint: if let number = whole(value) { return .tinyint(Int8(truncatingIfNeeded: number)) }
        case .varint:
            if case .varint = value { return value }
            if let number = whole(value) { return .varint(CQLVarint(number)) }
        default: break
        }
        // Same type under another case, such as a timeuuid for a uuid: the bytes decide.
        guard (try? value.bytes(as: target)) != nil else { throw refused() }
        return value
    }

    static func double(_ value: CQLValue) -> Double? {
        switch value {
        case .double(let number): number
        case .float(let number): Double(number)
        case .decimal(let decimal): Double(decimal.description)
        case .varint(let number): number.double
        default: value.integer.map(Double.init)
        }
    }

    private static func whole(_ value: CQLValue) -> Int64? {
        if let integer = value.integer { return integer }
        guard let number = double(value), number.isFinite else { return nil }
        return Int64(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
    }
}

/// Hands out rising times for version 1 UUIDs.
private final class TimeUUIDClock: Sendable {
    private let last = Mutex<UInt64>(0)

    func next(_ microseconds: Int64) -> UInt64 {
        last.withLock { last in
            last = max(last + 1, UInt64(bitPattern: microseconds) &* 10 &+ CQLUUID.unixEpochTicks)
            return last
        }
    }
}
