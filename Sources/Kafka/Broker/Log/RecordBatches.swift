internal import NIOCore

/// Reads the records that the broker itself has written, from bytes that were read of a log.
enum RecordBatches {
    /// Visits every record of the whole, uncompressed batches in `bytes`, control batches included.
    ///
    /// - Returns: the offset after the last batch; `offset` when there is none.
    static func forEach(
        in bytes: ByteBuffer, from offset: Int64,
        _ visit: (_ header: RecordBatchHeader, _ key: ByteBuffer?, _ value: ByteBuffer?) throws(WireError) -> Void
    ) throws(WireError) -> Int64 {
        var next = offset
        var position = bytes.readerIndex
        while let batch = bytes.getSlice(at: position, length: min(RecordBatchHeader.size, bytes.writerIndex - position)),
            let header = batch.withUnsafeReadableBytes({ RecordBatchHeader($0) }), header.size <= bytes.writerIndex - position,
            header.size > RecordBatchHeader.overhead
        {
            if header.codec == CompressionCodec.none {
                let records = bytes.getSlice(at: position + RecordBatchHeader.size, length: header.size - RecordBatchHeader.size)!
                for record in try positions(records) {
                    func part(_ start: Int, _ length: Int) -> ByteBuffer? {
                        length < 0 ? nil : records.getSlice(at: records.readerIndex + start, length: length)
                    }
                    try visit(header, part(record.keyStart, record.keyLength), part(record.valueStart, record.valueLength))
                }
            }
            position += header.size
            next = header.nextOffset
        }
        return next
    }

    private static func positions(_ records: ByteBuffer) throws(WireError) -> [RecordPosition] {
        try records.withUnsafeReadableBytes { raw throws(WireError) in
            var iterator = RecordIterator(raw)
            var positions: [RecordPosition] = []
            while let record = try iterator.next() { positions.append(record) }
            return positions
        }
    }
}
