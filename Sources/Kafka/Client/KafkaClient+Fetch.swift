internal import IO
package import NIOCore

extension KafkaClient {
    /// Fetches records of one partition from its leader; of transactions those that the configuration's `isolationLevel` admits.
    ///
    /// - Parameters:
    ///   - maxBytes: about as much as one answer may hold; a larger batch comes whole all the same (KIP-74).
    ///   - maxWait: how long the broker waits for `minBytes`.
    /// - Returns: perhaps no record, when none came in time.
    /// - Throws: ``KafkaError``, with the code ``ErrorCode/offsetOutOfRange`` where the log does not reach to the offset.
    package func fetch(
        _ partition: TopicPartition, from offset: Int64, maxBytes: Int = 8 << 20, maxWait: Duration = .milliseconds(500),
        minBytes: Int = 1
    ) async throws -> FetchedRecords {
        do {
            return try await retrying {
                do {
                    return try await fetchOnce(partition, from: offset, maxBytes: maxBytes, maxWait: maxWait, minBytes: minBytes)
                } catch {
                    noteFailure(error, topic: partition.topic)
                    throw error
                }
            }
        } catch KafkaError.refused(.offsetOutOfRange, let operation, let subject, let broker, _) {
            throw KafkaError.refused(
                .offsetOutOfRange, operation: operation, subject: subject, broker: broker,
                message: await rangeText(partition, asked: offset))
        }
    }

    private func fetchOnce(
        _ partition: TopicPartition, from offset: Int64, maxBytes: Int, maxWait: Duration, minBytes: Int
    ) async throws -> FetchedRecords {
        let leader = try await leader(of: partition)
        let (connection, release) = try await leader.fetchConnection()
        let bytesMax = Int32(clamping: min(maxBytes, configuration.responseBytesMax / 2))
        let request = FetchRequest(
            maxWaitMs: Int32(clamping: Int(maxWait.inMilliseconds.rounded())), minBytes: Int32(clamping: minBytes), maxBytes: bytesMax,
            isolationLevel: configuration.isolationLevel.code,
            topics: [
                .init(
                    name: partition.topic,
                    partitions: [.init(index: partition.partition, fetchOffset: offset, maxBytes: bytesMax)])
            ])
        // From version 13 on topics go by id, which this client does not keep.
        let (response, body) = try await connection.call(
            request, clientID: configuration.clientID, versionMax: 12, timeout: configuration.requestTimeout + maxWait,
            onSettled: release)
        let broker = connection.endpoint
        guard response.error == .none else {
            throw KafkaError.refused(response.error, operation: "Fetch", subject: "\(partition)", broker: broker, message: nil)
        }
        let described = response.topics.first { $0.name == partition.topic }?.partitions.first { $0.index == partition.partition }
        guard let described else {
            throw KafkaError.malformedResponse(broker, operation: "Fetch", reason: "it does not speak of \(partition)")
        }
        guard described.error == .none else {
            throw KafkaError.refused(described.error, operation: "Fetch", subject: "\(partition)", broker: broker, message: nil)
        }
        return try decode(described, in: body, partition: partition, from: offset)
    }

    private func decode(
        _ described: FetchResponse.Partition, in body: ByteBuffer, partition: TopicPartition, from offset: Int64
    ) throws -> FetchedRecords {
        let decoder = RecordDecoder(
            topicPartition: partition, requestedOffset: offset, batchBytesMax: configuration.batchBytesMax,
            arenaBytesMax: configuration.arenaBytesMax,
            aborted: configuration.isolationLevel == .readCommitted ? described.abortedTransactions ?? [] : [])
        guard let records = described.records?.bytes, records.readableBytes > 0 else {
            return try decoder.decode(
                frame: ByteBuffer(repeating: 0, count: RecordArena.padding), range: 0..<0, highWatermark: described.highWatermark,
                logStartOffset: described.logStartOffset, contexts: contexts)
        }
        // The records are a slice of the body, whose bytes they share; where they lie in it tells the address.
        let start = body.withUnsafeReadableBytes { body in
            records.withUnsafeReadableBytes { $0.baseAddress! - body.baseAddress! }
        }
        // The connection left room for the padding and filled it with zeros.
        var frame = body
        frame.moveWriterIndex(forwardBy: RecordArena.padding)
        return try decoder.decode(
            frame: frame, range: start..<start + records.readableBytes, highWatermark: described.highWatermark,
            logStartOffset: described.logStartOffset, contexts: contexts)
    }

    private func rangeText(_ partition: TopicPartition, asked: Int64) async -> String {
        let earliest = try? await offsets([partition: .earliest])[partition]
        let latest = try? await offsets([partition: .latest])[partition]
        guard let earliest, let latest else { return "offset \(asked) was asked for" }
        return "offset \(asked) was asked for; the partition holds \(earliest) to \(latest), the latter not included"
    }

    /// Appends one encoded record batch. For load generators; ``KafkaProducer`` is for records.
    ///
    /// - Parameter acks: 1 (the leader's log) or -1 (all in-sync replicas).
    /// - Returns: the batch's base offset.
    package func append(_ batch: ByteBuffer, to partition: TopicPartition, acks: Int16 = -1) async throws -> Int64 {
        precondition(acks == 1 || acks == -1, "a batch without acknowledgement has no offset to return")
        let connection = try await leader(of: partition).connection()
        let request = ProduceRequest(
            acks: acks, timeoutMs: Int32(clamping: Int(configuration.requestTimeout.inMilliseconds)),
            topics: [.init(name: partition.topic, partitions: [.init(index: partition.partition, records: .bytes(batch))])])
        let (response, _) = try await connection.call(
            request, clientID: configuration.clientID, timeout: configuration.requestTimeout)
        guard let answer = response.topics.first?.partitions.first else {
            throw KafkaError.malformedResponse(connection.endpoint, operation: "Produce", reason: "it does not speak of \(partition)")
        }
        guard answer.error == .none else {
            throw KafkaError.refused(
                answer.error, operation: "Produce", subject: "\(partition)", broker: connection.endpoint, message: answer.errorMessage)
        }
        return answer.baseOffset
    }
}
