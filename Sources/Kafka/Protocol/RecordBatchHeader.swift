internal import CCRC32C

/// The fixed part of a record batch (magic 2), read from its bytes; the records that follow stay as they are.
///
/// The checksum covers what follows it, so that the base offset and the leader epoch before it can be stamped in place.
struct RecordBatchHeader: Sendable, Equatable {
    /// Bytes of the fixed part.
    static let size = 61
    /// Base offset and length, which `batchLength` does not count.
    static let overhead = 12
    static let magic: Int8 = 2

    private enum Place {
        static let baseOffset = 0, batchLength = 8, leaderEpoch = 12, magic = 16, checksum = 17, attributes = 21
        static let lastOffsetDelta = 23, baseTimestamp = 27, maxTimestamp = 35, producerID = 43, producerEpoch = 51
        static let baseSequence = 53, recordCount = 57
    }

    var baseOffset: Int64 = 0
    var batchLength: Int32 = 0
    var leaderEpoch: Int32 = -1
    var magic: Int8 = RecordBatchHeader.magic
    var checksum: UInt32 = 0
    var attributes: Int16 = 0
    var lastOffsetDelta: Int32 = 0
    var baseTimestamp: Int64 = -1
    var maxTimestamp: Int64 = -1
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var baseSequence: Int32 = -1
    var recordCount: Int32 = 0

    init() {}

    /// Reads the fixed part; nil where there are too few bytes. Nothing is checked.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.size else { return nil }
        func read<Integer: FixedWidthInteger>(_ place: Int) -> Integer {
            Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Integer.self))
        }
        baseOffset = read(Place.baseOffset)
        batchLength = read(Place.batchLength)
        leaderEpoch = read(Place.leaderEpoch)
        magic = read(Place.magic)
        checksum = read(Place.checksum)
        attributes = read(Place.attributes)
        lastOffsetDelta = read(Place.lastOffsetDelta)
        baseTimestamp = read(Place.baseTimestamp)
        maxTimestamp = read(Place.maxTimestamp)
        producerID = read(Place.producerID)
        producerEpoch = read(Place.producerEpoch)
        baseSequence = read(Place.baseSequence)
        recordCount = read(Place.recordCount)
    }

    /// The whole batch in bytes.
    var size: Int { Self.overhead + Int(batchLength) }
    var lastOffset: Int64 { baseOffset + Int64(lastOffsetDelta) }
    var nextOffset: Int64 { lastOffset + 1 }
    /// nil for a codec number that Kafka does not define.
    var codec: CompressionCodec? { CompressionCodec(rawValue: UInt8(attributes & 0x07)) }
    var hasLogAppendTime: Bool { attributes & 0x08 != 0 }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }
    var isIdempotent: Bool { producerID >= 0 }

    /// The sequence of the last record, which wraps after Int32.max to 0.
    var lastSequence: Int32 {
        guard baseSequence >= 0 else { return -1 }
        return Int32(truncatingIfNeeded: (Int64(baseSequence) + Int64(lastOffsetDelta)) & Int64(Int32.max))
    }

    /// The checksum that the bytes of one whole batch should carry.
    static func computeChecksum(_ batch: UnsafeRawBufferPointer) -> UInt32 {
        guard batch.count > Place.attributes else { return 0 }
        return crc32c_extend(0, batch.baseAddress! + Place.attributes, batch.count - Place.attributes)
    }

    /// Stamps what the broker assigns, which the checksum does not cover.
    static func stamp(_ batch: UnsafeMutableRawBufferPointer, baseOffset: Int64, leaderEpoch: Int32) {
        precondition(batch.count >= size)
        batch.storeBytes(of: baseOffset.bigEndian, toByteOffset: Place.baseOffset, as: Int64.self)
        batch.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: Place.leaderEpoch, as: Int32.self)
    }

    /// Stamps the time of the append (`message.timestamp.type=LogAppendTime`) and the checksum anew.
    static func stampLogAppendTime(_ batch: UnsafeMutableRawBufferPointer, timestamp: Int64) {
        precondition(batch.count >= size)
        let attributes = Int16(bigEndian: batch.loadUnaligned(fromByteOffset: Place.attributes, as: Int16.self)) | 0x08
        batch.storeBytes(of: attributes.bigEndian, toByteOffset: Place.attributes, as: Int16.self)
        batch.storeBytes(of: timestamp.bigEndian, toByteOffset: Place.maxTimestamp, as: Int64.self)
        let checksum = computeChecksum(UnsafeRawBufferPointer(batch))
        batch.storeBytes(of: checksum.bigEndian, toByteOffset: Place.checksum, as: UInt32.self)
    }

    /// Writes all fields over the first ``size`` bytes of `batch`, and the checksum of the whole of it.
    func write(over batch: UnsafeMutableRawBufferPointer) {
        precondition(batch.count >= Self.size)
        batch.storeBytes(of: baseOffset.bigEndian, toByteOffset: Place.baseOffset, as: Int64.self)
        batch.storeBytes(of: Int32(batch.count - Self.overhead).bigEndian, toByteOffset: Place.batchLength, as: Int32.self)
        batch.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: Place.leaderEpoch, as: Int32.self)
        batch.storeBytes(of: magic, toByteOffset: Place.magic, as: Int8.self)
        batch.storeBytes(of: attributes.bigEndian, toByteOffset: Place.attributes, as: Int16.self)
        batch.storeBytes(of: lastOffsetDelta.bigEndian, toByteOffset: Place.lastOffsetDelta, as: Int32.self)
        batch.storeBytes(of: baseTimestamp.bigEndian, toByteOffset: Place.baseTimestamp, as: Int64.self)
        batch.storeBytes(of: maxTimestamp.bigEndian, toByteOffset: Place.maxTimestamp, as: Int64.self)
        batch.storeBytes(of: producerID.bigEndian, toByteOffset: Place.producerID, as: Int64.self)
        batch.storeBytes(of: producerEpoch.bigEndian, toByteOffset: Place.producerEpoch, as: Int16.self)
        batch.storeBytes(of: baseSequence.bigEndian, toByteOffset: Place.baseSequence, as: Int32.self)
        batch.storeBytes(of: recordCount.bigEndian, toByteOffset: Place.recordCount, as: Int32.self)
        let checksum = Self.computeChecksum(UnsafeRawBufferPointer(batch))
        batch.storeBytes(of: checksum.bigEndian, toByteOffset: Place.checksum, as: UInt32.self)
    }
}

extension RecordBatchHeader {
    /// ``stampLogAppendTime(_:timestamp:)`` for a batch whose fixed part stands apart from its records.
    static func stampLogAppendTime(head: UnsafeMutableRawBufferPointer, rest: UnsafeRawBufferPointer, timestamp: Int64) {
        precondition(head.count == size)
        stampLogAppendTime(head, timestamp: timestamp)
        var checksum = computeChecksum(UnsafeRawBufferPointer(head))
        if let base = rest.baseAddress { checksum = crc32c_extend(checksum, base, rest.count) }
        head.storeBytes(of: checksum.bigEndian, toByteOffset: Place.checksum, as: UInt32.self)
    }
}
