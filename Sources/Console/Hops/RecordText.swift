internal import Kafka

/// Records as text for a page: values cut at a bound, dead letters with what their headers say.
struct RecordText: Sendable {
    let valueBytesMax: Int
    /// A header's value is cut here: reasons have to be read whole.
    private static let headerBytesMax = 4_096

    func record(_ fetched: FetchedRecords, _ index: Int) -> RecordSnapshot {
        let value = fetched.value(at: index)
        let headers = fetched.headers(at: index).reduce(into: [String: String]()) { all, header in
            all[header.key] = header.value.map { text($0, atMost: Self.headerBytesMax) } ?? "null"
        }
        return RecordSnapshot(
            partition: fetched.topicPartition.partition, offset: fetched.offsets[index], timestamp: fetched.timestamps[index],
            key: fetched.key(at: index).map { text($0, atMost: valueBytesMax) }, value: value.map { text($0, atMost: valueBytesMax) },
            valueSize: value?.count ?? 0,
            headers: headers.isEmpty ? nil : headers)
    }

    /// The bytes as UTF-8, cut between characters.
    func text(_ bytes: [UInt8], atMost limit: Int) -> String {
        guard bytes.count > limit else { return String(decoding: bytes, as: UTF8.self) }
        var end = limit
        while end > 0, end > limit - 4, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// Headers say why and whence. Leat's engine names them `reason`, `topic`, `partition`, `offset` and `query`; other writers put
    /// a word before (`leat.reason`, `__connect.errors.topic`, `source.offset`), so the last word decides.
    func deadLetter(_ record: RecordSnapshot) -> DeadLetterSnapshot {
        let headers = record.headers ?? [:]
        func header(_ words: String...) -> String? {
            for word in words {
                if let exact = headers[word] { return exact }
                let key = headers.keys.sorted().first { $0.lowercased().split { ".-_".contains($0) }.last.map(String.init) == word }
                if let key { return headers[key] }
            }
            return nil
        }
        let offset = header("offset")
        let source = header("topic").map { topic in topic + (header("partition").map { "[\($0)]" } ?? "") + (offset.map { "@\($0)" } ?? "")
        }
        return DeadLetterSnapshot(
            partition: record.partition, offset: record.offset, timestamp: record.timestamp, reason: header("reason", "message", "error"),
            source: source ?? offset.map { "offset \($0)" }, query: header("query", "queryname", "name"), key: record.key,
            value: record.value)
    }
}
