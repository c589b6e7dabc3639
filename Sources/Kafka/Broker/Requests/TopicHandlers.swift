internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    func createTopics(_ request: CreateTopicsRequest, _ reply: Reply<CreateTopicsRequest>) {
        administer { [self] in
            var response = CreateTopicsResponse()
            var counts: [String: Int] = [:]
            for topic in request.topics { counts[topic.name, default: 0] += 1 }
            for asked in request.topics {
                var answer = CreateTopicsResponse.Topic(name: asked.name)
                do throws(TopicError) {
                    if counts[asked.name] != 1 {
                        throw TopicError(code: .invalidRequest, message: "'\(asked.name)' is named more than once")
                    }
                    if Topic.isInternal(asked.name) {
                        throw TopicError(code: .invalidTopicException, message: "\(asked.name) is made by the broker")
                    }
                    let (partitions, replicas) = try Self.layout(asked)
                    var overrides: [String: String] = [:]
                    for config in asked.configs { overrides[config.name] = config.value }
                    let topic = try topics.create(
                        asked.name, partitions: partitions, replicationFactor: replicas, overrides: overrides, nowMs: WallClock.nowMs,
                        isDryRun: request.validateOnly)
                    answer.id = topic.id
                    answer.partitions = request.validateOnly ? partitions : Int32(topic.partitions.count)
                    answer.replicationFactor = 1
                    answer.configs = configs(topic.overrides).map {
                        .init(name: $0.name, value: $0.value, source: $0.source)
                    }
                } catch {
                    answer.error = error.code
                    answer.errorMessage = error.message
                }
                response.topics.append(answer)
            }
            reply.send(response)
        }
    }

    /// Partition and replica counts; a manual assignment may name this node alone.
    private static func layout(_ asked: CreateTopicsRequest.Topic) throws(TopicError) -> (Int32, Int16) {
        guard !asked.assignments.isEmpty else { return (asked.partitions, asked.replicationFactor) }
        guard asked.partitions == -1, asked.replicationFactor == -1 else {
            throw TopicError(code: .invalidRequest, message: "give either counts or an assignment, not both")
        }
        guard asked.assignments.map(\.partition).sorted() == Array(0..<Int32(asked.assignments.count)),
            asked.assignments.allSatisfy({ $0.brokers == [id] })
        else { throw TopicError(code: .invalidReplicaAssignment, message: "partitions count from 0, and each is on node \(id) alone") }
        return (Int32(asked.assignments.count), 1)
    }

    func deleteTopics(_ request: DeleteTopicsRequest, _ reply: Reply<DeleteTopicsRequest>) {
        administer { [self] in
            var response = DeleteTopicsResponse()
            for asked in request.topics {
                var answer = DeleteTopicsResponse.Topic(name: asked.name, id: asked.id)
                do throws(TopicError) {
                    let name = asked.name ?? topics[asked.id]?.name
                    guard let name else { throw TopicError(code: .unknownTopicID, message: "there is no topic with the id \(asked.id)") }
                    let topic = try topics.delete(name)
                    answer.name = name
                    answer.id = topic.id
                    coordinator.forget(topic: name)
                } catch {
                    answer.error = error.code
                    answer.errorMessage = error.message
                }
                response.topics.append(answer)
            }
            reply.send(response)
        }
    }

    func createPartitions(_ request: CreatePartitionsRequest, _ reply: Reply<CreatePartitionsRequest>) {
        administer { [self] in
            var response = CreatePartitionsResponse()
            for asked in request.topics {
                var result = CreatePartitionsResponse.Result(name: asked.name)
                do throws(TopicError) {
                    if let assignments = asked.assignments, !assignments.allSatisfy({ $0.brokers == [Self.id] }) {
                        throw TopicError(code: .invalidReplicaAssignment, message: "each partition is on node \(Self.id) alone")
                    }
                    try topics.addPartitions(asked.name, total: asked.count, nowMs: WallClock.nowMs, isDryRun: request.validateOnly)
                } catch {
                    result.error = error.code
                    result.errorMessage = error.message
                }
                response.results.append(result)
            }
            reply.send(response)
        }
    }
}
