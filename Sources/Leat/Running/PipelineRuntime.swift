internal import Cassandra
package import IO
internal import Kafka
package import Logging
internal import NIOConcurrencyHelpers
internal import RandomUser
internal import Scheduler
internal import Spark
package import Stack

/// Boxes and pipelines joined up: starts the boxes, prepares the tables, starts the queries, triggers the DAGs, and stops it all.
package final class PipelineRuntime: Sendable {
    package let stack: Stack
    package let pipelines: [any Pipeline]
    private let links: PipelineLinks
    private let logger: Logger
    private let started = NIOLockedValueBox<[StreamingQuery]>([])
    /// The Spark that runs the queries, where the engine is not of this process.
    private let remote = NIOLockedValueBox<SparkConnectClient?>(nil)

    /// The queries that were started here, running or ended.
    package var queries: [StreamingQuery] { started.withLockedValue { $0 } }

    /// What a start is to bring up.
    package struct Plan: Sendable {
        /// The boxes to start here, where they are configured as embedded.
        package var boxes: Set<Box>
        package var pipelines: [any Pipeline]
        /// Whether the pipelines' tables are prepared and their queries started on the engine of this process.
        package var runsQueries: Bool
        /// Whether each DAG is triggered once.
        package var triggers: Bool

        package init(boxes: Set<Box>, pipelines: [any Pipeline], runsQueries: Bool, triggers: Bool) {
            self.boxes = boxes
            self.pipelines = pipelines
            self.runsQueries = runsQueries
            self.triggers = triggers
        }
    }

    private init(stack: Stack, pipelines: [any Pipeline], links: PipelineLinks, logger: Logger) {
        self.stack = stack
        self.pipelines = pipelines
        self.links = links
        self.logger = logger
    }

    /// Returns when everything runs: boxes ready, tables there, queries started, DAGs triggered.
    package static func start(_ configuration: StackConfiguration, plan: Plan, logger: Logger) async throws -> PipelineRuntime {
        let links = PipelineLinks(logger: logger)
        let dags = try plan.pipelines.flatMap { try $0.dags }
        let definitions = try dags.map { try $0.definition(links: links) }
        let stack = try await Stack.start(configuration, boxes: plan.boxes, dags: definitions, logger: logger)
        let runtime = PipelineRuntime(stack: stack, pipelines: plan.pipelines, links: links, logger: logger)
        do {
            if !plan.pipelines.isEmpty { try links.connect(to: stack.configuration) }
            if plan.runsQueries { try await runtime.startQueries() }
            if plan.triggers { try await runtime.trigger(dags) }
            try Task.checkCancellation()
        } catch {
            // In a task of its own: a start that is cancelled still stops in order.
            await Task { await runtime.stop() }.value
            throw error
        }
        return runtime
    }

    private func startQueries() async throws {
        let session = try stack.engine.map { SparkSession(engine: $0) } ?? SparkSession(remote: remoteSpark())
        for pipeline in pipelines {
            let queries = try pipeline.queries(session)
            guard !queries.isEmpty else { continue }
            try await prepare(pipeline)
            for query in queries {
                let query = try await query.start()
                started.withLockedValue { $0.append(query) }
            }
        }
    }

    /// The Spark that `engine.use` names: the pipeline's queries run there, and read and write the boxes at their advertised addresses.
    private func remoteSpark() throws -> RemoteSpark {
        let configuration = stack.configuration
        let client = SparkConnectClient(
            endpoint: try configuration.endpoints(of: .engine)[0], startTimeout: configuration.values.duration("pipeline.prepare.timeout"),
            isSessionShared: true, logger: logger)
        remote.withLockedValue { $0 = client }
        return RemoteSpark(
            client: client, bootstrap: try configuration.endpoints(of: .broker),
            contactPoints: try configuration.endpoints(of: .store), logger: logger)
    }

    /// Creates the pipeline's tables, waiting for a store that does not answer yet.
    private func prepare(_ pipeline: any Pipeline) async throws {
        let limit = stack.configuration.values.duration("pipeline.prepare.timeout")
        let deadline = ContinuousClock.now + limit
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        let session = CassandraSession(client: links.cassandra)
        while true {
            do {
                return try await pipeline.prepare(session)
            } catch let error as CassandraClientError where error.mayPass {
                guard ContinuousClock.now < deadline else {
                    throw PipelineError(
                        problem: "the store has not answered within \(limit.text): \(error.place.map { $0 + ": " } ?? "")\(error.problem)",
                        nextStep: "start it, give its address with store.use, or raise pipeline.prepare.timeout")
                }
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    private func trigger(_ dags: [DAG]) async throws {
        guard !dags.isEmpty else { return }
        let client = AirflowClient(try stack.configuration.airflow, logger: logger)
        do {
            for dag in dags { _ = try await client.trigger(dag.id) }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    /// Stops the boxes in order; each drains what it has taken on.
    package func stop() async {
        // What the tasks send goes out before the broker stops, and their clients leave before it does.
        await stack.drain()
        if let remote = remote.withLockedValue({ $0 }) {
            // The other Spark runs on: what this process started there it stops.
            for query in started.withLockedValue({ $0 }) where query.isActive { await query.stop() }
            await remote.close()
        }
        await links.close()
        await stack.stop()
    }
}

/// What a pipeline's tasks reach the other boxes through; connected once their addresses are known.
final class PipelineLinks: Sendable {
    private struct Open {
        let bootstrap: [Endpoint]
        /// Made for the first task that runs: it has threads and connections of its own.
        var producer: KafkaProducer?
        let users: RandomUserClient
        let cassandra: CassandraClient
        let settings: PipelineSettings
        let flushTimeout: Duration
    }

    private let open = NIOLockedValueBox<Open?>(nil)
    private let connected = Gate()
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    func connect(to configuration: StackConfiguration) throws {
        let values = configuration.values
        let api = try configuration.apiAddress(for: .inside)
        let open = Open(
            bootstrap: try configuration.endpoints(of: .broker, for: .inside),
            users: try RandomUserClient(RandomUserClientConfiguration(url: api, values: values), logger: logger),
            cassandra: CassandraClient(
                CassandraClientConfiguration(contactPoints: try configuration.endpoints(of: .store, for: .inside)), logger: logger),
            settings: PipelineSettings(api: api, rate: values.integer("pipeline.rate"), duration: values.duration("pipeline.for")),
            flushTimeout: values.duration("pipeline.flush.timeout"))
        self.open.withLockedValue { $0 = open }
        connected.open()
    }

    /// Whether a task has needed the broker yet.
    var hasProducer: Bool { open.withLockedValue { $0?.producer != nil } }

    var cassandra: CassandraClient { open.withLockedValue { $0!.cassandra } }

    /// A task's view of the boxes. Waits for the connection: a run that an earlier process left behind may start before it.
    func run(_ context: TaskContext) async throws -> TaskRun {
        try await connected.wait()
        let (open, producer) = try open.withLockedValue { open in
            let producer = try open!.producer ?? KafkaProducer(bootstrap: open!.bootstrap, logger: logger)
            open!.producer = producer
            return (open!, producer)
        }
        return TaskRun(
            context: context, settings: open.settings,
            kafka: KafkaSender(producer: producer, flushTimeout: open.flushTimeout) { topic in context.count(topic, 1) },
            userClient: open.users)
    }

    func close() async {
        let open = open.withLockedValue { $0 }
        guard let open else { return }
        await open.producer?.close()
        await open.users.close()
        await open.cassandra.close()
    }
}

extension StackConfiguration {
    /// The scheduler as this process reaches it, with the name and the password that it asks for.
    var airflow: AirflowClientConfiguration {
        get throws {
            var client = AirflowClientConfiguration(url: try url(of: .scheduler, for: .inside))
            if values.isSet("scheduler.password") {
                client.username = values.text("scheduler.username")
                client.password = values.text("scheduler.password")
            }
            return client
        }
    }
}

extension CassandraClientError {
    /// Whether the store may answer when it is asked again: it is still starting, or its connection was lost.
    fileprivate var mayPass: Bool {
        switch kind {
        case .cannotConnect, .connectionLost, .timedOut: true
        case .server(let error): [.isBootstrapping, .overloaded, .unavailable].contains(error.code)
        case .tooManyWaiting, .badAnswer, .badValue, .closed: false
        }
    }
}

package struct PipelineError: DescribedError {
    package let problem: String
    package let nextStep: String?

    package init(problem: String, nextStep: String? = nil) {
        self.problem = problem
        self.nextStep = nextStep
    }
}
