internal import Cassandra
internal import Foundation
internal import IO
internal import Kafka
internal import Logging
internal import Scheduler
internal import Spark
package import Stack

/// Asks the boxes what a pipeline is doing, each by its own protocol, and so the same of an embedded box and of a real one.
///
/// A box that does not answer costs its own part of the picture and nothing else: each keeps its last known figures.
package actor StatusGatherer {
    private let pipeline: String
    private let dagIDs: [String]
    private let topic: String?
    private let queryName: String?
    private let table: (keyspace: String, name: String)?
    private let kafka: KafkaClient
    private let cassandra: CassandraClient
    private let spark: SparkConnectClient
    private let airflow: AirflowClient
    private let started = ContinuousClock.now
    private let timeout: Duration
    private var last: PipelineStatus
    private var deadLettersSeen = -1
    /// By DAG and run: run ids are the DAG's own.
    private var endedRuns: [[String]: Counts] = [:]
    /// The query's id, from its start in this process or from when it was last seen running: an ended one is found by it alone.
    private var seenQuery: String?
    private var lastOffsets: [Int32: Int64]?
    private var countedAt: ContinuousClock.Instant?
    private let usersQuestion = Question<PipelineStatus.Users>("scheduler")
    private let recordsQuestion = Question<Records>("broker")
    private let queryQuestion = Question<QueryAnswer?>("engine")
    private let rowsQuestion = Question<Int?>("store", bound: .seconds(60))
    /// The newest runs of a DAG whose records are counted.
    private let runsCounted = 100
    /// Counting a table reads all of it: it is done again only after a rest of twenty times what it took, of five seconds at most.
    private var countsAgainAt = ContinuousClock.now
    private let restMax = Duration.seconds(5)
    /// How long a count that has to be right may take.
    private let finalCount = Duration.seconds(10)

    /// - Parameter queries: those that this process has started.
    package init(
        _ pipeline: any Pipeline, configuration: StackConfiguration, queries: [StreamingQuery] = [],
        timeout: Duration = .milliseconds(900)
    ) throws {
        self.pipeline = pipeline.name
        self.timeout = timeout
        let dags = try pipeline.dags
        dagIDs = dags.map(\.id)
        let query = try pipeline.queries(SparkSession.unbound).first.map { try $0.definition }
        topic = dags.flatMap(\.operators).compactMap(\.produces).first ?? query?.plan.subscribedTopic
        queryName = query?.name
        if let options = query?.sink.options, let keyspace = options["keyspace"], let name = options["table"] {
            table = (keyspace, name)
        } else {
            table = nil
        }
        var quiet = Logger(label: "leat.status")
        quiet.logLevel = .critical
        kafka = KafkaClient(KafkaClientConfiguration(bootstrap: try configuration.endpoints(of: .broker, for: .inside)), logger: quiet)
        cassandra = CassandraClient(
            CassandraClientConfiguration(contactPoints: try configuration.endpoints(of: .store, for: .inside)), logger: quiet)
        spark = SparkConnectClient(
            endpoint: try configuration.endpoints(of: .engine, for: .inside)[0], isSessionShared: true, logger: quiet)
        airflow = AirflowClient(try configuration.airflow, logger: quiet)
        if let started = queries.last(where: { $0.name == query?.name }) {
            seenQuery = started.id
            spark.know(ConnectStreamingQuery(id: started.id, runID: started.runId, name: started.name))
        }
        last = PipelineStatus(pipeline: pipeline.name, at: "", uptimeSeconds: 0)
        last.topic = topic.map { .init(name: $0) }
        last.query = queryName.map { .init(name: $0) }
        last.table = table.map { .init(name: "\($0.keyspace).\($0.name)") }
        last.dropped = topic.map { .init(topic: "\($0).dead-letter") }
    }

    /// One round: every box is asked at once.
    ///
    /// - Parameter countsTable: whether the table is counted now, however long the last count took.
    package func gather(countsTable: Bool = false) async -> PipelineStatus {
        let countPatience = countsTable ? max(timeout, finalCount) : timeout
        async let users = usersQuestion.ask(atMost: timeout) { try await self.users() }
        async let records = recordsQuestion.ask(atMost: timeout) { try await self.records() }
        async let query = queryQuestion.ask(atMost: timeout) { try await self.query() }
        async let rows = rowsQuestion.ask(atMost: countPatience, isFresh: countsTable) { try await self.rows(countsTable: countsTable) }
        let (usersAnswer, recordsAnswer, queryAnswer, rowsAnswer) = await (users, records, query, rows)

        var status = last
        status.problems = [usersAnswer.problem, recordsAnswer.problem, queryAnswer.problem, rowsAnswer.problem].compactMap(\.self)
        if let value = usersAnswer.value { status.users = value }
        if let value = recordsAnswer.value {
            status.topic?.records = value.records
            status.dropped = value.dropped ?? status.dropped
        }
        if let value = queryAnswer.value, let value { status.query = progressed(value, recordsAnswer.value) }
        if let value = rowsAnswer.value, let value { status.table?.rows = value }
        status.table?.countedSecondsAgo = countedAt.map { (((ContinuousClock.now - $0).inSeconds * 10).rounded() / 10) }
        status.at = Date.now.formatted(.iso8601.time(includingFractionalSeconds: true))
        status.uptimeSeconds = (Double(Int((ContinuousClock.now - started).inSeconds * 1_000)) / 1_000)
        last = status
        return status
    }

    /// The query alone, without the cost of the other questions.
    package func gatherQuery() async -> PipelineStatus.Query? {
        async let records = recordsQuestion.ask(atMost: timeout) { try await self.records() }
        async let query = queryQuestion.ask(atMost: timeout) { try await self.query() }
        let (recordsAnswer, queryAnswer) = await (records, query)
        if let value = queryAnswer.value, let value { last.query = progressed(value, recordsAnswer.value) }
        return last.query
    }

    /// How far the query's offsets have come between the topic's.
    private func progressed(_ answer: QueryAnswer, _ records: Records?) -> PipelineStatus.Query {
        var query = answer.query
        guard let offsets = answer.endOffsets, let records else {
            query.lag = answer.endOffsets == nil ? records?.records ?? query.lag : query.lag
            return query
        }
        var rows = 0, lag = 0
        for (partition, end) in records.ends {
            let start = records.starts[partition] ?? 0
            let read = max(start, offsets[partition] ?? start)
            rows += Int(read - start)
            lag += max(0, Int(end - read))
        }
        query.rows = rows
        query.lag = lag
        return query
    }

    package func close() async {
        await kafka.close()
        await cassandra.close()
        await spark.close()
        await airflow.close()
    }

    // MARK: One box each

    private struct Counts: Sendable {
        var records = 0
        var retried = 0
    }

    private func users() async throws -> PipelineStatus.Users {
        var users = PipelineStatus.Users()
        var isNewest = true
        for dag in dagIDs {
            for run in try await airflow.runs(dag, limit: runsCounted) {
                let counts: Counts
                if let known = endedRuns[[dag, run.runID]], !isNewest {
                    counts = known
                } else {
                    let instances = try await airflow.taskInstances(dag, run.runID)
                    counts = try await self.counts(dag, run, instances)
                    if isNewest {
                        users.run = run.state.rawValue
                        users.note = instances.lazy.compactMap(\.note).first
                        users.tryNumber = instances.map(\.tryNumber).max() ?? 0
                    }
                }
                isNewest = false
                users.fetched += counts.records
                users.retried += counts.retried
            }
        }
        return users
    }

    /// What a run's tasks have counted, over all of their tries. An ended run's are asked for once.
    private func counts(_ dag: String, _ run: AirflowRun, _ instances: [AirflowTaskInstance]) async throws -> Counts {
        if let known = endedRuns[[dag, run.runID]] { return known }
        var counts = Counts()
        for instance in instances where instance.tryNumber > 0 {
            let values = try await airflow.xcoms(dag, run.runID, instance.taskID)
            if let topic { counts.records += Int(values[topic]?.integer ?? 0) }
            counts.retried += Int(values["retried"]?.integer ?? 0)
        }
        if run.state == .success || run.state == .failed { endedRuns[[dag, run.runID]] = counts }
        return counts
    }

    private struct Records: Sendable {
        var records = 0
        var starts: [Int32: Int64] = [:]
        var ends: [Int32: Int64] = [:]
        var dropped: PipelineStatus.Dropped?
    }

    private func records() async throws -> Records {
        var answer = Records()
        guard let topic else { return answer }
        let deadLetters = "\(topic).dead-letter"
        // Asked for all topics, since a topic that is asked for by name and is absent would be an error or be created.
        let topics = try await kafka.metadata(topics: nil).topics
        var specs: [TopicPartition] = []
        for found in topics where found.name == topic || found.name == deadLetters {
            specs += found.partitions.map { TopicPartition(topic: found.name, partition: $0.index) }
        }
        guard !specs.isEmpty else { return answer }
        let starts = try await kafka.offsets(Dictionary(uniqueKeysWithValues: specs.map { ($0, .earliest) }))
        let ends = try await kafka.offsets(Dictionary(uniqueKeysWithValues: specs.map { ($0, .latest) }))
        for (partition, end) in ends where partition.topic == topic {
            answer.starts[partition.partition] = starts[partition]
            answer.ends[partition.partition] = end
            answer.records += Int(end - (starts[partition] ?? 0))
        }
        let dropped = ends.filter { $0.key.topic == deadLetters && $0.value > starts[$0.key] ?? 0 }
        let count = dropped.reduce(0) { $0 + Int($1.value - (starts[$1.key] ?? 0)) }
        answer.dropped = last.dropped
        answer.dropped?.count = count
        if count != deadLettersSeen, let newest = dropped.max(by: { $0.value < $1.value }) {
            try await describe(newest.key, offset: newest.value - 1, in: &answer.dropped)
            deadLettersSeen = count
        }
        return answer
    }

    private func describe(_ partition: TopicPartition, offset: Int64, in dropped: inout PipelineStatus.Dropped?) async throws {
        let records = try await kafka.fetch(partition, from: offset, maxBytes: 1 << 20, maxWait: .milliseconds(100), minBytes: 1)
        guard records.count > 0 else { return }
        var headers: [String: String] = [:]
        for header in try records.headers(at: records.count - 1) {
            headers[header.key] = header.value.map { String(decoding: $0, as: UTF8.self) }
        }
        dropped?.lastReason = headers["leat.reason"]
        if let topic = headers["leat.topic"], let from = headers["leat.partition"], let at = headers["leat.offset"] {
            dropped?.lastPlace = "\(topic)[\(from)]@\(at)"
        }
    }

    private struct QueryAnswer: Sendable {
        var query: PipelineStatus.Query
        /// Partition to the offset that the last batch ended before; nil before the first batch.
        var endOffsets: [Int32: Int64]?
    }

    private func query() async throws -> QueryAnswer? {
        guard let queryName, var query = last.query else { return nil }
        guard let found = try await spark.activeQueries().first(where: { $0.name == queryName }) else {
            query.isActive = false
            query.status = "not running"
            if let seenQuery {
                query.exception = try await spark.exception(seenQuery)?.message
                query.status = query.exception == nil ? "stopped" : "ended with an error"
            }
            return QueryAnswer(query: query, endOffsets: lastOffsets)
        }
        seenQuery = found.id
        query.isActive = true
        query.exception = nil
        query.status = try await spark.status(found.id).message
        var answer = QueryAnswer(query: query)
        let progress = try await spark.recentProgress(found.id).compactMap { StreamingProgress(json: $0) }
        if let newest = progress.last {
            answer.query.batch = newest.batchID
            answer.endOffsets = topic.flatMap { newest.endOffsets(of: $0) }
            lastOffsets = answer.endOffsets
        }
        if let busy = progress.last(where: { $0.numInputRows > 0 }) { answer.query.batchMilliseconds = busy.batchDuration }
        return answer
    }

    private func rows(countsTable: Bool) async throws -> Int? {
        guard let table else { return nil }
        let begin = ContinuousClock.now
        guard countsTable || begin >= countsAgainAt else { return nil }
        let answer = try await cassandra.query("SELECT count(*) FROM \"\(table.keyspace)\".\"\(table.name)\"")
        let took = ContinuousClock.now - begin
        countsAgainAt = .now + min(took * 20, restMax)
        guard case .bigint(let count)? = answer.rows.first?.first else { return nil }
        countedAt = begin
        return Int(count)
    }
}
