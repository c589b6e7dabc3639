/// What is wrong with a batch of records.
enum RecordDefect: Error, Equatable {
    case truncated
    case varintTooLong
    case recordCountImpossible(Int32)
    case lengthOutOfRange(String, Int64)
    case offsetOutOfOrder(Int32)
    case trailingBytes(Int)
    case crc(stored: UInt32, computed: UInt32)
    case batchLength(Int32)
    case magic(UInt8)
    case codec(UInt8)
    case compressed(codec: String)
    case tooLarge(limit: Int)
    case outOfMemory

    var text: String {
        switch self {
        case .truncated: "a record ends before its fields do"
        case .varintTooLong: "a number is longer than a varint may be"
        case .recordCountImpossible(let count): "the batch claims \(count) records, more than its bytes can hold"
        case .lengthOutOfRange(let field, let length): "a record's \(field) has the impossible length \(length)"
        case .offsetOutOfOrder(let delta): "a record has the offset delta \(delta), out of order or outside the batch"
        case .trailingBytes(let count): "\(count) bytes follow the last record"
        case .crc(let stored, let computed):
            "the batch's CRC32C is \(String(stored, radix: 16)), its bytes give \(String(computed, radix: 16))"
        case .batchLength(let length): "the batch has the impossible length \(length)"
        case .magic(let magic): "the batch is in message format \(magic); Leat reads format 2 (Kafka 0.11 and later)"
        case .codec(let number): "the batch is compressed by codec \(number), which Kafka does not define"
        case .compressed(let codec): "the batch's \(codec) data cannot be unpacked"
        case .tooLarge(let limit): "the batch unpacks to more than \(limit) bytes"
        case .outOfMemory: "there is no memory to unpack the batch"
        }
    }
}

/// Reads zig-zag varints (KIP-98) from a range of raw bytes; every read is held against the range's end.
struct VarintReader {
    private let base: UnsafeRawPointer
    private(set) var position: Int
    var end: Int

    /// - Parameter range: within `bytes`; positions are counted from the beginning of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        // An empty buffer may have no address; nothing is read from it, since the range is empty too.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        position = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - position }

    @inline(__always)
    mutating func skip(_ count: Int) throws(RecordDefect) {
        guard count <= end &- position else { throw .truncated }
        position &+= count
    }

    @inline(__always)
    mutating func varint() throws(RecordDefect) -> Int64 {
        guard position < end else { throw .truncated }
        let first = base.load(fromByteOffset: position, as: UInt8.self)
        position &+= 1
        if first < 0x80 { return Int64(first >> 1) ^ -Int64(first & 1) }
        return try longVarint(first)
    }

    private mutating func longVarint(_ first: UInt8) throws(RecordDefect) -> Int64 {
        var bits = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            guard position < end else { throw .truncated }
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            position &+= 1
            guard shift < 63 || byte <= 1 else { throw .varintTooLong }
            bits |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1) }
            shift &+= 7
        }
    }

    /// A length and as many bytes, which are skipped; -1 is null.
    @inline(__always)
    mutating func skipBytes(_ field: StaticString) throws(RecordDefect) -> (start: Int, length: Int) {
        let length = try varint()
        guard length >= -1, length <= Int64(end &- position) else { throw .lengthOutOfRange("\(field)", length) }
        let start = position
        if length > 0 { position &+= Int(length) }
        return (start, Int(length))
    }

    /// Walks a record's headers up to the range's end.
    @inline(__always)
    mutating func checkHeaders() throws(RecordDefect) {
        let count = try varint()
        if count != 0 { try checkHeaders(count: count) }
        guard position == end else { throw .trailingBytes(end - position) }
    }

    private mutating func checkHeaders(count: Int64) throws(RecordDefect) {
        // A header takes two bytes at least.
        guard count > 0, count <= Int64(remaining / 2) else { throw .lengthOutOfRange("header count", count) }
        for _ in 0..<count {
            let key = try skipBytes("header key")
            guard key.length >= 0 else { throw .lengthOutOfRange("header key", -1) }
            _ = try skipBytes("header value")
        }
    }

    mutating func headers() throws(RecordDefect) -> [(key: String, value: [UInt8]?)] {
        let count = try varint()
        guard count >= 0, count <= Int64(remaining / 2) else { throw .lengthOutOfRange("header count", count) }
        var headers: [(key: String, value: [UInt8]?)] = []
        headers.reserveCapacity(Int(count))
        for _ in 0..<count {
            let key = try skipBytes("header key")
            guard key.length >= 0 else { throw .lengthOutOfRange("header key", -1) }
            let value = try skipBytes("header value")
            headers.append(
                (
                    String(decoding: UnsafeRawBufferPointer(start: base + key.start, count: key.length), as: UTF8.self),
                    value.length < 0 ? nil : [UInt8](UnsafeRawBufferPointer(start: base + value.start, count: value.length))
                ))
        }
        return headers
    }
}
