package import NIOCore

/// The nine bytes before every message: v5, section 2.
package struct FrameHeader: Hashable, Sendable {
    package static let byteCount = 9

    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let compression = Flags(rawValue: 0x01)
        package static let tracing = Flags(rawValue: 0x02)
        package static let customPayload = Flags(rawValue: 0x04)
        package static let warning = Flags(rawValue: 0x08)
        package static let beta = Flags(rawValue: 0x10)
    }

    package var version: ProtocolVersion
    package var isResponse: Bool
    package var flags: Flags
    package var stream: Int16
    package var opcode: Opcode
    /// Of the body.
    package var length: Int

    /// Writes the header with a length of zero; ``Frame/finish(_:at:)`` fills it in.
    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(version.rawValue | (isResponse ? 0x80 : 0))
        buffer.writeInteger(flags.rawValue)
        buffer.writeInteger(stream)
        buffer.writeInteger(opcode.rawValue)
        buffer.writeInteger(Int32(length))
    }
}

/// One message's header and body; the body shares the storage of what was read.
package struct Frame: Sendable {
    package let header: FrameHeader
    package var body: ByteBuffer

    /// What stands before the message of a request: its custom payload (v4), which Leat reads past.
    mutating func skipCustomPayload() throws(CQLError) {
        guard header.flags.contains(.customPayload) else { return }
        guard header.version >= .v4 else { throw .protocolError("v3 has no custom payload") }
        let count = try body.readCQLInteger(UInt16.self, "custom payload")
        for _ in 0..<count {
            _ = try body.readCQLString("custom payload's key")
            _ = try body.readCQLBytes("custom payload's value")
        }
    }

    /// What stands before the message of a response: tracing id, warnings, custom payload, in this order (v5, section 2.2).
    mutating func readWarnings() throws(CQLError) -> [String] {
        if header.flags.contains(.tracing) { _ = try body.readCQLSlice(16, "tracing id") }
        let warnings = header.flags.contains(.warning) ? try body.readCQLStringList("warnings") : []
        try skipCustomPayload()
        return warnings
    }
}

/// A frame that cannot be read: the error, and what its answer is to be addressed with.
package struct MalformedFrame: Error, Hashable, Sendable {
    package let error: CQLError
    package let stream: Int16
    /// The version to answer in, where the frame's own is known.
    package let version: ProtocolVersion?
    /// All of the frame has been read past: the frames behind it can be read.
    package var isPassed = false
}
