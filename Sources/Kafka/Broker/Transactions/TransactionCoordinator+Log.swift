internal import IO
internal import Logging
internal import NIOCore

/// Passes one acknowledgement on.
private final class RecordReceiver: AckReceiver {
    private let body: @Sendable (ErrorCode) -> Void
    init(_ body: @escaping @Sendable (ErrorCode) -> Void) { self.body = body }
    func acknowledged(_ index: Int, _ error: ErrorCode) { body(error) }
}

extension TransactionCoordinator {
    private var partition: Partition? { node.topics.partition(Topic.transactionsName, 0) }

    /// Appends records to `__transaction_state`; `completion` is called on the loop when they are durable. A record of nil takes the id
    /// back.
    func append(_ records: [(id: String, record: Transaction.Record?)], _ completion: @escaping @Sendable (ErrorCode) -> Void) {
        guard let partition else {
            // The topic is made when the first record comes.
            state.value.waitingForTopic.append { [weak self] error in
                guard error == .none, let self else { return completion(error) }
                self.append(records, completion)
            }
            if state.value.waitingForTopic.count == 1 { createTopic() }
            return
        }
        let timestamp = now
        var builder = RecordBatchBuilder()
        do throws(WireError) {
            for (id, record) in records {
                let value = try record.map { record throws(WireError) in try TransactionLogRecord.encode(record) }
                builder.append(key: TransactionLogRecord.encodeKey(id), value: value, timestamp: timestamp)
            }
        } catch {
            logger.error("a transaction's record cannot be encoded", metadata: ["error": "\(error)"])
            return loop.execute { completion(.unknownServerError) }
        }
        let loop = self.loop
        let receiver = RecordReceiver { error in loop.execute { completion(error) } }
        let outcome = builder.finish().withUnsafeReadableBytes { bytes in
            partition.append(RecordBatchHeader(bytes)!, bytes, nowMs: timestamp, waiting: (receiver, 0))
        }
        if case .refused(let error, let reason) = outcome {
            logger.error("a transaction's state cannot be written", metadata: ["error": "\(error)", "reason": "\(reason ?? "")"])
            loop.execute { completion(error) }
        }
    }

    private func createTopic() {
        let node = self.node
        node.administer { [self] in
            var code = ErrorCode.none
            do throws(TopicError) {
                _ = try node.topics.create(
                    Topic.transactionsName, partitions: 1, replicationFactor: 1,
                    overrides: [
                        "cleanup.policy": "compact",
                        "segment.bytes": "\(node.configuration.values.bytes("broker.transactions.segment.bytes"))",
                    ], nowMs: WallClock.nowMs)
            } catch {
                if error.code != .topicAlreadyExists {
                    code = .coordinatorNotAvailable
                    node.logger.error("\(Topic.transactionsName) cannot be made", metadata: ["error": "\(error.message)"])
                }
            }
            let result = code
            loop.execute {
                let waiting = self.state.value.waitingForTopic
                self.state.value.waitingForTopic = []
                for waiter in waiting { waiter(result) }
            }
        }
    }

    // MARK: Start

    /// Reads `__transaction_state`, and has what was prepared carried out. Blocks: before the listeners open.
    func replay() throws {
        var records: [String: Transaction.Record] = [:]
        if let partition {
            var next = partition.offsets.start
            while next < partition.offsets.highWatermark,
                case .cold(let read)? = partition.view(from: next, maxBytes: 1 << 20, hotBytes: -1)?.location
            {
                let bytes = try read.perform(allocator: ByteBufferAllocator())
                guard bytes.readableBytes > 0 else { break }
                next = try RecordBatches.forEach(in: bytes, from: next) { _, key, value throws(WireError) in
                    guard let id = key.flatMap(TransactionLogRecord.decodeKey) else { return }
                    records[id] = try value.flatMap { value throws(WireError) in try TransactionLogRecord.decode(value) }
                }
            }
        }
        let hanging = hangingTransactions(records)
        let read = records
        loop.execute { [self] in
            for (id, record) in read { state.value.transactions[id] = Transaction(id: id, record: record) }
            for id in read.keys.sorted() { change(id) { transaction, _ in transaction.resume() } }
            for (identity, partitions) in hanging {
                logger.warning(
                    "transactions that the coordinator does not know are open, and are aborted",
                    metadata: ["producer": "\(identity.producerID)", "partitions": "\(partitions.map(\.description).sorted())"])
                mark(.abort, identity, partitions) { _ in }
            }
        }
    }

    /// Open transactions that no record in the log accounts for: they would hold the last stable offset for ever. With
    /// `broker.log.flush=group` there are none, since a partition is logged before anything is written to it.
    private func hangingTransactions(_ records: [String: Transaction.Record]) -> [(Transaction.Identity, Set<TopicPartition>)] {
        var known: [Int64: Set<TopicPartition>] = [:]
        for record in records.values where record.state == .ongoing || record.state.isPrepared {
            known[record.identity.producerID] = record.partitions
        }
        var hanging: [Int64: (epoch: Int16, partitions: Set<TopicPartition>)] = [:]
        for partition in node.topics.all.flatMap(\.partitions) {
            let place = TopicPartition(topic: partition.topic, partition: partition.index)
            let open = partition.openTransactions
            guard !open.isEmpty else { continue }
            let producers = partition.producers
            for entry in open where known[entry.producerID]?.contains(place) != true {
                let epoch = producers[entry.producerID]?.epoch ?? 0
                let before = hanging[entry.producerID] ?? (epoch, [])
                hanging[entry.producerID] = (max(epoch, before.epoch), before.partitions.union([place]))
            }
        }
        return hanging.map { (Transaction.Identity(producerID: $0.key, epoch: $0.value.epoch), $0.value.partitions) }
    }

    // MARK: Housekeeping

    /// Forgets ids that nobody uses any more, and keeps the topic short.
    func tidy() {
        perform { coordinator in
            coordinator.expireIDs()
            coordinator.rewriteIfLong()
        }
    }

    private func expireIDs() {
        let oldest = now - Int64(node.configuration.values.duration("broker.transactional.id.expiration").inMilliseconds)
        let expired = state.value.transactions.filter {
            $0.value.isIdle && $0.value.record.state != .ongoing && $0.value.record.lastUpdateMs < oldest
        }.keys
        guard !expired.isEmpty else { return }
        for id in expired { state.value.transactions[id] = nil }
        append(expired.map { ($0, nil) }) { _ in }
    }

    /// Once more than one segment is full: writes all states into a new segment, and deletes the older ones when that is durable.
    /// This is the compaction of this one topic.
    private func rewriteIfLong() {
        guard !state.value.isRewriting, let partition, partition.segmentCount > 1 else { return }
        let end: Int64
        do throws(FileError) {
            end = try partition.roll()
        } catch {
            return logger.error("\(Topic.transactionsName) cannot be rolled", metadata: ["error": "\(error)"])
        }
        state.value.isRewriting = true
        // Records that were appended and are not durable yet are part of the copy, which comes behind them.
        let all = state.value.transactions.map { (id: $0.key, record: Optional($0.value.newestRecord)) }
        let chunks = stride(from: 0, to: all.count, by: 1_000).map { Array(all[$0..<min(all.count, $0 + 1_000)]) }
        let finish: @Sendable (ErrorCode) -> Void = { [weak self] error in
            guard let self else { return }
            self.state.value.isRewriting = false
            if error == .none { self.node.administer { partition.removeSegments(before: end) } }
        }
        guard let last = chunks.last else { return finish(.none) }
        for chunk in chunks.dropLast() { append(chunk) { _ in } }
        append(last, finish)
    }
}
