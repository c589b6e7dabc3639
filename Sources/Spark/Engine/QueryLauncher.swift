internal import Cassandra
internal import IO
internal import Kafka
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Makes running queries from definitions: resolves the plan, opens sources and sink, claims the checkpoint.
final class QueryLauncher: Sendable {
    let configuration: EngineConfiguration
    let checkpoint: CheckpointStore
    let stateBudget: StateBudget
    let workers: NIOThreadPool
    let python: PythonWorkers
    let logger: Logger

    private struct State {
        var tables: [String: MemoryTable] = [:]
        var streams: [String: MemoryStream] = [:]
        weak var queries: StreamingQueries?
        var host: (any PythonFunctionHost)?
        /// What other servers' tables look like, as they were last asked.
        var remoteSchemas: [DataSourceRead: StructType] = [:]
    }

    private let state = NIOLockedValueBox(State())

    init(configuration: EngineConfiguration, checkpoint: CheckpointStore, workers: NIOThreadPool, python: PythonWorkers, logger: Logger) {
        self.configuration = configuration
        self.checkpoint = checkpoint
        stateBudget = StateBudget(bytesMax: configuration.values.bytes("engine.state.memory"))
        self.workers = workers
        self.python = python
        self.logger = logger
    }

    func attach(_ host: any PythonFunctionHost) { state.withLockedValue { $0.host = host } }
    func attach(_ queries: StreamingQueries) { state.withLockedValue { $0.queries = queries } }
    var memoryTableNames: [String] { state.withLockedValue { $0.tables.keys.sorted() } }
    var queries: StreamingQueries? { state.withLockedValue { $0.queries } }
    func memoryTable(_ name: String) -> MemoryTable? { state.withLockedValue { $0.tables[name] } }
    func remoteSchema(_ read: DataSourceRead) -> StructType? { state.withLockedValue { $0.remoteSchemas[read] } }

    func remember(_ schema: StructType, of read: DataSourceRead) {
        state.withLockedValue { state in
            if state.remoteSchemas.count >= 1_024 { state.remoteSchemas.removeAll() }
            state.remoteSchemas[read] = schema
        }
    }

    func register(_ stream: MemoryStream, as name: String) { state.withLockedValue { $0.streams[name] = stream } }

