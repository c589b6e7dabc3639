internal import NIOCore

/// EXECUTE: a prepared statement's id and its parameters: v5, section 4.1.6. v5 adds the result metadata's id.
package struct Execute: Sendable {
    package var id: PreparedID
    /// What the client believes to be the result's metadata.
    package var resultMetadataID: [UInt8]?
    package var parameters: QueryParameters

    package init(id: PreparedID, resultMetadataID: [UInt8]?, parameters: QueryParameters) {
        self.id = id
        self.resultMetadataID = resultMetadataID
        self.parameters = parameters
    }

    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        id = try PreparedID.read(from: &body)
        if version >= .v5 { resultMetadataID = Array(try body.readCQLShortBytes("result metadata id").readableBytesView) }
        parameters = try QueryParameters(from: &body, version: version)
    }

    func writeIDs(to body: inout ByteBuffer, version: ProtocolVersion) {
        id.write(to: &body)
        if version >= .v5 { body.writeCQLShortBytes(resultMetadataID ?? []) }
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        writeIDs(to: &body, version: version)
        parameters.write(to: &body, version: version)
    }
}

/// A prepared statement's id. Leat's own and Cassandra's have 16 bytes (MD5) and are kept as two words; another server's may be of any
/// length.
package enum PreparedID: Hashable, Sendable {
    case digest(high: UInt64, low: UInt64)
    case other([UInt8])

    package init(_ bytes: [UInt8]) {
        guard bytes.count == 16 else {
            self = .other(bytes)
            return
        }
        let words = bytes.withUnsafeBytes {
            ($0.loadUnaligned(fromByteOffset: 0, as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self = .digest(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }

    package var bytes: [UInt8] {
        switch self {
        case .digest(let high, let low):
            [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) } }
        case .other(let bytes): bytes
        }
    }

    static func read(from body: inout ByteBuffer) throws(CQLError) -> PreparedID {
        let length = try body.readCQLInteger(UInt16.self, "prepared id")
        if length == 16, let (high, low) = body.readMultipleIntegers(as: (UInt64, UInt64).self) { return .digest(high: high, low: low) }
        return .other(Array(try body.readCQLSlice(Int(length), "prepared id").readableBytesView))
    }

    func write(to body: inout ByteBuffer) {
        switch self {
        case .digest(let high, let low): body.writeMultipleIntegers(UInt16(16), high, low)
        case .other(let bytes): body.writeCQLShortBytes(bytes)
        }
    }
}
