internal import NIOCore

/// The records of `__transaction_state`, in Kafka's format: the key holds the transactional id, the value its state; a record without
/// a value takes the id back (TransactionLogKey version 0, TransactionLogValue version 1, the first with tagged fields).
enum TransactionLogRecord {
    private static let valueVersion: Int16 = 1

    private enum Tag {
        static let previousProducerID: UInt32 = 0, nextProducerID: UInt32 = 1, clientVersion: UInt32 = 2
    }

    static func encodeKey(_ id: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(0 as Int16)
        buffer.writeInteger(Int16(clamping: id.utf8.count))
        buffer.writeString(id)
        return buffer
    }

    /// nil for keys of other kinds, which newer brokers may add.
    static func decodeKey(_ bytes: ByteBuffer) -> String? {
        var bytes = bytes
        guard bytes.readInteger(as: Int16.self) == 0, let length = bytes.readInteger(as: Int16.self), length >= 0 else { return nil }
        return bytes.readString(length: Int(length))
    }

    static func encode(_ record: Transaction.Record) throws(WireError) -> ByteBuffer {
        var encoder = WireEncoder(ByteBuffer(), version: valueVersion, flexible: true)
        encoder.buffer.writeInteger(valueVersion)
        var value = Value(record)
        try value.code(&encoder)
        return encoder.buffer
    }

    static func decode(_ bytes: ByteBuffer) throws(WireError) -> Transaction.Record? {
        var bytes = bytes
        guard let version = bytes.readInteger(as: Int16.self), (0...valueVersion).contains(version) else { return nil }
        var decoder = WireDecoder(bytes, version: version, flexible: version >= 1)
        var value = Value()
        try value.code(&decoder)
        return value.record
    }

    /// The value's layout.
    private struct Value: WireStruct {
        var producerID: Int64 = -1
        var producerEpoch: Int16 = -1
        var timeoutMs: Int32 = 0
        var state: Int8 = 0
        var topics: [Topic]?
        var lastUpdateMs: Int64 = -1
        var startMs: Int64 = -1
        var previousProducerID: Int64 = -1
        var nextProducerID: Int64 = -1
        var clientVersion: Int16 = 0

        struct Topic: WireStruct {
            var name = ""
            var partitions: [Int32] = []

            mutating func code(_ coder: inout some WireCoder) throws(WireError) {
                try coder.code(&name)
                try coder.code(&partitions)
                try coder.tags()
            }
        }

        init() {}

        init(_ record: Transaction.Record) {
            producerID = record.identity.producerID
            producerEpoch = record.identity.epoch
            timeoutMs = record.timeoutMs
            state = record.state.rawValue
            // Kafka writes null for an id that has no transaction.
            if record.state != .empty {
                topics = Dictionary(grouping: record.partitions, by: \.topic).sorted { $0.key < $1.key }.map {
                    Topic(name: $0.key, partitions: $0.value.map(\.partition).sorted())
                }
            }
            lastUpdateMs = record.lastUpdateMs
            startMs = record.startMs
            previousProducerID = record.previousProducerID
            nextProducerID = record.nextProducerID
            clientVersion = record.clientVersion
        }

        /// nil for a state that is not kept here.
        var record: Transaction.Record? {
            guard let state = Transaction.State(rawValue: state) else { return nil }
            var partitions: Set<TopicPartition> = []
            for topic in topics ?? [] {
                for partition in topic.partitions { partitions.insert(TopicPartition(topic: topic.name, partition: partition)) }
            }
            return Transaction.Record(
                identity: .init(producerID: producerID, epoch: producerEpoch), previousProducerID: previousProducerID,
                nextProducerID: nextProducerID, timeoutMs: timeoutMs, state: state, partitions: partitions, lastUpdateMs: lastUpdateMs,
                startMs: startMs, clientVersion: clientVersion)
        }

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&producerID)
            try coder.code(&producerEpoch)
            try coder.code(&timeoutMs)
            try coder.code(&state)
            try coder.code(&topics)
            try coder.code(&lastUpdateMs)
            try coder.code(&startMs)
            var tagged = TaggedFields()
            if previousProducerID != -1 { tagged[Tag.previousProducerID] = ByteBuffer(integer: previousProducerID) }
            if nextProducerID != -1 { tagged[Tag.nextProducerID] = ByteBuffer(integer: nextProducerID) }
            if clientVersion != 0 { tagged[Tag.clientVersion] = ByteBuffer(integer: clientVersion) }
            try coder.tags(&tagged)
            previousProducerID = Self.integer(tagged[Tag.previousProducerID]) ?? -1
            nextProducerID = Self.integer(tagged[Tag.nextProducerID]) ?? -1
            clientVersion = Self.integer(tagged[Tag.clientVersion]) ?? 0
        }

        private static func integer<Integer: FixedWidthInteger>(_ bytes: ByteBuffer?) -> Integer? {
            bytes.flatMap { $0.getInteger(at: $0.readerIndex) }
        }
    }
}
