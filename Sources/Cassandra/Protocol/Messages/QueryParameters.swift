internal import NIOCore

/// `<query_parameters>` of QUERY and EXECUTE: v5, section 4.1.4.
///
/// v3 and v4: flags of one byte. v4 adds "unset" values. v5: flags of four bytes, a keyspace, "now in seconds".
package struct QueryParameters: Sendable {
    struct Flags: OptionSet {
        let rawValue: UInt32
        static let values = Flags(rawValue: 0x01)
        static let skipMetadata = Flags(rawValue: 0x02)
        static let pageSize = Flags(rawValue: 0x04)
        static let pagingState = Flags(rawValue: 0x08)
        static let serialConsistency = Flags(rawValue: 0x10)
        static let defaultTimestamp = Flags(rawValue: 0x20)
        static let names = Flags(rawValue: 0x40)
        static let keyspace = Flags(rawValue: 0x80)
        static let nowInSeconds = Flags(rawValue: 0x100)

        static func read(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) -> Flags {
            version >= .v5
                ? Flags(rawValue: try body.readCQLInteger(UInt32.self, "flags"))
                : Flags(rawValue: UInt32(try body.readCQLInteger(UInt8.self, "flags")))
        }

        func write(to body: inout ByteBuffer, version: ProtocolVersion) {
            if version >= .v5 { body.writeInteger(rawValue) } else { body.writeInteger(UInt8(truncatingIfNeeded: rawValue)) }
        }
    }

    package var request: StatementRequest
    /// The values' names, where they were given by name.
    package var names: [String]?
    /// The client has the result's metadata from the preparation and wants none.
    package var skipsMetadata: Bool

    package init(request: StatementRequest, names: [String]? = nil, skipsMetadata: Bool = false) {
        self.request = request
        self.names = names
        self.skipsMetadata = skipsMetadata
    }

    /// - Parameter frame: the whole body of the frame that `body` reads, which the values point into.
    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        var request = StatementRequest(consistency: try Consistency.read(from: &body))
        let flags = try Flags.read(from: &body, version: version)
        var names: [String]?
        if flags.contains(.values) {
            let count = Int(try body.readCQLInteger(UInt16.self, "value count"))
            let frame = body
            var entries: [BoundValues.Entry] = []
            // Each value takes four bytes at least: a count beyond that is no reason to allocate.
            entries.reserveCapacity(min(count, body.readableBytes / 4))
            if flags.contains(.names) {
                var found: [String] = []
                for _ in 0..<count {
                    found.append(try body.readCQLString("value's name"))
                    entries.append(try BoundValues.Entry.read(from: &body, of: frame, version: version))
                }
                names = found
            } else {
                for _ in 0..<count { entries.append(try BoundValues.Entry.read(from: &body, of: frame, version: version)) }
            }
            request.values = BoundValues(buffer: frame, entries: entries)
        }
        if flags.contains(.pageSize) {
            let size = try body.readCQLInteger(Int32.self, "page size")
            // Cassandra takes zero and less for "no paging".
            if size > 0 { request.pageSize = size }
        }
        if flags.contains(.pagingState) { request.pagingState = try body.readCQLBytes("paging state") }
        if flags.contains(.serialConsistency) { request.serialConsistency = try Consistency.read(from: &body) }
        if flags.contains(.defaultTimestamp) { request.defaultTimestamp = try body.readCQLTimestamp() }
        if version >= .v5 {
            if flags.contains(.keyspace) { request.keyspace = try body.readCQLString("keyspace") }
            if flags.contains(.nowInSeconds) { request.nowInSeconds = try body.readCQLInteger(Int32.self, "now in seconds") }
        }
        self.request = request
        self.names = names
        skipsMetadata = flags.contains(.skipMetadata)
    }

    /// What stands before the values; the caller writes the values' count and the values, then calls ``writeAfterValues``.
    func writeBeforeValues(to body: inout ByteBuffer, version: ProtocolVersion, hasValues: Bool) {
        body.writeInteger(request.consistency.rawValue)
        flags(version, hasValues: hasValues).write(to: &body, version: version)
    }

    private func flags(_ version: ProtocolVersion, hasValues: Bool) -> Flags {
        var flags: Flags = []
        if hasValues { flags.insert(.values) }
        if hasValues, names != nil { flags.insert(.names) }
        if skipsMetadata { flags.insert(.skipMetadata) }
        if request.pageSize != nil { flags.insert(.pageSize) }
        if request.pagingState != nil { flags.insert(.pagingState) }
        if request.serialConsistency != .serial { flags.insert(.serialConsistency) }
        if request.defaultTimestamp != nil { flags.insert(.defaultTimestamp) }
        if version >= .v5 {
            if request.keyspace != nil { flags.insert(.keyspace) }
            if request.nowInSeconds != nil { flags.insert(.nowInSeconds) }
        }
        return flags
    }

    func writeAfterValues(to body: inout ByteBuffer, version: ProtocolVersion) {
        if let pageSize = request.pageSize { body.writeInteger(pageSize) }
        if let pagingState = request.pagingState { body.writeCQLBytes(pagingState) }
        if request.serialConsistency != .serial { body.writeInteger(request.serialConsistency.rawValue) }
        if let timestamp = request.defaultTimestamp { body.writeInteger(timestamp) }
        guard version >= .v5 else { return }
        if let keyspace = request.keyspace { body.writeCQLString(keyspace) }
        if let now = request.nowInSeconds { body.writeInteger(now) }
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        let values = request.values
        writeBeforeValues(to: &body, version: version, hasValues: !values.isEmpty)
        if !values.isEmpty {
            body.writeInteger(UInt16(values.count))
            for index in 0..<values.count {
                if let names { body.writeCQLString(names[index]) }
                values.writeValue(at: index, to: &body)
            }
        }
        writeAfterValues(to: &body, version: version)
    }
}

extension BoundValues {
    /// Appends `[value]`.
    func writeValue(at index: Int, to body: inout ByteBuffer) {
        body.writeInteger(self[index].length)
        if let slice = slice(at: index) { body.writeImmutableBuffer(slice) }
    }
}

extension BoundValues.Entry {
    /// Reads one `[value]` and leaves its bytes where they are.
    static func read(from body: inout ByteBuffer, of frame: ByteBuffer, version: ProtocolVersion) throws(CQLError) -> BoundValues.Entry {
        guard let length = body.readInteger(as: Int32.self) else { throw .truncated("value") }
        if length >= 0 {
            let start = body.readerIndex - frame.readerIndex
            guard Int(length) <= body.readableBytes else { throw .truncated("value") }
            body.moveReaderIndex(forwardBy: Int(length))
            return BoundValues.Entry(start: Int32(start), length: length)
        }
        if length == -1 || version < .v4 { return .null }
        guard length == -2 else { throw .protocolError("Invalid ByteBuf length \(length)") }
        return .unset
    }
}

extension Consistency {
    static func read(from body: inout ByteBuffer) throws(CQLError) -> Consistency {
        let code = try body.readCQLInteger(UInt16.self, "consistency")
        guard let consistency = Consistency(rawValue: code) else { throw .protocolError("Unknown code \(code) for a consistency level") }
        return consistency
    }
}

extension ByteBuffer {
    mutating func readCQLTimestamp() throws(CQLError) -> Int64 {
        let timestamp = try readCQLInteger(Int64.self, "timestamp")
        guard timestamp != .min else {
            throw .protocolError("Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807] (got \(timestamp))")
        }
        return timestamp
    }
}
