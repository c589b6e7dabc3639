internal import NIOCore

/// The records of `__consumer_offsets`, in Kafka's format: the key names group, topic and partition, the value holds the offset; a
/// record without a value takes the offset back.
enum OffsetsRecord {
    struct Key: Hashable, Sendable {
        var group: String
        var topic: String
        var partition: Int32
    }

    struct Value: Sendable, Equatable {
        var offset: Int64
        var leaderEpoch: Int32 = -1
        var metadata = ""
        var commitTimestamp: Int64
    }

    static func encode(_ key: Key) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(1 as Int16)
        write(key.group, to: &buffer)
        write(key.topic, to: &buffer)
        buffer.writeInteger(key.partition)
        return buffer
    }

    /// Version 3, the first with a leader epoch.
    static func encode(_ value: Value) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(3 as Int16)
        buffer.writeInteger(value.offset)
        buffer.writeInteger(value.leaderEpoch)
        write(value.metadata, to: &buffer)
        buffer.writeInteger(value.commitTimestamp)
        return buffer
    }

    /// nil for keys of other kinds: a group's membership (version 2), which is not kept here, and what newer brokers may add.
    static func decodeKey(_ bytes: ByteBuffer) -> Key? {
        var bytes = bytes
        guard let version = bytes.readInteger(as: Int16.self), version == 0 || version == 1, let group = readString(&bytes),
            let topic = readString(&bytes), let partition = bytes.readInteger(as: Int32.self)
        else { return nil }
        return Key(group: group, topic: topic, partition: partition)
    }

    static func decodeValue(_ bytes: ByteBuffer) -> Value? {
        var bytes = bytes
        guard let version = bytes.readInteger(as: Int16.self), (0...3).contains(version), let offset = bytes.readInteger(as: Int64.self)
        else { return nil }
        var value = Value(offset: offset, commitTimestamp: -1)
        if version >= 3 {
            guard let epoch = bytes.readInteger(as: Int32.self) else { return nil }
            value.leaderEpoch = epoch
        }
        guard let metadata = readString(&bytes), let timestamp = bytes.readInteger(as: Int64.self) else { return nil }
        value.metadata = metadata
        value.commitTimestamp = timestamp
        return value
    }

    private static func write(_ text: String, to buffer: inout ByteBuffer) {
        buffer.writeInteger(Int16(clamping: text.utf8.count))
        buffer.writeString(text)
    }

    private static func readString(_ buffer: inout ByteBuffer) -> String? {
        guard let length = buffer.readInteger(as: Int16.self), length >= 0 else { return nil }
        return buffer.readString(length: Int(length))
    }
}
