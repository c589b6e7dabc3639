internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The engine's Python workers, one for each interpreter that sessions name, and the threads that wait for them.
///
/// A function is code that a client sends: it is run only where none but this machine's users can send one.
final class PythonWorkers: Sendable {
    private let interpreter: String
    private let isLoopback: Bool
    private let limits: PythonWorker.Limits
    private let logger: Logger
    /// Calls over columns: none of them waits for another.
    private let threads: NIOThreadPool
    /// Calls that may run queries of their own, with calls over columns in them.
    private let batchThreads: NIOThreadPool
    private let isStarted = NIOLockedValueBox(false)
    private let workers = NIOLockedValueBox<[String: PythonWorker]>([:])

    init(_ configuration: EngineConfiguration, logger: Logger) {
        let values = configuration.values
        interpreter = values.text("engine.python")
        isLoopback = ["127.0.0.1", "localhost", "::1"].contains(values.text("engine.host"))
        limits = PythonWorker.Limits(
            callTimeout: values.duration("engine.python.timeout"), retries: values.integer("engine.python.retries"),
            processesMax: values.integer("engine.python.processes"), idleMax: values.integer("engine.python.idle"),
            functionsMax: values.integer("engine.python.functions"), replayBytesMax: values.bytes("engine.python.replay"))
        self.logger = logger
        threads = NIOThreadPool(numberOfThreads: values.integer("engine.python.threads"))
        batchThreads = NIOThreadPool(numberOfThreads: values.integer("engine.python.batches"))
    }

    /// The worker of the interpreter that a session has named (`spark.pyspark.python`), or else of `engine.python`.
    ///
    /// - Throws: ``SparkError`` when there is neither, or when functions are not run here.
    func worker(_ named: String?) throws -> PythonWorker {
        guard isLoopback else {
            throw SparkError(
                "PYTHON_FUNCTIONS_REFUSED", sqlState: "42501",
                "Functions that a client sends are run only where Spark Connect listens on this machine alone.",
                nextStep: "set engine.host to 127.0.0.1")
        }
        let path = named.flatMap { $0.isEmpty ? nil : $0 } ?? interpreter
        guard !path.isEmpty else {
            throw SparkError(
                "PYTHON_INTERPRETER_UNKNOWN", sqlState: "42K03",
                "A Python function has to be run, and no interpreter is named.",
                nextStep:
                    "start the script with leat submit, or set spark.pyspark.python in the session, or engine.python here, to a Python that has pyspark and pyarrow"
            )
        }
        return workers.withLockedValue { workers in
            if let worker = workers[path] { return worker }
            let worker = PythonWorker(interpreter: path, environment: Self.environment, limits: limits, logger: logger)
            workers[path] = worker
            return worker
        }
    }

    enum Call {
        case columns
        case batch
    }

    /// Waits on a thread for what blocks; a task that is cancelled ends the process that it waits for.
    func run<Value: Sendable>(
        _ call: Call = .columns, _ body: @escaping @Sendable (PythonCancellation) throws -> Value
    ) async throws -> Value {
        // An engine without functions has no threads for them.
        isStarted.withLockedValue { isStarted in
            guard !isStarted else { return }
            isStarted = true
            threads.start()
            batchThreads.start()
        }
        let cancellation = PythonCancellation()
        let pool = call == .columns ? threads : batchThreads
        return try await withTaskCancellationHandler {
            try await pool.runIfActive { try body(cancellation) }
        } onCancel: {
            cancellation.cancel()
        }
    }

    func stop() async {
        for worker in workers.withLockedValue({ Array($0.values) }) { worker.stop() }
        guard isStarted.withLockedValue({ $0 }) else { return }
        try? await threads.shutdownGracefully()
        try? await batchThreads.shutdownGracefully()
    }

    /// This process's own, but for what would make PySpark dial elsewhere or start a JVM.
    private static var environment: [String: String] {
        var variables: [String: String] = [:]
        var place = environ
        while let text = place.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            place += 1
        }
        for name in ["SPARK_REMOTE", "SPARK_CONNECT_MODE", "SPARK_LOCAL_REMOTE", "PYTHONSTARTUP"] { variables[name] = nil }
        variables["PYTHONUNBUFFERED"] = "1"
        return variables
    }
}
