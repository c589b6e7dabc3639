internal import Kafka

/// Records of one fetch that belong to the batch, as the columns of Spark's kafka source.
struct KafkaChunk: Sendable {
    let records: FetchedRecords
    /// The rows of `records` that are meant.
    let rows: Range<Int>
    /// The batch's first offset of this partition: ordinals count from it.
    let rangeStart: Int64

    /// Spark's schema: https://spark.apache.org/docs/latest/structured-streaming-kafka-integration.html
    static func schema(includeHeaders: Bool) -> StructType {
        var fields = [
            StructField("key", .binary), StructField("value", .binary), StructField("topic", .string), StructField("partition", .integer),
            StructField("offset", .long), StructField("timestamp", .timestamp), StructField("timestampType", .integer),
        ]
        if includeHeaders {
            fields.append(
                StructField(
                    "headers",
                    .array(.structure(StructType([StructField("key", .string), StructField("value", .binary)])), containsNull: true)))
        }
        return StructType(fields)
    }

    func offset(_ row: Int) -> Int64 { records.offsets[rows.lowerBound + row] }

    func record(_ row: Int) -> SourceRecord {
        let index = rows.lowerBound + row
        return SourceRecord(
            key: records.key(at: index).map { Array($0) }, value: records.value(at: index).map { Array($0) },
            partition: SourcePartition(topic: records.topicPartition.topic, partition: records.topicPartition.partition),
            offset: records.offsets[index])
    }

    func withColumns<R>(_ wanted: Set<Int>, width: Int, _ body: (ColumnBatch) throws -> R) rethrows -> R {
        let count = rows.count
        return try records.withArena { arena in
            var columns = [Column?](repeating: nil, count: width)
            for index in wanted {
                columns[index] =
                    switch index {
                    case 0: views(arena, records.keyStarts, records.keyLengths)
                    case 1: views(arena, records.valueStarts, records.valueLengths)
                    case 2: Column.constant(.string(records.topicPartition.topic), type: .string, count: count)
                    case 3: Column.constant(.integer(records.topicPartition.partition), type: .integer, count: count)
                    case 4: longs(records.offsets, .long, scale: 1)
                    case 5: longs(records.timestamps, .timestamp, scale: 1_000)
                    case 6: Column.constant(.integer(0), type: .integer, count: count)
                    default: headers()
                    }
            }
            return try body(ColumnBatch(count: count, columns: columns))
        }
    }

    private func views(_ arena: UnsafeRawBufferPointer, _ starts: [Int32], _ lengths: [Int32]) -> Column {
        let values = Buffer<ByteView>(count: rows.count)
        var nulls = 0
        let base = arena.baseAddress?.assumingMemoryBound(to: UInt8.self)
        starts.withUnsafeBufferPointer { starts in
            lengths.withUnsafeBufferPointer { lengths in
                for row in 0..<rows.count {
                    let length = Int(lengths[rows.lowerBound + row])
                    if length < 0 { nulls += 1 }
                    values.pointer[row] = ByteView(start: base.map { $0 + Int(starts[rows.lowerBound + row]) }, length: max(0, length))
                }
            }
        }
        guard nulls > 0 else { return Column(.binary, count: rows.count, values: .bytes(values)) }
        let validity = Bitmap(count: rows.count)
        for row in 0..<rows.count where lengths[rows.lowerBound + row] >= 0 { validity[row] = true }
        return Column(.binary, count: rows.count, values: .bytes(values), validity: validity)
    }

    private func longs(_ source: [Int64], _ type: DataType, scale: Int64) -> Column {
        let values = Buffer<Int64>(count: rows.count)
        source.withUnsafeBufferPointer { source in
            for row in 0..<rows.count { values.pointer[row] = source[rows.lowerBound + row] &* scale }
        }
        return Column(type, count: rows.count, values: .long(values))
    }

    /// Decoded one by one: whoever asks for headers pays for them, nobody else does.
    private func headers() -> Column {
        let arena = ByteArena()
        let offsets = Buffer<Int32>(count: rows.count + 1, zeroed: true)
        let validity = Bitmap(count: rows.count)
        var keys: [ByteView] = []
        var values: [ByteView?] = []
        for row in 0..<rows.count {
            for header in records.headers(at: rows.lowerBound + row) {
                keys.append(arena.copy(header.key))
                values.append(header.value.map { value in value.withUnsafeBufferPointer { arena.copy($0) } })
                validity[row] = true
            }
            offsets[row + 1] = Int32(keys.count)
        }
        let present = Bitmap(count: values.count)
        for (index, value) in values.enumerated() where value != nil { present[index] = true }
        let type = StructType([StructField("key", .string), StructField("value", .binary)])
        let elements = Column(
            .structure(type), count: keys.count,
            values: .structure([
                Column(.string, count: keys.count, values: .bytes(Buffer(keys)), owners: [arena]),
                Column(.binary, count: keys.count, values: .bytes(Buffer(values.map { $0 ?? .empty })), validity: present, owners: [arena]),
            ]))
        return Column(
            .array(.structure(type), containsNull: true), count: rows.count, values: .array(offsets: offsets, elements), validity: validity)
    }
}
