internal import Kafka
internal import NIOCore

/// Rows as records: the bytes of all keys and values in one buffer, and where each lies.
struct KafkaRecords: Sendable {
    struct Entry: Sendable {
        var topic: Int32
        /// -1: the producer chooses, by the key.
        var partition: Int32
        var keyStart: Int
        /// -1: null.
        var keyLength: Int
        var valueStart: Int
        var valueLength: Int
    }

    var bytes = ByteBuffer()
    var entries: [Entry] = []
    var topics: [String] = []
    /// Empty where no row has headers, else one list a record.
    var headers: [[(String, [UInt8]?)]] = []

    /// Hands records to the producer from `first` on, as many as it has room for.
    ///
    /// - Returns: the first record that it had no room for; the count when it took all.
    func enqueue(from first: Int, into producer: KafkaProducer) throws -> Int {
        try bytes.withUnsafeReadableBytes { all in
            func part(_ start: Int, _ length: Int) -> UnsafeRawBufferPointer? {
                length < 0 ? nil : UnsafeRawBufferPointer(rebasing: all[start..<start + length])
            }
            var index = first
            while index < entries.count {
                let entry = entries[index]
                do {
                    try producer.enqueue(
                        topic: topics[Int(entry.topic)], partition: entry.partition < 0 ? nil : entry.partition,
                        keyBytes: part(entry.keyStart, entry.keyLength), valueBytes: part(entry.valueStart, entry.valueLength),
                        headers: headers.isEmpty ? [] : headers[index])
                } catch ProducerError.queueFull {
                    return index
                }
                index += 1
            }
            return index
        }
    }
}

/// Which columns of a query make up a record, checked as Spark's KafkaWriter checks them.
///
/// https://spark.apache.org/docs/latest/streaming/structured-streaming-kafka-integration.html#writing-data-to-kafka
struct KafkaColumns: Sendable {
    private var key: Int?
    private var value: Int
    private var topic: Int?
    private var partition: Int?
    private var headers: Int?
    private let topicOption: String?

    private static let headersType = DataType.array(
        .structure(StructType([StructField("key", .string), StructField("value", .binary)])), containsNull: true)

    init(_ schema: StructType, topicOption: String?) throws {
        func column(_ name: String, _ types: [DataType], isWanted: (DataType) -> Bool) throws -> Int? {
            guard let index = schema.fields.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else { return nil }
            let type = schema.fields[index].dataType
            guard isWanted(type) else {
                throw Self.invalid(
                    "\(name) attribute unsupported type \(type.simpleString). \(name) must be a(n) \(types.map(\.simpleString).joined(separator: " or "))"
                )
            }
            return index
        }
        let text: [DataType] = [.string, .binary]
        topic = try column("topic", [.string]) { $0 == .string }
        guard topicOption != nil || topic != nil else {
            throw Self.invalid("topic option required when no 'topic' attribute is present. Use the topic option for setting a topic.")
        }
        key = try column("key", text) { text.contains($0) }
        guard let value = try column("value", text, isWanted: { text.contains($0) }) else {
            throw Self.invalid("Required attribute 'value' not found")
        }
        self.value = value
        headers = try column("headers", [Self.headersType]) { type in
            guard case .array(.structure(let header), _) = type, header.fields.count == 2 else { return false }
            return header.fields[0].dataType == .string && header.fields[1].dataType == .binary
        }
        partition = try column("partition", [.integer]) { $0 == .integer }
        self.topicOption = topicOption
    }

    private static func invalid(_ message: String) -> SparkError { SparkError("INVALID_KAFKA_SINK_SCHEMA", sqlState: "42K09", message) }

    func records(_ rows: ResultRows, count: Int) throws -> KafkaRecords {
        var records = KafkaRecords()
        records.entries.reserveCapacity(rows.selection.count)
        let key = Part(self.key.map { rows.column($0, count: count) })
        let value = Part(rows.column(self.value, count: count))
        let partition = self.partition.map { rows.column($0, count: count) }
        let topic = topicOption == nil ? self.topic.map { rows.column($0, count: count) } : nil
        let headers = self.headers.map { rows.column($0, count: count) }
        if let topicOption { records.topics = [topicOption] }
        var known: [String: Int32] = [:]
        var last = ByteView.empty
        var lastTopic: Int32 = 0
        try rows.selection.eachRow { row in
            if let topic {
                guard !topic.isNull(row), case .bytes(let views) = topic.values else {
                    throw SparkError(
                        "KAFKA_NULL_TOPIC_IN_DATA", sqlState: "22004",
                        "The Kafka message data sent to the producer contains null topic. Use the topic option for setting a default topic."
                    )
                }
                let view = views.pointer[row &* topic.stride]
                if records.topics.isEmpty || !ByteView.areEqual(view, last) {
                    last = view
                    let name = view.string
                    if let index = known[name] {
                        lastTopic = index
                    } else {
                        lastTopic = Int32(records.topics.count)
                        known[name] = lastTopic
                        records.topics.append(name)
                    }
                }
            }
            var entry = KafkaRecords.Entry(topic: lastTopic, partition: -1, keyStart: 0, keyLength: -1, valueStart: 0, valueLength: -1)
            (entry.keyStart, entry.keyLength) = key.append(row, to: &records.bytes)
            (entry.valueStart, entry.valueLength) = value.append(row, to: &records.bytes)
            if let partition, !partition.isNull(row), case .integer(let numbers) = partition.values {
                entry.partition = numbers.pointer[row &* partition.stride]
            }
            records.entries.append(entry)
            if let headers { records.headers.append(Self.headers(headers, row)) }
        }
        return records
    }

    /// Keys or values of a chunk.
    private struct Part {
        private let column: Column?
        private let views: Buffer<ByteView>?

        init(_ column: Column?) {
            self.column = column
            if let column, case .bytes(let views) = column.values { self.views = views } else { views = nil }
        }

        @inline(__always) func append(_ row: Int, to bytes: inout ByteBuffer) -> (start: Int, length: Int) {
            guard let column, let views, !column.isNull(row) else { return (0, -1) }
            let start = bytes.writerIndex
            return (start, bytes.writeBytes(views.pointer[row &* column.stride].bytes))
        }
    }

    /// Decoded one by one: whoever writes headers pays for them.
    private static func headers(_ column: Column, _ row: Int) -> [(String, [UInt8]?)] {
        guard case .array(let elements, _) = column.literal(row) else { return [] }
        return elements.compactMap { element in
            guard case .structure(let fields, _) = element, case .string(let name) = fields[0] else { return nil }
            if case .binary(let value) = fields[1] { return (name, value) }
            return (name, nil)
        }
    }
}
