internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    /// Answers when the logs' new begins are durable; segments that are left behind go at once.
    func deleteRecords(_ request: DeleteRecordsRequest, _ reply: Reply<DeleteRecordsRequest>) {
        administer { [self] in
            var response = DeleteRecordsResponse()
            var shortened: [Partition] = []
            for topic in request.topics {
                let found = topics[topic.name]
                var answers: [DeleteRecordsResponse.Partition] = []
                for asked in topic.partitions {
                    var answer = DeleteRecordsResponse.Partition(index: asked.index)
                    if let found, found.partitions.indices.contains(Int(asked.index)) {
                        let partition = found.partitions[Int(asked.index)]
                        if found.isInternal {
                            answer.error = .topicAuthorizationFailed
                        } else if partition.config.isCompacted {
                            answer.error = .policyViolation
                        } else if let start = partition.deleteRecords(before: asked.offset) {
                            answer.lowWatermark = start
                            shortened.append(partition)
                        } else {
                            answer.error = .offsetOutOfRange
                        }
                    } else {
                        answer.error = .unknownTopicOrPartition
                    }
                    answers.append(answer)
                }
                response.topics.append(.init(name: topic.name, partitions: answers))
            }
            if !shortened.isEmpty {
                do throws(FileError) {
                    try Checkpoints(folder: configuration.folder).write(logStarts: topics.all.flatMap(\.partitions))
                    for partition in shortened { partition.removeSegments(before: partition.deletedBelow) }
                } catch {
                    logger.error("where logs begin cannot be written", metadata: ["error": "\(error)"])
                    for topic in response.topics.indices {
                        for index in response.topics[topic].partitions.indices
                        where response.topics[topic].partitions[index].error == .none {
                            response.topics[topic].partitions[index].error = .kafkaStorageError
                            response.topics[topic].partitions[index].lowWatermark = -1
                        }
                    }
                }
            }
            reply.send(response)
        }
    }

    /// There is one epoch, which has not ended: its end is what may be read.
    func offsetForLeaderEpoch(_ request: OffsetForLeaderEpochRequest, _ reply: Reply<OffsetForLeaderEpochRequest>) {
        var response = OffsetForLeaderEpochResponse()
        for topic in request.topics {
            response.topics.append(
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map { asked in
                        guard let partition = topics.partition(topic.name, asked.index) else {
                            return .init(error: .unknownTopicOrPartition, index: asked.index)
                        }
                        if asked.currentLeaderEpoch > partition.leaderEpoch { return .init(error: .unknownLeaderEpoch, index: asked.index) }
                        if asked.currentLeaderEpoch >= 0, asked.currentLeaderEpoch < partition.leaderEpoch {
                            return .init(error: .fencedLeaderEpoch, index: asked.index)
                        }
                        guard asked.leaderEpoch == partition.leaderEpoch else { return .init(index: asked.index) }
                        return .init(index: asked.index, leaderEpoch: partition.leaderEpoch, endOffset: partition.offsets.highWatermark)
                    }))
        }
        reply.send(response)
    }
}
