internal import IO
internal import Logging
internal import NIOCore

/// The topic of the offsets: read at start, and kept short.
extension GroupCoordinator {
    /// Reads the offsets topic. Blocks: before the listeners open.
    func replay() throws {
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else { return }
        var replayed = ReplayedOffsets()
        var next = partition.offsets.start
        while next < partition.offsets.highWatermark,
            case .cold(let read)? = partition.view(from: next, maxBytes: 1 << 20, hotBytes: -1)?.location
        {
            let bytes = try read.perform(allocator: ByteBufferAllocator())
            guard bytes.readableBytes > 0 else { break }
            next = try replayed.read(bytes, from: next)
        }
        let read = replayed
        loop.execute {
            self.state.value.offsets = read.offsets
            self.state.value.pendingOffsets = read.pending
        }
    }

    /// A deleted topic's offsets would otherwise be taken for those of a later topic of its name.
    func forget(topic: String) {
        perform { coordinator in
            let keys = coordinator.state.value.offsets.values.flatMap { $0.keys.filter { $0.topic == topic } }
            coordinator.forgetPending { $0.topic == topic }
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
            guard let self else { return }
            self.perform { coordinator in
                // A copy holds no offsets of open transactions, so that what they have written must stay: another time then.
                guard error == .none, coordinator.state.value.pendingOffsets.isEmpty else {
                    return coordinator.state.value.isRewriting = false
                }
                coordinator.rewrite(partition, before: end)
            }
        }
    }

    private func rewrite(_ partition: Partition, before end: Int64) {
        // A key with a commit on its way stands in the new segment already, and the copy of its older value must not follow it.
        let all = state.value.offsets.values.flatMap { offsets in
            offsets.filter { state.value.inFlight[$0.key] == nil }.map { ($0.key, Optional($0.value)) }
        }
        let chunks = stride(from: 0, to: all.count, by: 1_000).map { Array(all[$0..<min(all.count, $0 + 1_000)]) }
        let finish: @Sendable (ErrorCode) -> Void = { [weak self] error in
            guard let self else { return }
            self.perform { coordinator in
                coordinator.state.value.isRewriting = false
                if error == .none { coordinator.node.node.administer { partition.removeSegments(before: end) } }
            }
        }
        guard let last = chunks.last else { return finish(.none) }
        for chunk in chunks.dropLast() { write(chunk, isCopy: true) { _ in } }
        write(last, isCopy: true, finish)
    }
}
