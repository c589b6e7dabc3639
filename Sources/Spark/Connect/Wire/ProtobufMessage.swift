internal import GRPCCore
internal import NIOCore

/// A message that Leat reads and writes itself. Field numbers are Spark's (`spark/connect/*.proto`); only the fields that are
/// served are held, the others are skipped.
protocol ProtobufMessage: Sendable {
    init(_ reader: inout ProtobufReader) throws(ProtobufError)
    func encode(into writer: inout ProtobufWriter)
}

extension ProtobufMessage {
    init(decoding buffer: ByteBuffer) throws(ProtobufError) {
        var reader = ProtobufReader(buffer)
        try self.init(&reader)
    }

    var encoded: ByteBuffer {
        var writer = ProtobufWriter()
        encode(into: &writer)
        return writer.buffer
    }
}

/// A message without fields, and what is read where none of the fields matter.
struct EmptyMessage: ProtobufMessage, Hashable {
    init() {}
    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while try reader.next() != nil {}
    }
    func encode(into writer: inout ProtobufWriter) {}
}

/// Passes a gRPC message's bytes on as they are: messages are decoded in the handlers, where an error can be put into Spark's form.
struct RawBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: ByteBuffer) throws -> Bytes {
        Bytes(message.readableBytesView)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> ByteBuffer {
        bytes.withUnsafeBytes { ByteBuffer(bytes: $0) }
    }
}
