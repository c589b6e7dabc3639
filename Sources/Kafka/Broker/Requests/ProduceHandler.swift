internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Why a batch is not appended.
private struct Refusal: Error {
    var code: ErrorCode
    var message: String?
}

extension BrokerNode {
    /// Appends each partition's batch in the order of the request, and answers as `acks` asks: 0 nothing, 1 after the append, -1 when
    /// every batch is committed.
    func produce(_ request: ProduceRequest, _ reply: Reply<ProduceRequest>) {
        var response = ProduceResponse()
        response.topics.reserveCapacity(request.topics.count)
        let isLegal = request.acks == 0 || request.acks == 1 || request.acks == -1
        let completion = request.acks == -1 ? ProduceCompletion(reply) : nil
        let nowMs = WallClock.nowMs
        var unverified: [Unverified] = []
        for (topicIndex, topic) in request.topics.enumerated() {
            let found = topics[topic.name]
            var answers: [ProduceResponse.Partition] = []
            answers.reserveCapacity(topic.partitions.count)
            for (index, part) in topic.partitions.enumerated() {
                var answer = ProduceResponse.Partition(index: part.index)
                do throws(Refusal) {
                    guard isLegal else {
                        throw Refusal(code: .invalidRequiredAcks, message: "acks=\(request.acks); 0, 1 and -1 are served")
                    }
                    guard let found, found.partitions.indices.contains(Int(part.index)) else {
                        throw Refusal(code: .unknownTopicOrPartition, message: "there is no partition \(topic.name)-\(part.index)")
                    }
                    if found.isInternal {
                        throw Refusal(code: .invalidTopicException, message: "\(topic.name) is written by the broker alone")
                    }
                    let partition = found.partitions[Int(part.index)]
                    guard case .bytes(let bytes)? = part.records else {
                        throw Refusal(code: .invalidRecord, message: "there is no record batch")
                    }
                    let header = try bytes.withUnsafeReadableBytes { raw throws(Refusal) in
                        try Self.check(raw, version: reply.version, bytesMax: partition.maxMessageBytes)
                    }
                    if header.isTransactional, request.transactionalID == nil {
                        throw Refusal(code: .invalidRecord, message: "a transactional batch came in a request without a transactional id")
                    }
                    let place = topicIndex << 32 | index
                    if try append(header, bytes, to: partition, &answer, reply, nowMs, completion, place, hasAsked: false) == false {
                        unverified.append(Unverified(partition: partition, header: header, bytes: ByteBuffer(copying: bytes), place: place))
                    }
                } catch {
                    answer.error = error.code
                    answer.errorMessage = error.message
                }
                answers.append(answer)
            }
            response.topics.append(.init(name: topic.name, partitions: answers))
        }
        if unverified.isEmpty {
            finish(response, request.acks, reply, completion)
        } else {
            verify(unverified, request.transactionalID ?? "", response, request.acks, reply, completion)
        }
    }

    private func finish(
        _ response: ProduceResponse, _ acks: Int16, _ reply: Reply<ProduceRequest>, _ completion: ProduceCompletion?
    ) {
        if let completion {
            completion.allAppended(response)
        } else if acks == 0 {
            for topic in response.topics {
                if let refused = topic.partitions.first(where: { $0.error != .none }) {
                    return reply.refuseSilently(
                        "\(topic.name)-\(refused.index): \(refused.error)\(refused.errorMessage.map { ", \($0)" } ?? "")")
                }
            }
            reply.sendNothing()
        } else {
            reply.send(response)
        }
    }

    /// - Returns: false when the transaction coordinator has to be asked first; nothing was appended then.
    private func append(
        _ header: RecordBatchHeader, _ bytes: ByteBuffer, to partition: Partition, _ answer: inout ProduceResponse.Partition,
        _ reply: Reply<ProduceRequest>, _ nowMs: Int64, _ completion: ProduceCompletion?, _ place: Int, hasAsked: Bool
    ) throws(Refusal) -> Bool {
        completion?.expect()
        let outcome = bytes.withUnsafeReadableBytes { raw in
            partition.append(header, raw, nowMs: nowMs, waiting: completion.map { ($0, place) }, hasAsked: hasAsked)
        }
        switch outcome {
        case .appended(let baseOffset, let logAppendTimeMs):
            answer.baseOffset = baseOffset
            answer.logAppendTimeMs = logAppendTimeMs
            if reply.version >= 5 { answer.logStartOffset = partition.offsets.start }
            return true
        case .unverified:
            completion?.unexpect()
            return false
        case .refused(let code, let message):
            completion?.unexpect()
            throw Refusal(code: code, message: message)
        }
    }

    // MARK: Transactions

    /// A batch that waits until it is known whether its transaction is open. Its bytes are a copy: those that it came in belong to the
    /// connection's event loop, and the transaction coordinator has another.
    private struct Unverified: Sendable {
        var partition: Partition
        var header: RecordBatchHeader
        var bytes: ByteBuffer
        var place: Int
    }

