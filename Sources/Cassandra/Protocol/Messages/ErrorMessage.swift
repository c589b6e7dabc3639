internal import NIOCore

/// ERROR: v5, section 4.2.1 and 9. v5 replaced the count of failures by a map from address to reason.
extension CQLError {
    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        let code = Code(rawValue: try body.readCQLInteger(Int32.self, "error code"))
        let message = try body.readCQLString("error message")
        let details: Details
        switch code {
        case .alreadyExists:
            let keyspace = try body.readCQLString("keyspace")
            details = .alreadyExists(keyspace: keyspace, table: try body.readCQLString("table"))
        case .unprepared:
            details = .unprepared(id: Array(try body.readCQLShortBytes("prepared id").readableBytesView))
        case .unavailable:
            let level = try Consistency.read(from: &body)
            let required = try body.readCQLInteger(Int32.self, "required")
            details = .unavailable(level, required: required, alive: try body.readCQLInteger(Int32.self, "alive"))
        case .writeTimeout:
            let (level, received, blockFor) = try Self.readCounts(&body)
            details = .writeTimeout(level, received: received, blockFor: blockFor, writeType: try body.readCQLString("write type"))
        case .readTimeout:
            let (level, received, blockFor) = try Self.readCounts(&body)
            let isPresent = try body.readCQLInteger(UInt8.self, "data present") != 0
            details = .readTimeout(level, received: received, blockFor: blockFor, dataPresent: isPresent)
        case .writeFailure:
            let (level, received, blockFor) = try Self.readCounts(&body)
            let failures = try Self.readFailures(&body, version: version)
            let type = try body.readCQLString("write type")
            details = .writeFailure(level, received: received, blockFor: blockFor, failures: failures, writeType: type)
        case .readFailure:
            let (level, received, blockFor) = try Self.readCounts(&body)
            let failures = try Self.readFailures(&body, version: version)
            let isPresent = try body.readCQLInteger(UInt8.self, "data present") != 0
            details = .readFailure(level, received: received, blockFor: blockFor, failures: failures, dataPresent: isPresent)
        default:
            details = .none
        }
        self.init(code, message, details: details)
    }

    private static func readCounts(_ body: inout ByteBuffer) throws(CQLError) -> (Consistency, Int32, Int32) {
        let level = try Consistency.read(from: &body)
        let received = try body.readCQLInteger(Int32.self, "received")
        return (level, received, try body.readCQLInteger(Int32.self, "block for"))
    }

    private static func readFailures(_ body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) -> Int32 {
        let count = try body.readCQLInteger(Int32.self, "failures")
        guard version >= .v5 else { return count }
        for _ in 0..<max(0, count) {
            let length = try body.readCQLInteger(UInt8.self, "address")
            _ = try body.readCQLSlice(Int(length), "address")
            _ = try body.readCQLInteger(UInt16.self, "reason")
        }
        return count
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeInteger(code.rawValue)
        body.writeCQLString(message)
        switch details {
        case .none:
            break
        case .alreadyExists(let keyspace, let table):
            body.writeCQLString(keyspace)
            body.writeCQLString(table)
        case .unprepared(let id):
            body.writeCQLShortBytes(id)
        case .unavailable(let level, let required, let alive):
            Self.write(level, required, alive, to: &body)
        case .writeTimeout(let level, let received, let blockFor, let type):
            Self.write(level, received, blockFor, to: &body)
            body.writeCQLString(type)
        // v5 adds the contentions of a CAS_WRITE; no other type has them.
        case .readTimeout(let level, let received, let blockFor, let isPresent):
            Self.write(level, received, blockFor, to: &body)
            body.writeInteger(UInt8(isPresent ? 1 : 0))
        case .writeFailure(let level, let received, let blockFor, let failures, let type):
            Self.write(level, received, blockFor, to: &body)
            Self.writeFailures(failures, to: &body, version: version)
            body.writeCQLString(type)
        case .readFailure(let level, let received, let blockFor, let failures, let isPresent):
            Self.write(level, received, blockFor, to: &body)
            Self.writeFailures(failures, to: &body, version: version)
            body.writeInteger(UInt8(isPresent ? 1 : 0))
        }
    }

    private static func write(_ level: Consistency, _ first: Int32, _ second: Int32, to body: inout ByteBuffer) {
        body.writeInteger(level.rawValue)
        body.writeInteger(first)
        body.writeInteger(second)
    }

    /// One node answers, so every failure is its own: reason 0, "unknown", at the unspecified address.
    private static func writeFailures(_ count: Int32, to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeInteger(count)
        guard version >= .v5 else { return }
        for _ in 0..<max(0, count) { body.writeMultipleIntegers(UInt8(4), UInt32(0), UInt16(0)) }
    }
}
