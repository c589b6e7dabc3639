internal import NIOCore

/// Builds one uncompressed record batch: what the broker itself writes (committed offsets, transactions), and what tests send.
struct RecordBatchBuilder {
    private var buffer: ByteBuffer
    private(set) var header = RecordBatchHeader()

    init(
        allocator: ByteBufferAllocator = ByteBufferAllocator(), producerID: Int64 = -1, producerEpoch: Int16 = -1, baseSequence: Int32 = -1
    ) {
        buffer = allocator.buffer(capacity: 512)
        buffer.writeRepeatingByte(0, count: RecordBatchHeader.size)
        header.producerID = producerID
        header.producerEpoch = producerEpoch
        header.baseSequence = baseSequence
    }

    var isTransactional: Bool {
        get { header.isTransactional }
        set { header.attributes = newValue ? header.attributes | 0x10 : header.attributes & ~0x10 }
    }
    var isControl: Bool {
        get { header.isControl }
        set { header.attributes = newValue ? header.attributes | 0x20 : header.attributes & ~0x20 }
    }
    var isEmpty: Bool { header.recordCount == 0 }
    var sizeBytes: Int { buffer.readableBytes }

    mutating func append(key: ByteBuffer?, value: ByteBuffer?, headers: [(name: String, value: ByteBuffer?)] = [], timestamp: Int64) {
        if header.recordCount == 0 { header.baseTimestamp = timestamp }
        header.maxTimestamp = max(header.maxTimestamp, timestamp)
        header.lastOffsetDelta = header.recordCount
        var record = ByteBuffer()
        record.writeInteger(0 as Int8)
        Self.writeVarint(timestamp - header.baseTimestamp, to: &record)
        Self.writeVarint(Int64(header.recordCount), to: &record)
        Self.write(key, to: &record)
        Self.write(value, to: &record)
        Self.writeVarint(Int64(headers.count), to: &record)
        for header in headers {
            Self.write(ByteBuffer(string: header.name), to: &record)
            Self.write(header.value, to: &record)
        }
        Self.writeVarint(Int64(record.readableBytes), to: &buffer)
        buffer.writeBuffer(&record)
        header.recordCount += 1
    }

    /// The batch with base offset 0 and its checksum.
    func finish() -> ByteBuffer {
        var batch = buffer
        batch.withUnsafeMutableReadableBytes { header.write(over: $0) }
        return batch
    }

    static func write(_ bytes: ByteBuffer?, to buffer: inout ByteBuffer) {
        guard let bytes else { return writeVarint(-1, to: &buffer) }
        writeVarint(Int64(bytes.readableBytes), to: &buffer)
        buffer.writeImmutableBuffer(bytes)
    }

    /// A zigzag varint; the 32-bit and the 64-bit form have the same bytes.
    static func writeVarint(_ value: Int64, to buffer: inout ByteBuffer) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}