    /// The first batch of a transaction in a partition: the coordinator has to hold the partition for part of the transaction before
    /// anything is appended, so that the batch finds its end whatever happens (KIP-890). Clients that use its second part have the
    /// partition added here; those of before have added it themselves.
    ///
    /// Batches that come meanwhile for the same partition wait behind this one, since the coordinator's answers come in the order
    /// of the questions.
    private func verify(
        _ unverified: [Unverified], _ id: String, _ response: ProduceResponse, _ acks: Int16, _ reply: Reply<ProduceRequest>,
        _ completion: ProduceCompletion?
    ) {
        let identity = Transaction.Identity(producerID: unverified[0].header.producerID, epoch: unverified[0].header.producerEpoch)
        let partitions = Set(unverified.map { TopicPartition(topic: $0.partition.topic, partition: $0.partition.index) })
        let answered: TransactionCoordinator.Completion = { [self] error, _ in
            reply.eventLoop.execute { [self] in
                var response = response
                let nowMs = WallClock.nowMs
                for batch in unverified {
                    let (topic, index) = (batch.place >> 32, batch.place & 0xFFFF_FFFF)
                    do throws(Refusal) {
                        guard error == .none else {
                            throw Refusal(
                                code: Self.produceError(error, version: reply.version, abortableSince: 11),
                                message: "the transaction '\(id)' of producer \(identity.producerID), epoch \(identity.epoch)")
                        }
                        // One producer a request, as clients send it; another's batch was not asked about.
                        guard batch.header.producerID == identity.producerID, batch.header.producerEpoch == identity.epoch else {
                            throw Refusal(code: .invalidRecord, message: "the batches of one request are of several producers")
                        }
                        _ = try append(
                            batch.header, batch.bytes, to: batch.partition, &response.topics[topic].partitions[index], reply, nowMs,
                            completion, batch.place, hasAsked: true)
                    } catch {
                        response.topics[topic].partitions[index].error = error.code
                        response.topics[topic].partitions[index].errorMessage = error.message
                    }
                }
                finish(response, acks, reply, completion)
            }
        }
        if reply.version >= 12 {
            transactions.add(id, identity, partitions, clientVersion: 2, answered)
        } else {
            transactions.verify(id, identity, partitions, answered)
        }
    }

    /// The batch's header, when its bytes are one whole, sound batch of a kind that is served. No record is decoded.
    private static func check(_ bytes: UnsafeRawBufferPointer, version: Int16, bytesMax: Int) throws(Refusal) -> RecordBatchHeader {
        // The magic stands in the same place in all of Kafka's message formats.
        guard bytes.count > 16 else { throw Refusal(code: .corruptMessage, message: "\(bytes.count) bytes are no record batch") }
        guard bytes[16] == UInt8(RecordBatchHeader.magic) else {
            throw Refusal(
                code: .unsupportedForMessageFormat, message: "message format \(bytes[16]) is not served; record batches (format 2) are")
        }
        guard let header = RecordBatchHeader(bytes), header.batchLength > 0 else {
            throw Refusal(code: .corruptMessage, message: "\(bytes.count) bytes are no record batch")
        }
        guard bytes.count <= bytesMax else {
            throw Refusal(
                code: .messageTooLarge, message: "the batch has \(bytes.count) bytes; \(bytesMax) are accepted (max.message.bytes)")
        }
        guard header.size == bytes.count else {
            throw Refusal(code: .invalidRecord, message: "a produce request carries exactly one batch a partition, whole")
        }
        guard header.checksum == RecordBatchHeader.computeChecksum(bytes) else {
            throw Refusal(code: .corruptMessage, message: "the batch's CRC-32C does not match its bytes")
        }
        guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
            throw Refusal(code: .invalidRecord, message: "the batch's offsets do not match its record count")
        }
        // The shortest record has seven bytes: its length, attributes, two deltas, two lengths and a count of headers.
        guard header.codec != CompressionCodec.none || Int(header.recordCount) <= (header.size - RecordBatchHeader.size) / 7 else {
            throw Refusal(code: .invalidRecord, message: "\(header.size) bytes hold no \(header.recordCount) records")
        }
        guard !header.isControl else { throw Refusal(code: .invalidRecord, message: "control batches are written by the broker alone") }
        guard !header.isTransactional || header.isIdempotent else {
            throw Refusal(code: .invalidRecord, message: "a transactional batch has no producer id")
        }
        guard let codec = header.codec else { throw Refusal(code: .unsupportedCompressionType, message: "unknown compression") }
        if codec == .zstd, version < 7 {
            throw Refusal(code: .unsupportedCompressionType, message: "zstd is for Produce version 7 and later")
        }
        return header
    }
}

/// Gathers the acknowledgements of one produce request with acks=all, and answers it when all have come.
private final class ProduceCompletion: AckReceiver {
    private struct State {
        /// One more than batches, until all are appended.
        var pending = 1
        var errors: [(index: Int, error: ErrorCode)] = []
        var response = ProduceResponse()
    }

    private let reply: Reply<ProduceRequest>
    private let state = NIOLockedValueBox(State())

    init(_ reply: Reply<ProduceRequest>) { self.reply = reply }

    func expect() { state.withLockedValue { $0.pending += 1 } }
    func unexpect() { state.withLockedValue { $0.pending -= 1 } }

    func allAppended(_ response: ProduceResponse) {
        finish { $0.response = response }
    }

    func acknowledged(_ index: Int, _ error: ErrorCode) {
        finish { state in if error != .none { state.errors.append((index, error)) } }
    }

    private func finish(_ change: (inout State) -> Void) {
        let response = state.withLockedValue { state -> ProduceResponse? in
            change(&state)
            state.pending -= 1
            guard state.pending == 0 else { return nil }
            for (index, error) in state.errors { state.response.topics[index >> 32].partitions[index & 0xFFFF_FFFF].error = error }
            return state.response
        }
        if let response { reply.send(response) }
    }
}

extension ByteBuffer {
    /// The readable bytes in a storage of their own.
    fileprivate init(copying other: ByteBuffer) {
        self = ByteBufferAllocator().buffer(capacity: other.readableBytes)
        writeImmutableBuffer(other)
    }
}
