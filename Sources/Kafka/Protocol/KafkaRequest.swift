internal import NIOCore

/// A request, with the answer that belongs to it.
protocol KafkaRequest: WireStruct {
    associatedtype Response: WireStruct
    static var key: APIKey { get }
    static var versions: APIVersions { get }
}

extension KafkaRequest {
    /// Reads the body that follows a request's header.
    init(decoding buffer: ByteBuffer, version: Int16) throws(WireError) {
        var decoder = WireDecoder(buffer, version: version, flexible: Self.versions.isFlexible(version))
        self.init()
        try code(&decoder)
    }

    /// A whole frame: length, header, body.
    func frame(version: Int16, correlationID: Int32, clientID: String?, allocator: ByteBufferAllocator) throws(WireError) -> ByteBuffer {
        var header = RequestHeader(key: Self.key.rawValue, version: version, correlationID: correlationID, clientID: clientID)
        var encoder = WireEncoder(allocator.buffer(capacity: 256), version: version, flexible: Self.versions.isFlexible(version))
        encoder.buffer.writeInteger(0 as Int32)
        try header.code(&encoder)
        var body = self
        try body.code(&encoder)
        encoder.buffer.setInteger(Int32(encoder.buffer.readableBytes - 4), at: encoder.buffer.readerIndex)
        return encoder.buffer
    }

    /// Reads an answer's body; `buffer` begins after the response header.
    static func decodeResponse(_ buffer: ByteBuffer, version: Int16) throws(WireError) -> Response {
        var decoder = WireDecoder(buffer, version: version, flexible: versions.isFlexible(version))
        var response = Response()
        try response.code(&decoder)
        return response
    }

    /// Whether the answer's header carries tagged fields. ApiVersions answers never do: a client that does not know the
    /// broker's versions yet must be able to read them (KIP-511).
    static func responseHeaderIsFlexible(_ version: Int16) -> Bool {
        key != .apiVersions && versions.isFlexible(version)
    }

    /// A whole frame: length, header, body. The length counts the external records too.
    static func responseFrame(_ response: Response, version: Int16, correlationID: Int32, allocator: ByteBufferAllocator)
        throws(WireError) -> (buffer: ByteBuffer, externals: [(offset: Int, length: Int)])
    {
        var encoder = WireEncoder(allocator.buffer(capacity: 256), version: version, flexible: versions.isFlexible(version))
        encoder.buffer.writeInteger(0 as Int32)
        encoder.buffer.writeInteger(correlationID)
        if responseHeaderIsFlexible(version) { encoder.tags() }
        var body = response
        try body.code(&encoder)
        var length = encoder.buffer.readableBytes - 4
        for external in encoder.externals { length += external.length }
        encoder.buffer.setInteger(Int32(length), at: encoder.buffer.readerIndex)
        return (encoder.buffer, encoder.externals)
    }
}

/// What begins every request: header v1, or v2 (with tagged fields) in flexible versions.
struct RequestHeader: Sendable, Equatable {
    var key: Int16 = 0
    var version: Int16 = 0
    var correlationID: Int32 = 0
    var clientID: String?

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&key)
        try coder.code(&version)
        try coder.code(&correlationID)
        try coder.codeInflexible(&clientID)
        try coder.tags()
    }

    /// The key, the version and the correlation id, which every header version has in the same place; `frame` is not moved.
    static func peek(_ frame: ByteBuffer) throws(WireError) -> (key: Int16, version: Int16, correlationID: Int32) {
        guard let (key, version, correlationID) = frame.peekMultipleIntegers(as: (Int16, Int16, Int32).self) else {
            throw .truncated(needed: 8, readable: frame.readableBytes)
        }
        return (key, version, correlationID)
    }

    /// Reads the header and leaves `frame` at the body.
    init(reading frame: inout ByteBuffer, flexible: Bool) throws(WireError) {
        var decoder = WireDecoder(frame, version: 0, flexible: flexible)
        self.init()
        try code(&decoder)
        frame = decoder.buffer
    }

    init(key: Int16 = 0, version: Int16 = 0, correlationID: Int32 = 0, clientID: String? = nil) {
        self.key = key
        self.version = version
        self.correlationID = correlationID
        self.clientID = clientID
    }
}

/// What begins every answer: the correlation id, and tagged fields where ``KafkaRequest/responseHeaderIsFlexible(_:)``.
struct ResponseHeader: Sendable, Equatable {
    var correlationID: Int32 = 0

    /// Reads the header and leaves `frame` at the body.
    init(reading frame: inout ByteBuffer, flexible: Bool) throws(WireError) {
        var decoder = WireDecoder(frame, version: 0, flexible: flexible)
        try decoder.code(&correlationID)
        try decoder.tags()
        frame = decoder.buffer
    }
}
