internal import NIOCore

/// Reads one protobuf message (proto3 wire format) field by field.
///
/// The caller asks for the next field's number and then for its value in the type it expects; a value that it does not ask for is
/// skipped, so that unknown fields need no line of code. Everything is checked against the bytes that are there before it is
/// believed: lengths, varints longer than ten bytes, nesting deeper than ``depthMax``, and group markers.
/// (Protocol Buffers documentation, "Encoding".)
struct ProtobufReader {
    /// As deep as Spark's own server reads (`spark.connect.grpc.marshallerRecursionLimit`): a frame that is built step by step nests two
    /// levels a step. Each level is a stack frame of the decoder.
    static let depthMax = 1_024

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case startGroup = 3
        case endGroup = 4
        case fixed32 = 5
    }

    private var buffer: ByteBuffer
    private let depth: Int
    private var number = 0
    private var pending: WireType?

    init(_ buffer: ByteBuffer) {
        self.init(buffer, depth: 0)
    }

    private init(_ buffer: ByteBuffer, depth: Int) {
        self.buffer = buffer
        self.depth = depth
    }

    /// The next field's number, or nil at the message's end.
    mutating func next() throws(ProtobufError) -> Int? {
        if let pending { try skip(pending) }
        pending = nil
        guard buffer.readableBytes > 0 else { return nil }
        let (number, type) = try key()
        guard type != .endGroup else { throw .strayGroupEnd(field: number) }
        self.number = number
        pending = type
        return number
    }

    /// What the field's value looks like, for readers that take a field for what it is.
    enum Kind {
        case number
        case text
        case other
    }

    var kind: Kind { pending == .varint ? .number : pending == .lengthDelimited ? .text : .other }

    mutating func uint64() throws(ProtobufError) -> UInt64 {
        try take(.varint)
        return try varint()
    }

    mutating func int64() throws(ProtobufError) -> Int64 { Int64(bitPattern: try uint64()) }

    /// As protobuf has it, a longer varint is cut to the low 32 bits.
    mutating func int32() throws(ProtobufError) -> Int32 { Int32(truncatingIfNeeded: try int64()) }

    mutating func bool() throws(ProtobufError) -> Bool { try uint64() != 0 }

    mutating func double() throws(ProtobufError) -> Double {
        try take(.fixed64)
        guard let bits = buffer.readInteger(endianness: .little, as: UInt64.self) else { throw .truncated }
        return Double(bitPattern: bits)
    }

    mutating func float() throws(ProtobufError) -> Float {
        try take(.fixed32)
        guard let bits = buffer.readInteger(endianness: .little, as: UInt32.self) else { throw .truncated }
        return Float(bitPattern: bits)
    }

    /// A repeated number, which proto3 packs into one field; a single one beside others is read too.
    mutating func packed<Value>(
        _ type: WireTypeOfNumber, into values: inout [Value], _ read: (inout ProtobufReader) throws(ProtobufError) -> Value
    ) throws(ProtobufError) {
        guard pending == .lengthDelimited else {
            values.append(try read(&self))
            return
        }
        var body = ProtobufReader(try bytes(), depth: depth)
        while body.buffer.readableBytes > 0 {
            body.pending = type == .varint ? .varint : type == .fixed32 ? .fixed32 : .fixed64
            values.append(try read(&body))
        }
    }

    enum WireTypeOfNumber {
        case varint
        case fixed32
        case fixed64
    }

    /// A slice of the message's own storage.
    mutating func bytes() throws(ProtobufError) -> ByteBuffer {
        try take(.lengthDelimited)
        return try delimited()
    }

    mutating func string() throws(ProtobufError) -> String {
        let field = number
        var slice = try bytes()
        do {
            return try slice.readUTF8ValidatedString(length: slice.readableBytes) ?? ""
        } catch {
            throw .notUTF8(field: field)
        }
    }

    /// The field's value as a message of its own.
    mutating func message() throws(ProtobufError) -> ProtobufReader {
        guard depth < Self.depthMax else { throw .tooDeep }
        return ProtobufReader(try bytes(), depth: depth + 1)
    }

    mutating func message<Message: ProtobufMessage>(_ type: Message.Type) throws(ProtobufError) -> Message {
        var reader = try message()
        return try Message(&reader)
    }

    /// One entry of a `map<string, string>`: a message of key (1) and value (2), either left out when empty.
    mutating func mapEntry() throws(ProtobufError) -> (key: String, value: String) {
        var reader = try message()
        var key = "", value = ""
        while let number = try reader.next() {
            switch number {
            case 1: key = try reader.string()
            case 2: value = try reader.string()
            default: break
            }
        }
        return (key, value)
    }

    private mutating func take(_ type: WireType) throws(ProtobufError) {
        guard let pending, pending == type else { throw .wrongWireType(field: number) }
        self.pending = nil
    }

    private mutating func key() throws(ProtobufError) -> (Int, WireType) {
        let key = try varint()
        guard let type = WireType(rawValue: key & 7), (1...0x1FFF_FFFF).contains(key >> 3) else { throw .badKey(key) }
        return (Int(key >> 3), type)
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = buffer.readInteger(as: UInt8.self) else { throw .truncated }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw .longVarint
    }

    private mutating func delimited() throws(ProtobufError) -> ByteBuffer {
        let length = try varint()
        guard length <= UInt64(buffer.readableBytes), let slice = buffer.readSlice(length: Int(length)) else { throw .truncated }
        return slice
    }

    private mutating func skip(_ type: WireType) throws(ProtobufError) {
        // Groups may nest; a count of open ones stands in for recursion.
        var open: [Int] = type == .startGroup ? [number] : []
        if open.isEmpty { return try skipValue(type) }
        while let innermost = open.last {
            let (number, type) = try key()
            switch type {
            case .startGroup:
                guard open.count < Self.depthMax else { throw .tooDeep }
                open.append(number)
            case .endGroup:
                guard number == innermost else { throw .strayGroupEnd(field: number) }
                open.removeLast()
            default: try skipValue(type)
            }
        }
    }

    private mutating func skipValue(_ type: WireType) throws(ProtobufError) {
        switch type {
        case .varint: _ = try varint()
        case .lengthDelimited: _ = try delimited()
        case .fixed64: try skipBytes(8)
        case .fixed32: try skipBytes(4)
        case .startGroup, .endGroup: break
        }
    }

    private mutating func skipBytes(_ count: Int) throws(ProtobufError) {
        guard buffer.readableBytes >= count else { throw .truncated }
        buffer.moveReaderIndex(forwardBy: count)
    }
}

/// Why bytes are no message.
enum ProtobufError: Error, Hashable, CustomStringConvertible {
    case truncated
    case longVarint
    case badKey(UInt64)
    case wrongWireType(field: Int)
    case notUTF8(field: Int)
    case strayGroupEnd(field: Int)
    case tooDeep

    var description: String {
        switch self {
        case .truncated: "the message ends in the middle of a field"
        case .longVarint: "a number has more than ten bytes"
        case .badKey(let key): "\(key) is no field number with a wire type"
        case .wrongWireType(let field): "field \(field) has another wire type than its definition"
        case .notUTF8(let field): "field \(field) is a string that is not UTF-8"
        case .strayGroupEnd(let field): "field \(field) ends a group that did not begin"
        case .tooDeep: "messages are nested more than \(ProtobufReader.depthMax) deep"
        }
    }
}
