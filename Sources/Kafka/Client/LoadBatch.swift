package import NIOCore

/// One record batch, encoded once and sent many times: what load generators spend no time on.
package struct LoadBatch: Sendable {
    package let bytes: ByteBuffer
    package let recordCount: Int

    /// A batch of about `batchBytes` in records whose values have `recordBytes` bytes of text that does not repeat itself.
    package static func filled(recordBytes: Int, batchBytes: Int) -> LoadBatch {
        var builder = RecordBatchBuilder()
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let timestamp: Int64 = 1_767_225_600_000
        var count = 0
        repeat {
            var value = ByteBuffer()
            value.reserveCapacity(recordBytes)
            for _ in 0..<recordBytes {
                // xorshift64: any text will do, if it does not compress to nothing.
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                value.writeInteger(UInt8(0x20 + state % 95))
            }
            builder.append(key: nil, value: value, timestamp: timestamp)
            count += 1
        } while builder.sizeBytes + recordBytes + 16 <= batchBytes
        return LoadBatch(bytes: builder.finish(), recordCount: count)
    }
}
