internal import IO
internal import Logging
internal import NIOCore

/// The topic of the offsets: read at start, and kept short.
extension GroupCoordinator {
    /// Reads the offsets topic. Blocks: before the listeners open.
    func replay() throws {
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else { return }
        var offsets: [String: [OffsetsRecord.Key: OffsetsRecord.Value]] = [:]
        var next = partition.offsets.start
        while next < partition.offsets.highWatermark,
            case .cold(let read)? = partition.view(from: next, maxBytes: 1 << 20, hotBytes: -1)?.location
        {
            let bytes = try read.perform(allocator: ByteBufferAllocator())
            guard bytes.readableBytes > 0 else { break }
            next = try Self.read(bytes, from: next, into: &offsets)
        }
        let read = offsets
        loop.execute { self.state.value.offsets = read }
    }

    /// Returns the offset after the last batch.
    static func read(
        _ bytes: ByteBuffer, from offset: Int64, into offsets: inout [String: [OffsetsRecord.Key: OffsetsRecord.Value]]
    ) throws(WireError) -> Int64 {
        var next = offset
        var position = bytes.readerIndex
        while let batch = bytes.getSlice(at: position, length: min(RecordBatchHeader.size, bytes.writerIndex - position)),
            let header = batch.withUnsafeReadableBytes({ RecordBatchHeader($0) }), header.size <= bytes.writerIndex - position
        {
            if header.codec == CompressionCodec.none, !header.isControl {
                let records = bytes.getSlice(at: position + RecordBatchHeader.size, length: header.size - RecordBatchHeader.size)!
                let positions = try records.withUnsafeReadableBytes { raw throws(WireError) in
                    var iterator = RecordIterator(raw)
                    var positions: [RecordPosition] = []
                    while let record = try iterator.next() { positions.append(record) }
                    return positions
                }
                for record in positions where record.keyLength >= 0 {
                    let start = records.readerIndex
                    guard let key = records.getSlice(at: start + record.keyStart, length: record.keyLength).flatMap(OffsetsRecord.decodeKey)
                    else { continue }
                    var value: OffsetsRecord.Value?
                    if record.valueLength >= 0 {
                        value = records.getSlice(at: start + record.valueStart, length: record.valueLength).flatMap(
                            OffsetsRecord.decodeValue)
                    }
                    offsets[key.group, default: [:]][key] = value
                    if offsets[key.group]?.isEmpty == true { offsets[key.group] = nil }
                }
            }
            position += header.size
            next = header.nextOffset
        }
        return next
    }

    /// A deleted topic's offsets would otherwise be taken for those of a later topic of its name.
    func forget(topic: String) {
        perform { coordinator in
            let keys = coordinator.state.value.offsets.values.flatMap { $0.keys.filter { $0.topic == topic } }
            coordinator.write(keys.map { ($0, nil) }) { _ in }
        }
    }

    func expireOffsets() {
        let oldest = WallClock.nowMs - Int64(node.node.configuration.values.duration("broker.offsets.retention").inMilliseconds)
        var expired: [OffsetsRecord.Key] = []
        for (id, offsets) in state.value.offsets where state.value.groups[id]?.isEmpty ?? true {
            expired += offsets.filter { $0.value.commitTimestamp < oldest }.keys
        }
        write(expired.map { ($0, nil) }) { _ in }
    }

    /// Once more than one segment is full: writes all current offsets into a new segment, and deletes the older ones when that is
    /// committed. This is the compaction of this one topic.
    func rewriteIfLong() {
        guard !state.value.isRewriting, let partition = node.node.topics.partition(Topic.offsetsName, 0), partition.segmentCount > 1
        else { return }
        let end: Int64
        do throws(FileError) {
            end = try partition.roll()
        } catch {
            return logger.error("\(Topic.offsetsName) cannot be rolled", metadata: ["error": "\(error)"])
        }
        state.value.isRewriting = true
        // This record commits nothing. When it is acknowledged, so is all that was appended before the roll: acknowledgements come
        // in the order of the appends, and only then does the copy below hold everything that the older segments hold.
        write([(.init(group: "", topic: "", partition: -1), nil)]) { [weak self] error in
            guard let self, error == .none else { return }
            self.perform { coordinator in coordinator.rewrite(partition, before: end) }
        }
    }

    private func rewrite(_ partition: Partition, before end: Int64) {
        let all = state.value.offsets.values.flatMap { $0.map { ($0.key, Optional($0.value)) } }
        let chunks = stride(from: 0, to: all.count, by: 1_000).map { Array(all[$0..<min(all.count, $0 + 1_000)]) }
        let finish: @Sendable (ErrorCode) -> Void = { [weak self] error in
            guard let self else { return }
            self.perform { coordinator in
                coordinator.state.value.isRewriting = false
                if error == .none { coordinator.node.node.administer { partition.removeSegments(before: end) } }
            }
        }
        guard let last = chunks.last else { return finish(.none) }
        for chunk in chunks.dropLast() { write(chunk) { _ in } }
        write(last, finish)
    }
}
