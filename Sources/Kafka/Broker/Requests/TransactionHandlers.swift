internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    func initProducerID(_ request: InitProducerIDRequest, _ reply: Reply<InitProducerIDRequest>) {
        guard let id = request.transactionalID else {
            return administer { [self] in
                do {
                    reply.send(InitProducerIDResponse(producerID: try producerIDs.next(), producerEpoch: 0))
                } catch {
                    logger.error("producer ids cannot be reserved", metadata: ["error": "\(error)"])
                    reply.send(InitProducerIDResponse(error: .kafkaStorageError))
                }
            }
        }
        guard !id.isEmpty else { return reply.send(InitProducerIDResponse(error: .invalidRequest)) }
        let expected = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
        guard (expected.producerID >= 0) == (expected.epoch >= 0) else {
            return reply.send(InitProducerIDResponse(error: .invalidRequest))
        }
        transactions.initialise(id, timeoutMs: request.transactionTimeoutMs, expected: expected.producerID >= 0 ? expected : nil) {
            error, identity in
            reply.send(
                InitProducerIDResponse(
                    error: Self.fencing(error, version: reply.version, since: 4), producerID: identity.producerID,
                    producerEpoch: identity.epoch))
        }
    }

    /// PRODUCER_FENCED is for clients that know it (KIP-588).
    private static func fencing(_ error: ErrorCode, version: Int16, since: Int16) -> ErrorCode {
        error == .producerFenced && version < since ? .invalidProducerEpoch : error
    }

    func addPartitionsToTxn(_ request: AddPartitionsToTxnRequest, _ reply: Reply<AddPartitionsToTxnRequest>) {
        var errors: [TopicPartition: ErrorCode] = [:]
        var partitions: Set<TopicPartition> = []
        for topic in request.topics {
            let found = topics[topic.name]
            for index in topic.partitions {
                let place = TopicPartition(topic: topic.name, partition: index)
                partitions.insert(place)
                if let found, found.partitions.indices.contains(Int(index)) {
                    if found.isInternal { errors[place] = .topicAuthorizationFailed }
                } else {
                    errors[place] = .unknownTopicOrPartition
                }
            }
        }
        @Sendable func answer(_ error: ErrorCode, _ errors: [TopicPartition: ErrorCode]) {
            reply.send(
                AddPartitionsToTxnResponse(
                    topics: request.topics.map { topic in
                        .init(
                            name: topic.name,
                            partitions: topic.partitions.map {
                                .init(index: $0, error: errors[TopicPartition(topic: topic.name, partition: $0)] ?? error)
                            })
                    }))
        }
        // All or nothing: the sound ones are not added without the others.
        guard errors.isEmpty else { return answer(.operationNotAttempted, errors) }
        let identity = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
        transactions.add(request.transactionalID, identity, partitions, clientVersion: 0) { error, _ in
            answer(Self.fencing(error, version: reply.version, since: 2), [:])
        }
    }

    private static let offsetsPlace = TopicPartition(topic: Topic.offsetsName, partition: 0)

    func addOffsetsToTxn(_ request: AddOffsetsToTxnRequest, _ reply: Reply<AddOffsetsToTxnRequest>) {
        guard !request.groupID.isEmpty else { return reply.send(AddOffsetsToTxnResponse(error: .invalidGroupID)) }
        let identity = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
        coordinator.withOffsetsTopic { [self] error in
            guard error == .none else { return reply.send(AddOffsetsToTxnResponse(error: error)) }
            transactions.add(request.transactionalID, identity, [Self.offsetsPlace], clientVersion: 0) { error, _ in
                reply.send(AddOffsetsToTxnResponse(error: Self.fencing(error, version: reply.version, since: 2)))
            }
        }
    }

    func txnOffsetCommit(_ request: TxnOffsetCommitRequest, _ reply: Reply<TxnOffsetCommitRequest>) {
        let identity = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
        let completion: TransactionCoordinator.Completion = { [self] error, _ in
            guard error == .none else {
                return reply.send(TxnOffsetCommitResponse(to: request, Self.produceError(error, version: reply.version, abortableSince: 4)))
            }
            coordinator.commit(request, reply)
        }
        guard reply.version >= 5 else {
            return transactions.verify(request.transactionalID, identity, [Self.offsetsPlace], completion)
        }
        coordinator.withOffsetsTopic { [self] error in
            guard error == .none else { return reply.send(TxnOffsetCommitResponse(to: request, error)) }
            transactions.add(request.transactionalID, identity, [Self.offsetsPlace], clientVersion: 2, completion)
        }
    }

    /// The coordinator's errors as a Produce or TxnOffsetCommit answer names them to older and newer clients.
    static func produceError(_ error: ErrorCode, version: Int16, abortableSince: Int16) -> ErrorCode {
        switch error {
        case .producerFenced: .invalidProducerEpoch
        case .transactionAbortable where version < abortableSince: .invalidTxnState
        default: error
        }
    }

    func endTxn(_ request: EndTxnRequest, _ reply: Reply<EndTxnRequest>) {
        let identity = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
        transactions.end(request.transactionalID, identity, isCommit: request.isCommitted, raisesEpoch: reply.version >= 5) {
            error, next in
            reply.send(
                EndTxnResponse(
                    error: Self.fencing(error, version: reply.version, since: 2), producerID: next.producerID,
                    producerEpoch: next.epoch))
        }
    }

    // MARK: Looking

    func describeTransactions(_ request: DescribeTransactionsRequest, _ reply: Reply<DescribeTransactionsRequest>) {
        transactions.perform { coordinator in
            var response = DescribeTransactionsResponse()
            for id in request.transactionalIDs {
                guard let record = coordinator.state.value.transactions[id]?.record, record.identity.producerID >= 0 else {
                    response.transactions.append(.init(error: .transactionalIDNotFound, transactionalID: id))
                    continue
                }
                response.transactions.append(
                    .init(
                        transactionalID: id, state: record.state.description, timeoutMs: record.timeoutMs,
                        startTimeMs: record.state == .ongoing || record.state.isPrepared ? record.startMs : -1,
                        producerID: record.identity.producerID, producerEpoch: record.identity.epoch,
                        topics: Dictionary(grouping: record.partitions, by: \.topic).sorted { $0.key < $1.key }.map {
                            .init(name: $0.key, partitions: $0.value.map(\.partition).sorted())
                        }))
            }
            reply.send(response)
        }
    }

    func listTransactions(_ request: ListTransactionsRequest, _ reply: Reply<ListTransactionsRequest>) {
        transactions.perform { coordinator in
            let names = Set(Transaction.State.allCases.map(\.description))
            var response = ListTransactionsResponse(unknownStates: request.states.filter { !names.contains($0) })
            for (id, transaction) in coordinator.state.value.transactions.sorted(by: { $0.key < $1.key }) {
                let record = transaction.record
                guard record.identity.producerID >= 0,
                    request.states.isEmpty || request.states.contains(record.state.description),
                    request.producerIDs.isEmpty || request.producerIDs.contains(record.identity.producerID),
                    request.duration < 0 || (record.state == .ongoing && coordinator.now - record.startMs > request.duration)
                else { continue }
                response.transactions.append(
                    .init(transactionalID: id, producerID: record.identity.producerID, state: record.state.description))
            }
            reply.send(response)
        }
    }

    func describeProducers(_ request: DescribeProducersRequest, _ reply: Reply<DescribeProducersRequest>) {
        var response = DescribeProducersResponse()
        for topic in request.topics {
            response.topics.append(
                .init(
                    name: topic.name,
                    partitions: topic.partitions.map { index in
                        guard let partition = topics.partition(topic.name, index) else {
                            return .init(
                                index: index, error: .unknownTopicOrPartition, errorMessage: "there is no partition \(topic.name)-\(index)")
                        }
                        return .init(
                            index: index,
                            producers: partition.producers.sorted { $0.key < $1.key }.map { id, producer in
                                .init(
                                    producerID: id, producerEpoch: Int32(producer.epoch),
                                    lastSequence: producer.batches.last?.lastSequence ?? -1, lastTimestamp: producer.lastWrite,
                                    transactionStartOffset: producer.transactionStart)
                            })
                    }))
        }
        reply.send(response)
    }
}
