internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The engine's Python processes of one interpreter: as many as calls are made at a time, each used by one call and kept for the next.
///
/// A process that dies or hangs is ended, another is started with the functions that the call needs, and the call is made once more: what
/// a function does outside its result must bear that, as on Spark. An error that a function raises is its own, and is not tried again.
///
/// Everything here blocks, on a thread of the callers', never on an event loop or on the engine's workers.
final class PythonWorker: @unchecked Sendable {
    // `@unchecked`: the mutable state is used under `lock` only, and a process by the call that took it.
    struct Limits: Sendable {
        /// How long one call may take; zero: for ever.
        var callTimeout: Duration
        /// How often a call is made again after the process died or hung.
        var retries: Int
        var processesMax: Int
        /// Processes kept for the next call.
        var idleMax: Int
        /// Functions that a process remembers.
        var functionsMax: Int
        /// Input that is kept for the case that a function over batches has to be run again.
        var replayBytesMax: Int
    }

    let limits: Limits
    private let interpreter: String
    private let environment: [String: String]
    private let logger: Logger
    private let lock = NIOLock()
    private var idle: [PythonProcess] = []
    /// What ends the processes that calls have, and how many more are being started.
    private var busy: [ObjectIdentifier: @Sendable () -> Void] = [:]
    private var starting = 0
    private var numbers: [PythonFunction: UInt32] = [:]
    private var nextNumber: UInt32 = 1
    /// Functions are numbered anew when there are too many: processes that know the old numbers go.
    private var generation = 0

    init(interpreter: String, environment: [String: String], limits: Limits, logger: Logger) {
        self.interpreter = interpreter
        self.environment = environment
        self.limits = limits
        self.logger = logger
    }

    /// Ends the processes; calls that wait for one fail.
    func stop() {
        let ended = lock.withLock {
            for end in busy.values { end() }
            defer { idle = [] }
            return idle
        }
        for process in ended { process.end() }
    }

    // MARK: Calls

    /// One micro-batch of `foreachBatch`: the function reads the frame through a session of its own on this server.
    func forEachBatch(
        _ function: PythonFunction, batch: Int64, address: String, frame: String, _ cancellation: PythonCancellation
    ) throws {
        _ = try call([function], session: address, cancellation) { process, numbers, deadline in
            try process.send("B", Self.bytes(numbers[0]) + Self.bytes(batch) + Array("\(address)\n\(frame)".utf8), deadline: deadline)
            return try Self.answer(process, deadline)
        }
    }

    /// The rows of one partition and micro-batch of `foreach`.
    func forEachRow(
        _ function: PythonFunction, partition: Int, batch: Int64, _ rows: [ResultBatch], _ schema: StructType,
        _ cancellation: PythonCancellation
    ) throws {
        let stream = try ArrowWriter(schema).stream(rows)
        _ = try call([function], cancellation) { process, numbers, deadline in
            try process.send(
                "W", Self.bytes(numbers[0]) + Self.bytes(UInt32(partition)) + Self.bytes(batch) + Array(stream.readableBytesView),
                deadline: deadline)
            return try Self.answer(process, deadline)
        }
    }

    /// A program over rows that are given at once: `E` for as many rows as came, `G` for groups of them.
    ///
    /// - Parameter kind: The frame's kind.
    /// - Returns: An Arrow stream.
    func evaluate(_ kind: Character, _ program: PythonProgram, _ rows: [UInt8], _ cancellation: PythonCancellation) throws -> [UInt8] {
        try call(program.functions, cancellation) { process, numbers, deadline in
            try process.send(kind, Self.headed(program.header(numbers), rows), deadline: deadline)
            return try Self.answer(process, deadline)
        }
    }

    static func headed(_ header: [UInt8], _ rows: [UInt8] = []) -> [UInt8] { bytes(UInt32(header.count)) + header + rows }
    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// What the worker said went wrong in the function.
    struct Raised: Error {
        var name: String
        var traceback: String
    }

    static func answer(_ process: PythonProcess, _ deadline: ContinuousClock.Instant?) throws -> [UInt8] {
        try settle(try process.receive(deadline: deadline))
    }

    static func settle(_ frame: PythonProcess.Frame) throws -> [UInt8] {
        switch Character(UnicodeScalar(frame.kind)) {
        case "R": return frame.body
        case "X":
            let text = String(decoding: frame.body, as: UTF8.self)
            let end = text.firstIndex(of: "\n") ?? text.endIndex
            throw Raised(name: String(text[..<end]), traceback: String(text[end...].dropFirst()))
        default: throw PythonProcess.Failure.ended("it answered with a frame of the kind \(frame.kind)")
        }
    }

    private func call<R>(
        _ functions: [PythonFunction], session: String = "", _ cancellation: PythonCancellation,
        _ body: (PythonProcess, [UInt32], ContinuousClock.Instant?) throws -> R
    ) throws -> R {
        var attempt = 0
        while true {
            do {
                return try withProcess(functions, session: session, cancellation, body)
            } catch let failure as PythonProcess.Failure {
                attempt += 1
                try retry(failure, attempt, functions, cancellation)
            }
        }
    }

    /// - Throws: What the failure means for the query, where it is not tried again.
    func retry(
        _ failure: PythonProcess.Failure, _ attempt: Int, _ functions: [PythonFunction], _ cancellation: PythonCancellation
    ) throws {
        if cancellation.isCancelled { throw CancellationError() }
        if case .unstartable = failure { throw unusable(failure, functions) }
        guard attempt <= limits.retries else { throw unusable(failure, functions) }
        logger.warning(
            "a Python worker is started anew", metadata: ["function": "\(Self.names(functions))", "reason": "\(text(failure))"])
    }

