internal import NIOCore

/// The record of a control batch, which ends a transaction in one partition (KIP-98, "Control Messages").
///
/// Key: version (0), type (0 abort, 1 commit). Value: version (0), the coordinator's epoch. The batch carries the producer's id and
/// epoch, and both the control and the transactional attribute; consumers see none of it.
struct ControlRecord: Sendable, Equatable {
    enum Kind: Int16, Sendable {
        case abort = 0
        case commit = 1
    }

    var kind: Kind
    var coordinatorEpoch: Int32 = 0

    /// The bytes that the records of a control batch take at most: key and value are 4 and 6 bytes long.
    static let recordBytesMax = 64

    init(kind: Kind, coordinatorEpoch: Int32 = 0) {
        self.kind = kind
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// Reads a control batch's records. nil for a kind that ends no transaction (a leader change, a snapshot's head), and for bytes
    /// that are no control record.
    init?(_ records: UnsafeRawBufferPointer) {
        var iterator = RecordIterator(records)
        guard let record = try? iterator.next(), record.keyLength >= 4 else { return nil }
        func integer<Integer: FixedWidthInteger>(_ place: Int) -> Integer {
            Integer(bigEndian: records.loadUnaligned(fromByteOffset: place, as: Integer.self))
        }
        guard let kind = Kind(rawValue: integer(record.keyStart + 2)) else { return nil }
        self.kind = kind
        if record.valueLength >= 6 { coordinatorEpoch = integer(record.valueStart + 2) }
    }

    /// A whole control batch.
    func batch(producerID: Int64, producerEpoch: Int16, timestamp: Int64) -> ByteBuffer {
        var builder = RecordBatchBuilder(producerID: producerID, producerEpoch: producerEpoch)
        builder.isTransactional = true
        builder.isControl = true
        var key = ByteBuffer(), value = ByteBuffer()
        key.writeMultipleIntegers(0 as Int16, kind.rawValue)
        value.writeMultipleIntegers(0 as Int16, coordinatorEpoch)
        builder.append(key: key, value: value, timestamp: timestamp)
        return builder.finish()
    }
}