    static let clock: @Sendable () -> Int64 = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }

    /// Queries whose checkpoint folder was deleted start anew: what the store holds of them goes.
    func forgetDeleted() throws {
        for (id, text) in try checkpoint.descriptions() {
            guard let location = (try? JSON(parsing: text))?["location"]?.string else { continue }
            if try CheckpointLocation(location).owner?.id != id { try checkpoint.forget(id) }
        }
    }

    // MARK: Sources

    private static let sourceFormats =
        ["kafka", "rate", "socket", "memory", "org.apache.spark.sql.cassandra", "jdbc"] + FileFormat.names
    private static let sinkFormats =
        ["org.apache.spark.sql.cassandra", "cassandra", "kafka", "console", "memory", "noop"] + FileFormat.names

    private static func unknownFormat(_ format: String, _ known: [String], as role: String) -> SparkError {
        let nearest = known.min { editDistance($0, format.lowercased()) < editDistance($1, format.lowercased()) } ?? ""
        return SparkError(
            "DATA_SOURCE_NOT_FOUND", sqlState: "42K02",
            "Failed to find the data source: \(format). This engine's \(role)s are \(known.joined(separator: ", ")).",
            nextStep: "the nearest is '\(nearest)'")
    }

    @Sendable func sourceSchema(_ read: DataSourceRead) throws -> StructType {
        switch read.format.lowercased() {
        case "kafka":
            if read.schema != nil {
                throw SparkError(
                    "INVALID_SOURCE_OPTION", sqlState: "42616",
                    "The kafka source has a fixed schema; a user-specified schema cannot be set.")
            }
            return KafkaChunk.schema(includeHeaders: try KafkaSourceOptions(read.options, isStreaming: read.isStreaming).includeHeaders)
        case "rate" where read.isStreaming: return RateSource.schema
        case "memory": return try stream(read).stream.schema
        case "socket" where read.isStreaming: return try SocketSource.schema(read.options)
        case let format where RemoteTables.serves(format): return try remoteTableSchema(read)
        case let format where FileSourceOptions.serves(format): return try Resolver.fileSchema(read)
        default: throw Self.unknownFormat(read.format, Self.sourceFormats, as: "source")
        }
    }

    private func stream(_ read: DataSourceRead) throws -> (name: String, stream: MemoryStream) {
        guard let name = read.options["table"], let stream = state.withLockedValue({ $0.streams[name] }) else {
            throw SparkError(
                "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01", "There is no memory stream named '\(read.options["table"] ?? "")'.")
        }
        return (name, stream)
    }

    func source(_ branch: PhysicalPlan.Branch, _ signal: SourceSignal) throws -> any StreamSource {
        let read = branch.source
        let batchRows = configuration.values.integer("engine.batch.rows")
        switch read.format.lowercased() {
        case "kafka":
            let options = try KafkaSourceOptions(read.options, isStreaming: read.isStreaming)
            return KafkaSource(
                options: options, client: kafkaClient(options.bootstrap, options.clientProperties, options.isolationLevel),
                limits: kafkaLimits, signal: signal,
                logger: logger)
        case "rate": return try RateSource(read.options, batchRows: batchRows, signal: signal, clock: Self.clock)
        case "memory":
            let (name, stream) = try stream(read)
            return MemorySource(name: name, stream: stream, batchRows: batchRows, signal: signal)
        case "socket": return try SocketSource(read.options, limits: socketLimits, signal: signal, logger: logger, clock: Self.clock)
        case let format where RemoteTables.serves(format): return try remoteTable(branch)
        case let format where FileSourceOptions.serves(format): return try fileSource(branch, signal)
        default: throw Self.unknownFormat(read.format, Self.sourceFormats, as: "source")
        }
    }

    private var kafkaLimits: KafkaSource.Limits {
        let values = configuration.values
        return KafkaSource.Limits(
            fetchBytes: values.bytes("engine.fetch.bytes"), fetchWait: values.duration("engine.fetch.wait"),
            bufferedBytes: values.bytes("engine.fetch.buffered"), batchRows: values.integer("engine.batch.rows"),
            metadataInterval: values.duration("engine.kafka.metadata"), topicPoll: values.duration("engine.kafka.topic.poll"),
            lossPatience: values.duration("engine.kafka.loss.patience"))
    }

    func kafkaClient(
        _ bootstrap: [Endpoint]?, _ properties: [String: String], _ isolationLevel: IsolationLevel = .readUncommitted
    ) -> KafkaClient {
        let served: Set<String> = ["bootstrap.servers", "client.id", "isolation.level", "group.id"]
        for name in properties.keys.sorted() where !served.contains(name) {
            logger.notice("the option kafka.\(name) has no effect on this engine's Kafka client")
        }
        return KafkaClient(
            KafkaClientConfiguration(
                bootstrap: bootstrap ?? configuration.kafkaBootstrap, clientID: properties["client.id"] ?? "leat-engine",
                isolationLevel: isolationLevel),
            logger: logger)
    }

    // MARK: Sinks

    func sink(
        _ definition: StreamingQueryDefinition, id: StreamingQueryID? = nil, name: String?, isStopped: @escaping @Sendable () -> Bool,
        status: @escaping @Sendable (String?) -> Void
    ) throws -> any StreamSink {
        let options = definition.sink.options
        if let function = definition.sink.function {
            guard let host = state.withLockedValue({ $0.host }) else {
                throw SparkError(
                    "UNSUPPORTED_FEATURE", sqlState: "0A000", "Without Spark Connect there is nobody to run a Python function.")
            }
            return PythonSink(function, host: host)
        }
        switch definition.sink.format.lowercased() {
        case "org.apache.spark.sql.cassandra", "cassandra":
            return try CassandraSink(
                options: options, table: definition.sink.table, client: try cassandraClient(options, definition.options),
                limits: CassandraSink.Limits(
                    rowsPerBatch: configuration.values.integer("engine.cassandra.rows"),
                    bytesPerBatch: configuration.values.bytes("engine.cassandra.bytes"),
                    inFlight: configuration.values.integer("engine.cassandra.inflight"), retry: configuration.retry), logger: logger,
                status: status, isStopped: isStopped)
        case "kafka": return try kafkaSink(options, query: id, status: status, isStopped: isStopped)
        case "jdbc": throw Self.unservedStreamedWriting("jdbc")
        case "console": return try ConsoleSink(options)
        case "memory":
            guard let name = name ?? definition.sink.table else {
                throw SparkError("MISSING_QUERY_NAME", sqlState: "42000", "queryName must be specified for the memory sink.")
            }
            let table = state.withLockedValue { state in
                let table = state.tables[name] ?? MemoryTable()
                state.tables[name] = table
                return table
            }
            return MemorySink(table: table)
        case "noop": return NoopSink()
        case let format where FileFormat(spark: format) != nil: return try fileSink(definition)
        default: throw Self.unknownFormat(definition.sink.format, Self.sinkFormats, as: "sink")
        }
    }

    func cassandraClient(_ options: Options, _ queryOptions: Options) throws -> CassandraClient {
        func option(_ name: String) -> String? { options[name] ?? queryOptions[name] }
        var contactPoints = configuration.cassandraContactPoints
        if let hosts = option("spark.cassandra.connection.host") {
            let port = option("spark.cassandra.connection.port")
            guard let port = port.map({ Int($0) }) ?? 9_042, (1...65_535).contains(port) else {
                throw SparkError("INVALID_SINK_OPTION", sqlState: "42616", "'\(port ?? "")' is no port (spark.cassandra.connection.port).")
            }
            contactPoints = try Endpoint.list(parsing: hosts, defaultPort: port)
        }
        var client = CassandraClientConfiguration(
            contactPoints: contactPoints, username: option("spark.cassandra.auth.username"),
            password: option("spark.cassandra.auth.password"))
        client.requestTimeout = configuration.values.duration("engine.cassandra.timeout")
        // The sink retries by itself, for as long as it takes, and says so in the query's status.
        client.retryTimeout = .seconds(2)
        return CassandraClient(client, logger: logger)
    }

    // MARK: Start

    /// Sinks whose queries may start without a place for their checkpoint: what they wrote is gone with the process anyway.
    private static let temporarySinks: Set<String> = ["console", "memory", "noop"]

    func launch(
        _ definition: StreamingQueryDefinition, observe: @escaping @Sendable (MicroBatchPoint) async throws -> Void = { _ in }
    ) async throws -> StreamingQueryHandle {
        let name = definition.name ?? definition.options["queryName"]
        guard definition.plan.isStreaming else {
            throw SparkError(
                "WRITE_STREAM_NOT_ALLOWED", sqlState: "42601", "`writeStream` can be called only on streaming Dataset/DataFrame.")
        }
        try await learnSchemas(definition.plan, SessionState())
        let plan = try streamPlan(definition)
        let signal = SourceSignal()
        let sources = try plan.streams.map { try source($0, signal) }
        let (id, location) = try claim(definition, name: name, sources: sources.map(\.description))
        let handle = StreamingQueryHandle(
            id: id, runID: UUIDText.random(), name: name, progressMax: configuration.values.integer("engine.progress.kept"))
        let status: @Sendable (String?) -> Void = { [weak handle] text in
            handle?.update(text ?? "Processing new data", isDataAvailable: true, isTriggerActive: true)
        }
        let sink = try sink(
            definition, id: id, name: name, isStopped: { [weak handle] in handle?.isStopRequested ?? true }, status: status)
        let queries = state.withLockedValue { $0.queries }
        try queries?.register(handle)
        let stateful: StatefulQuery?
        do {
            try claimFiles(id, sources: sources, sink)
            try checkpoint.describe(
                id,
                JSON.object([
                    "name": name.map { .string($0) } ?? nil, "location": location.map { .string($0) } ?? nil,
                ]).text)
            try await sink.prepare(plan.schema, definition.outputMode)
            stateful = try statefulQuery(plan, definition, sources, id)
        } catch {
            for source in sources { await source.stop() }
            await sink.stop()
            handle.finish(
                StreamingQueryException(
                    message: "\(error)", errorClass: (error as? SparkError)?.errorClass ?? "STREAM_FAILED", stackTrace: "\(error)"))
            queries?.ended(handle)
            throw error
        }
        let execution = StreamExecution(
            handle: handle, branches: zip(sources, plan.streams).map { .init(source: $0, pipeline: Pipeline($1, schema: plan.schema)) },
            stateful: stateful, sink: sink,
            deadLetters: deadLetters(definition, plan, sink, handle, status), checkpoint: checkpoint, location: location,
            trigger: definition.trigger, workers: workers,
            python: plan.callsPython ? PythonContext(workers: python) { definition.options[$0] } : nil,
            signal: signal, logger: logger, clock: Self.clock, observe: observe)
        let isTemporary = location == nil
        handle.attach(
            Task { [checkpoint, logger] in
                await execution.run()
                queries?.ended(handle)
                if isTemporary {
                    do { try checkpoint.forget(id) } catch { logger.warning("the temporary checkpoint of \(id) was not removed: \(error)") }
                }
            })
        return handle
    }

    /// The query's id and the place of its checkpoint; nil for a temporary one.
    ///
    /// A query that names no location has one in the engine's folder, by its name or else by where it writes.
    private func claim(_ definition: StreamingQueryDefinition, name: String?, sources: [String]) throws -> (StreamingQueryID, String?) {
        let named =
            definition.checkpointLocation ?? definition.sink.options["checkpointLocation"] ?? definition.options["checkpointLocation"]
        let location: String
        if let named {
            location = named
        } else if definition.sink.function != nil || Self.temporarySinks.contains(definition.sink.format.lowercased()) {
            return (StreamingQueryID(UUIDText.random()), nil)
        } else {
            let options = definition.sink.options
            let target = [options["keyspace"], options["table"] ?? definition.sink.table ?? options["topic"], options["path"]].compactMap {
                $0
            }
            .joined(separator: ".")
            let leaf = (name ?? target).map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "_" }
            location = configuration.folder + "/queries/" + (leaf.isEmpty ? "query" : String(leaf))
        }
        return (try CheckpointLocation(location).claim(name: name, sources: sources), location)
    }

    private func deadLetters(
        _ definition: StreamingQueryDefinition, _ plan: StreamPlan, _ sink: any StreamSink, _ handle: StreamingQueryHandle,
        _ status: @escaping @Sendable (String?) -> Void
    ) -> (any DeadLetterLog)? {
        var topic = definition.sink.options["deadLetterTopic"] ?? definition.options["deadLetterTopic"]
        guard sink.takesDeadLetters || topic != nil else { return nil }
        let kafka = plan.streams.compactMap { branch in
            branch.source.format.equalsIgnoringCase("kafka") ? try? KafkaSourceOptions(branch.source.options, isStreaming: true) : nil
        }
        // Without a topic to take the name from, what cannot be written ends the query, and says which option is missing.
        guard topic != nil || !kafka.isEmpty else { return nil }
        // A pattern names no topics, so that letters of such a query go to one of its own.
        if topic == nil, kafka.contains(where: \.topics.isEmpty) { topic = "\(handle.name ?? handle.id.text).dead-letter" }
        let bootstrap = kafka.lazy.compactMap(\.bootstrap).first ?? configuration.kafkaBootstrap
        return KafkaDeadLetters(
            topicOption: topic, sourceTopics: kafka.flatMap(\.topics), query: handle, client: kafkaClient(bootstrap, [:]),
            bootstrap: bootstrap,
            retry: configuration.retry, logger: logger, status: status)
    }
}