    private func withProcess<R>(
        _ functions: [PythonFunction], session: String, _ cancellation: PythonCancellation,
        _ body: (PythonProcess, [UInt32], ContinuousClock.Instant?) throws -> R
    ) throws -> R {
        let (process, numbers) = try take(functions)
        do {
            let result = try cancellation.watching(process) {
                try define(functions, numbers, session, process)
                return try body(process, numbers, deadline)
            }
            giveBack(process)
            return result
        } catch let raised as Raised {
            giveBack(process)
            throw Self.error(raised)
        } catch {
            drop(process)
            throw error
        }
    }

    // MARK: Processes

    /// When a call that begins now is late.
    var deadline: ContinuousClock.Instant? { limits.callTimeout > .zero ? .now + limits.callTimeout : nil }

    /// A process, and what it calls the functions.
    func take(_ functions: [PythonFunction]) throws -> (PythonProcess, [UInt32]) {
        let (taken, generation, numbers, isFull) = lock.withLock { () -> (PythonProcess?, Int, [UInt32], Bool) in
            if self.numbers.count + functions.count > limits.functionsMax {
                self.numbers = [:]
                self.generation += 1
                for process in idle { process.end() }
                idle = []
            }
            let numbers = functions.map { function -> UInt32 in
                if let known = self.numbers[function] { return known }
                defer { nextNumber += 1 }
                self.numbers[function] = nextNumber
                return nextNumber
            }
            if let process = idle.popLast() {
                busy[ObjectIdentifier(process)] = process.interruption
                return (process, self.generation, numbers, false)
            }
            guard busy.count + starting < limits.processesMax else { return (nil, self.generation, numbers, true) }
            starting += 1
            return (nil, self.generation, numbers, false)
        }
        guard !isFull else {
            throw SparkError(
                "PYTHON_WORKERS_EXHAUSTED", sqlState: "53000",
                "All \(limits.processesMax) Python processes of this engine are in use.", nextStep: "raise engine.python.processes")
        }
        if let taken { return (taken, numbers) }
        do {
            let process = try PythonProcess(interpreter: interpreter, environment: environment, generation: generation) {
                [logger] line, function in
                logger.notice("\(line)", metadata: ["from": "python", "function": "\(function)"])
            }
            lock.withLock {
                starting -= 1
                busy[ObjectIdentifier(process)] = process.interruption
            }
            return (process, numbers)
        } catch {
            lock.withLock { starting -= 1 }
            throw error
        }
    }

    func giveBack(_ process: PythonProcess) {
        let isKept = lock.withLock {
            busy[ObjectIdentifier(process)] = nil
            guard idle.count < limits.idleMax, process.generation == generation else { return false }
            idle.append(process)
            return true
        }
        if !isKept { process.end() }
    }

    /// The process is not to be used again.
    func drop(_ process: PythonProcess) {
        lock.withLock { busy[ObjectIdentifier(process)] = nil }
        process.end()
    }

    func define(_ functions: [PythonFunction], _ numbers: [UInt32], _ session: String, _ process: PythonProcess) throws {
        process.label = Self.names(functions)
        for (function, number) in zip(functions, numbers) where !process.defined.contains(number) {
            let address = function.evalType == 0 ? Array("\(session)\n".utf8) : []
            let version = Array("\(function.pythonVersion)\n".utf8)
            try process.send(
                "D", Self.bytes(number) + Self.bytes(UInt32(function.evalType)) + version + address + function.command, deadline: deadline)
            _ = try Self.answer(process, deadline)
            process.defined.insert(number)
        }
    }

    // MARK: Errors

    static func names(_ functions: [PythonFunction]) -> String { functions.map(\.name).joined(separator: ", ") }

    /// Spark's `PythonException`: its message is the traceback.
    static func error(_ raised: Raised) -> SparkError {
        SparkError("PYTHON_EXCEPTION", sqlState: "38000", "An exception was thrown from the Python worker: \(raised.traceback)")
    }

    private func text(_ failure: PythonProcess.Failure) -> String {
        switch failure {
        case .unstartable(let reason): "it cannot be started: \(reason)"
        case .ended(let how): how
        case .late: "no answer within \(limits.callTimeout.text) (engine.python.timeout)"
        }
    }

    private func unusable(_ failure: PythonProcess.Failure, _ functions: [PythonFunction]) -> SparkError {
        SparkError(
            "PYTHON_WORKER_FAILED", sqlState: "38000",
            "Python worker exited unexpectedly: \(interpreter) failed while it ran \(Self.names(functions)): \(text(failure)).",
            nextStep:
                "the interpreter needs pyspark and pyarrow of the client's version; it is named by spark.pyspark.python, or by engine.python"
        )
    }
}

/// Ends the process of a call whose query is cancelled: a function cannot be asked to stop.
final class PythonCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var interrupt: (@Sendable () -> Void)?
    }

    private let state = NIOLockedValueBox(State())

    var isCancelled: Bool { state.withLockedValue { $0.isCancelled } }

    func cancel() {
        state.withLockedValue { state in
            state.isCancelled = true
            // Under the lock, so that the process is not given to another call meanwhile.
            state.interrupt?()
        }
    }

    func watching<R>(_ process: PythonProcess, _ body: () throws -> R) throws -> R {
        let signal = process.interruption
        try state.withLockedValue { state in
            if state.isCancelled { throw CancellationError() }
            state.interrupt = signal
        }
        defer { state.withLockedValue { $0.interrupt = nil } }
        do {
            return try body()
        } catch let failure as PythonProcess.Failure {
            if isCancelled { throw CancellationError() }
            throw failure
        }
    }
}
