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
                    guard request.transactionalID == nil else { throw Self.transactionsRefused }
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
                    completion?.expect()
                    let result = bytes.withUnsafeReadableBytes { raw -> Result<Partition.Outcome, Refusal> in
                        do throws(Refusal) {
                            let header = try Self.check(raw, version: reply.version, bytesMax: partition.maxMessageBytes)
                            return .success(
                                partition.append(
                                    header, raw, nowMs: nowMs, waiting: completion.map { ($0, topicIndex << 32 | index) }))
                        } catch {
                            return .failure(error)
                        }
                    }
                    switch result {
                    case .success(.appended(let baseOffset, let logAppendTimeMs)):
                        answer.baseOffset = baseOffset
                        answer.logAppendTimeMs = logAppendTimeMs
                        if reply.version >= 5 { answer.logStartOffset = partition.offsets.start }
                    case .success(.refused(let code, let message)):
                        completion?.unexpect()
                        throw Refusal(code: code, message: message)
                    case .failure(let refusal):
                        completion?.unexpect()
                        throw refusal
                    }
                } catch {
                    answer.error = error.code
                    answer.errorMessage = error.message
                }
                answers.append(answer)
            }
            response.topics.append(.init(name: topic.name, partitions: answers))
        }
        if let completion {
            completion.allAppended(response)
        } else if request.acks == 0 {
            reply.sendNothing()
        } else {
            reply.send(response)
        }
    }

    private static let transactionsRefused = Refusal(
        code: .transactionalIDAuthorizationFailed, message: "this broker serves no transactions; leave transactional.id unset")

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
        guard !header.isControl, !header.isTransactional else { throw transactionsRefused }
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
