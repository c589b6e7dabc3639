internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    /// Answers with what is there, or waits until there is enough or the time is up.
    ///
    /// There are no fetch sessions (KIP-227): each answer carries session 0, which tells the client to name its partitions each time.
    func fetch(_ request: FetchRequest, _ reply: Reply<FetchRequest>, _ connection: KafkaConnection) {
        if request.sessionID != 0, request.sessionEpoch > 0 {
            return reply.send(FetchResponse(error: .fetchSessionIDNotFound))
        }
        let waitMs = max(0, min(Int64(request.maxWaitMs), limits.fetchWaitMs))
        attempt(request, reply, deadline: .now() + .milliseconds(waitMs))
    }

    private struct Found {
        var response = FetchResponse()
        var locations: [PartitionLog.Location] = []
        /// For each partition whose committed records alone are read: the partition, where the reading begins, and below which
        /// offset transactions concern it at most.
        var committed: [(partition: Partition, from: Int64, below: Int64)?] = []
        var bytes = 0
        var hasError = false
        /// Partitions that may be waited for, with the high watermark that was seen.
        var waitable: [(Partition, Int64)] = []
    }

    /// Runs on the connection's event loop.
    private func attempt(_ request: FetchRequest, _ reply: Reply<FetchRequest>, deadline: NIODeadline, isLast: Bool = false) {
        let found = look(request, version: reply.version)
        let isEnough = found.bytes >= max(1, Int(request.minBytes)) || found.hasError || found.waitable.isEmpty || request.minBytes <= 0
        let left = deadline - .now()
        if isEnough || isLast || left <= .zero { return answer(found, reply) }
        let partitions = found.waitable
        let connection = reply.connection
        let waiterBox = WaiterBox()
        let waiter = FetchWaiter(eventLoop: reply.eventLoop) { [self] timedOut in
            if let waiter = waiterBox.waiter {
                connection.value.waiters[ObjectIdentifier(waiter)] = nil
                for (partition, _) in partitions { partition.cancel(waiter) }
                waiterBox.waiter = nil
            }
            guard !connection.value.isClosing else { return }
            attempt(request, reply, deadline: deadline, isLast: timedOut)
        }
        waiterBox.waiter = waiter
        connection.value.waiters[ObjectIdentifier(waiter)] = waiter
        waiter.start(timeout: left)
        for (partition, seen) in partitions where !partition.wait(waiter, beyond: seen) {
            // It has moved on between the look and the wait.
            return waiter.wake()
        }
    }

    /// Breaks the circle between a waiter and its own action. `@unchecked Sendable`: used on one event loop only.
    private final class WaiterBox: @unchecked Sendable { var waiter: FetchWaiter? }

    private func look(_ request: FetchRequest, version: Int16) -> Found {
        var found = Found()
        let isCommittedOnly = request.isolationLevel == FetchRequest.readCommitted
        var budget = min(limits.fetchBytesMax, max(0, Int(request.maxBytes)))
        found.response.topics.reserveCapacity(request.topics.count)
        for asked in request.topics {
            let topic = version >= 13 ? topics[asked.id] : topics[asked.name]
            var answers: [FetchResponse.Partition] = []
            answers.reserveCapacity(asked.partitions.count)
            for part in asked.partitions {
                var answer = FetchResponse.Partition(index: part.index)
                var location = PartitionLog.Location.atEnd
                var committed: (partition: Partition, from: Int64, below: Int64)?
                if let topic, topic.partitions.indices.contains(Int(part.index)) {
                    let partition = topic.partitions[Int(part.index)]
                    let maxBytes = min(budget, max(0, Int(part.maxBytes)))
                    if part.currentLeaderEpoch > partition.leaderEpoch {
                        answer.error = .unknownLeaderEpoch
                    } else if let view = partition.view(
                        from: part.fetchOffset, maxBytes: maxBytes, hotBytes: limits.hotBytes, isCommittedOnly: isCommittedOnly)
                    {
                        answer.highWatermark = view.highWatermark
                        answer.lastStableOffset = view.lastStableOffset
                        if isCommittedOnly { answer.abortedTransactions = [] }
                        answer.logStartOffset = view.startOffset
                        switch view.location {
                        case .outOfRange:
                            answer.error = .offsetOutOfRange
                        case .atEnd:
                            found.waitable.append((partition, view.highWatermark))
                        case .hot, .cold:
                            found.waitable.append((partition, view.highWatermark))
                            // The first partition with records gives at least a batch; later ones nothing once the bytes are spent.
                            if budget > 0 || found.bytes == 0 {
                                location = view.location
                                if isCommittedOnly { committed = (partition, part.fetchOffset, view.abortedBelow) }
                                found.bytes += location.bytesMax
                                budget = max(0, budget - location.bytesMax)
                            }
                        }
                    } else {
                        answer.error = version >= 13 ? .unknownTopicID : .unknownTopicOrPartition
                    }
                } else {
                    answer.error = version >= 13 && topic == nil ? .unknownTopicID : .unknownTopicOrPartition
                }
                if answer.error != .none { found.hasError = true }
                found.locations.append(location)
                found.committed.append(committed)
                answers.append(answer)
            }
            found.response.topics.append(.init(name: asked.name, id: asked.id, partitions: answers))
        }
        return found
    }

    private func answer(_ found: Found, _ reply: Reply<FetchRequest>) {
        let coldBytes = found.locations.reduce(0) { bytes, location in
            if case .cold = location { bytes + max(1, location.bytesMax) } else { bytes }
        }
        guard coldBytes > 0 else { return finish(found, reply) }
        reply.connection.value.hold(coldBytes)
        let unchecked = UncheckedFound(found: found)
        readFiles { [self] in finish(unchecked.found, reply, held: coldBytes) }
    }

    /// `@unchecked Sendable`: handed over whole to the file thread; the event loop keeps nothing of it.
    private struct UncheckedFound: @unchecked Sendable { let found: Found }

    /// Reads what is to be read, and sends: on a file thread when something is cold.
    private func finish(_ found: Found, _ reply: Reply<FetchRequest>, held: Int = 0) {
        var response = found.response
        var payloads: [Payload] = []
        payloads.reserveCapacity(found.locations.count)
        var number = 0
        for topic in response.topics.indices {
            for index in response.topics[topic].partitions.indices {
                defer { number += 1 }
                do throws(FileError) {
                    let payload = try payload(found.locations[number])
                    response.topics[topic].partitions[index].records = .external(length: payload.length)
                    if let committed = found.committed[number] {
                        response.topics[topic].partitions[index].abortedTransactions = Self.aborted(committed, payload)
                    }
                    payloads.append(payload)
                } catch {
                    logger.error("a log cannot be read", metadata: ["error": "\(error)"])
                    response.topics[topic].partitions[index].error = .kafkaStorageError
                    response.topics[topic].partitions[index].records = .external(length: 0)
                    payloads.append(.buffer(ByteBuffer()))
                }
            }
        }
        reply.send(response, payloads: payloads, held: held)
    }

    /// The aborted transactions that a reader of `payload` must know.
    private static func aborted(
        _ committed: (partition: Partition, from: Int64, below: Int64), _ payload: Payload
    ) -> [FetchResponse.AbortedTransaction] {
        var below = committed.below
        if case .buffer(let buffer) = payload { below = min(below, ColdRead.nextOffset(buffer) ?? committed.from) }
        return committed.partition.abortedTransactions(from: committed.from, below: below).map {
            .init(producerID: $0.producerID, firstOffset: $0.firstOffset)
        }
    }

    private func payload(_ location: PartitionLog.Location) throws(FileError) -> Payload {
        switch location {
        case .outOfRange, .atEnd:
            return .buffer(ByteBuffer())
        case .cold(let read):
            return .buffer(try read.perform(allocator: ByteBufferAllocator()))
        case .hot(let file, let range):
            guard range.count < limits.sendfileBytesMin else { return .file(file, range) }
            var buffer = ByteBufferAllocator().buffer(capacity: range.count)
            var failure: FileError?
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { bytes in
                do throws(FileError) {
                    return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<range.count]), at: range.lowerBound)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            return .buffer(buffer)
        }
    }
}
