internal import Cassandra
package import IO
internal import Kafka
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The engine: executes plans, keeps the streaming queries and their checkpoints.
///
/// Its Spark Connect listener sees the queries through ``StreamingQueries`` only.
package final class Engine: Sendable {
    package let configuration: EngineConfiguration
    package let queries: StreamingQueries
    private let checkpoint: CheckpointStore
    private let workers: NIOThreadPool
    private let logger: Logger
    let launcher: QueryLauncher
    /// Runs the functions that clients send.
    let python: PythonWorkers

    private struct State {
        var connect: ConnectServer?
        /// Held while the engine runs: its lock keeps others out.
        var folder: DataFolder?
        var isStopped = false
    }

    private let state = NIOLockedValueBox(State())

    /// The layout of the data folder that this build writes.
    private static let layoutVersion = 1

    private init(_ configuration: EngineConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        let folder = try DataFolder(path: configuration.folder, box: "engine", version: Self.layoutVersion)
        state.withLockedValue { $0.folder = folder }
        checkpoint = try CheckpointStore(
            path: configuration.folder + "/checkpoints.db", stateMemtable: configuration.values.bytes("engine.state.memtable"))
        workers = NIOThreadPool(numberOfThreads: configuration.workers > 0 ? configuration.workers : System.coreCount)
        workers.start()
        python = PythonWorkers(configuration, logger: logger)
        let launcher = QueryLauncher(configuration: configuration, checkpoint: checkpoint, workers: workers, python: python, logger: logger)
        self.launcher = launcher
        queries = StreamingQueries { definition in try await launcher.launch(definition) }
        launcher.attach(queries)
    }

    /// Opens the data folder and Spark Connect's port, and takes queries. Nothing runs until one is started.
    ///
    /// - Throws: ``DataFolderError`` for a folder that another process holds or a newer Leat wrote, ``ListenerError`` for a taken port.
    package static func start(_ configuration: EngineConfiguration, logger: Logger) async throws -> Engine {
        let engine = try Engine(configuration, logger: logger)
        do {
            try await engine.workers.runIfActive { [launcher = engine.launcher] in try launcher.forgetDeleted() }
            let connect = try await ConnectServer.start(
                ConnectConfiguration(values: configuration.values), queries: engine.queries, engine: engine, logger: logger)
            engine.state.withLockedValue { $0.connect = connect }
        } catch {
            await engine.stop()
            throw error
        }
        return engine
    }

    /// The server that clients dial: it gives their functions the rows of streaming queries.
    func attach(_ host: any PythonFunctionHost) { launcher.attach(host) }

    /// Where Spark Connect answers.
    package var endpoints: [Endpoint] { state.withLockedValue { $0.connect.map { [$0.endpoint] } ?? [] } }

    /// Starts a streaming query from a plan built in this process.
    ///
    /// Returns once the query is resolved, checked against its sink and running; a store or broker that does not answer is waited for.
    package func start(_ query: StreamingQueryDefinition) async throws -> StreamingQueryID {
        try await queries.start(query).id
    }

    /// As above, with a look between any two steps of a micro-batch.
    func launch(
        _ query: StreamingQueryDefinition, observe: @escaping @Sendable (MicroBatchPoint) async throws -> Void
    ) async throws -> StreamingQueryHandle {
        try await launcher.launch(query, observe: observe)
    }

    /// The schema that a plan gives, for `printSchema` and for checks before a start.
    package func schema(of plan: LogicalPlan) throws -> StructType {
        try launcher.resolver(SessionState()).resolve(plan).schema
    }

    /// Runs a batch plan and returns its rows, at most `rowsMax` of them.
    package func collect(_ plan: LogicalPlan, rowsMax: Int = 1_000_000) async throws -> (schema: StructType, rows: [[Literal]]) {
        try await launcher.collect(plan, rowsMax: rowsMax)
    }

    /// A memory sink's table, by the query's name.
    package func memoryTable(_ name: String) -> MemoryTable? { launcher.memoryTable(name) }

    /// Names of the memory sink's tables.
    var memoryTableNames: [String] { launcher.memoryTableNames }

    /// Registers rows to be read with `format("memory")` and the option `table`.
    package func register(_ stream: MemoryStream, as name: String) { launcher.register(stream, as: name) }

    /// Stops the queries (their running micro-batches are replayed at the next start) and closes the checkpoint store. Idempotent.
    package func stop() async {
        let isFirst = state.withLockedValue { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        // The server holds the engine: let go of it here.
        let connect = state.withLockedValue { state in
            defer { state.connect = nil }
            return state.connect
        }
        await connect?.stop()
        await queries.stopAll()
        await python.stop()
        try? await workers.shutdownGracefully()
        checkpoint.close()
        state.withLockedValue { $0.folder = nil }
    }
}
