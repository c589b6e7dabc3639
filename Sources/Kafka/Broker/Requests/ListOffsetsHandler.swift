internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    func listOffsets(_ request: ListOffsetsRequest, _ reply: Reply<ListOffsetsRequest>) {
        let searches = request.topics.contains {
            $0.partitions.contains { $0.timestamp >= 0 || $0.timestamp == ListOffsetsRequest.maxTimestamp }
        }
        // A search by time reads batch headers.
        if searches { readFiles { [self] in reply.send(answer(request)) } } else { reply.send(answer(request)) }
    }

    private func answer(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        ListOffsetsResponse(
            topics: request.topics.map { topic in
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map { answer(topic.name, $0, request.isolationLevel == FetchRequest.readCommitted) })
            })
    }

    private func answer(
        _ topic: String, _ asked: ListOffsetsRequest.Partition, _ isCommittedOnly: Bool
    ) -> ListOffsetsResponse.Partition {
        var answer = ListOffsetsResponse.Partition(index: asked.index)
        guard let partition = topics.partition(topic, asked.index) else {
            answer.error = .unknownTopicOrPartition
            return answer
        }
        answer.leaderEpoch = partition.leaderEpoch
        let (start, highWatermark) = partition.offsets
        let end = isCommittedOnly ? partition.lastStableOffset : highWatermark
        switch asked.timestamp {
        case ListOffsetsRequest.latest:
            answer.offset = end
        case ListOffsetsRequest.earliest, ListOffsetsRequest.earliestLocal:
            answer.offset = start
        case ListOffsetsRequest.latestTiered:
            answer.leaderEpoch = -1
        case ListOffsetsRequest.maxTimestamp, 0...:
            let timestamp = asked.timestamp >= 0 ? asked.timestamp : partition.maxTimestamp
            guard timestamp >= 0 else { break }
            do throws(FileError) {
                if let found = try partition.search(for: timestamp)?.perform(), found.offset < end {
                    answer.timestamp = found.timestamp
                    // Records below the log's begin may still lie in its first segment.
                    answer.offset = max(start, found.offset)
                }
            } catch {
                logger.error("a log cannot be searched", metadata: ["error": "\(error)"])
                answer.error = .kafkaStorageError
            }
        default:
            answer.error = .invalidRequest
        }
        return answer
    }
}
