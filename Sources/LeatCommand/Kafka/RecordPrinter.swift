import Foundation
import IO
import Kafka

/// Writes records to standard output, one partition's fetch at a time.
actor RecordPrinter {
    /// As many records as were asked for have been printed.
    struct CountReached: Error {}

    private let format: ConsumeCommand.Format
    private let keySeparator: [UInt8]?
    private var left: Int?
    private var output = OutputBuffer()

    init(format: ConsumeCommand.Format, keySeparator: String?, countMax: Int?) {
        self.format = format
        self.keySeparator = keySeparator.map { Array($0.utf8) }
        left = countMax
    }

    /// - Parameter end: records from this offset on are not wanted.
    /// - Throws: ``CountReached``, ``OutputClosed``.
    func print(_ records: FetchedRecords, below end: Int64?) throws {
        defer { try? output.flush() }
        for index in 0..<records.count {
            if left == 0 { break }
            if let end, records.offsets[index] >= end { break }
            switch format {
            case .value: try printValue(records, index)
            case .json: try printJSON(records, index)
            case .hex: try printHex(records, index)
            }
            if let count = left { left = count - 1 }
        }
        try output.flush()
        if left == 0 { throw CountReached() }
    }

    private func printValue(_ records: FetchedRecords, _ index: Int) throws {
        try records.withArena { arena in
            if let keySeparator {
                try output.append(Self.slice(arena, records.keyStarts[index], records.keyLengths[index]))
                try output.append(keySeparator)
            }
            try output.append(Self.slice(arena, records.valueStarts[index], records.valueLengths[index]))
            try output.append(CollectionOfOne(0x0A))
        }
    }

    private static func slice(_ arena: UnsafeRawBufferPointer, _ start: Int32, _ length: Int32) -> UnsafeRawBufferPointer {
        length <= 0
            ? UnsafeRawBufferPointer(start: nil, count: 0) : UnsafeRawBufferPointer(rebasing: arena[Int(start)..<Int(start + length)])
    }

    private func printHex(_ records: FetchedRecords, _ index: Int) throws {
        func hex(_ bytes: [UInt8]?) -> String {
            guard let bytes else { return "null" }
            return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        try output.append(
            "\(records.topicPartition)@\(records.offsets[index]) \(hex(records.key(at: index))) \(hex(records.value(at: index)))\n")
    }

    private func printJSON(_ records: FetchedRecords, _ index: Int) throws {
        try output.append(JSONRecord(records, index).line())
        try output.append("\n")
    }
}

/// A record as one line of JSON: bytes that are UTF-8 as text, others in Base64 under a name that says so.
struct JSONRecord: Encodable {
    private let topic: String
    private let partition: Int32
    private let offset: Int64
    private let timestamp: Int64
    private let key: Content
    private let value: Content
    private let headers: [Header]

    private struct Header: Encodable {
        let key: String
        let value: Content

        enum CodingKeys: String, CodingKey {
            case key, value
            case valueBase64 = "value_base64"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
            try value.encode(in: &container, text: .value, base64: .valueBase64)
        }
    }

    private enum Content {
        case null
        case text(String)
        case bytes([UInt8])

        init(_ bytes: [UInt8]?) {
            if let bytes {
                self = String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .bytes(bytes)
            } else {
                self = .null
            }
        }

        func encode<Key: CodingKey>(in container: inout KeyedEncodingContainer<Key>, text: Key, base64: Key) throws {
            switch self {
            case .null: try container.encodeNil(forKey: text)
            case .text(let value): try container.encode(value, forKey: text)
            case .bytes(let bytes): try container.encode(Data(bytes).base64EncodedString(), forKey: base64)
            }
        }
    }

    enum CodingKeys: String, CodingKey {
        case topic, partition, offset, timestamp, key, value, headers
        case keyBase64 = "key_base64"
        case valueBase64 = "value_base64"
    }

    init(_ records: FetchedRecords, _ index: Int) {
        topic = records.topicPartition.topic
        partition = records.topicPartition.partition
        offset = records.offsets[index]
        timestamp = records.timestamps[index]
        key = Content(records.key(at: index))
        value = Content(records.value(at: index))
        headers = records.headers(at: index).map { Header(key: $0.key, value: Content($0.value)) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(topic, forKey: .topic)
        try container.encode(partition, forKey: .partition)
        try container.encode(offset, forKey: .offset)
        try container.encode(timestamp, forKey: .timestamp)
        try key.encode(in: &container, text: .key, base64: .keyBase64)
        try value.encode(in: &container, text: .value, base64: .valueBase64)
        if !headers.isEmpty { try container.encode(headers, forKey: .headers) }
    }

    func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
