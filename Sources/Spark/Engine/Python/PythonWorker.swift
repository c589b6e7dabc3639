internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The engine's Python worker: one interpreter for all functions of one session's interpreter, started when the first function is called.
///
/// Calls come one at a time. A worker that dies or hangs is killed and started anew, with the functions that it knew, and the call is
/// made once more: what a function does outside its result must bear that, as on Spark. An error that a function raises is its own, and
/// is not tried again.
///
/// Everything here blocks, on a thread of its own, never on an event loop or on the engine's workers' cooperative side.
final class PythonWorker: @unchecked Sendable {
    // `@unchecked`: the mutable state is used under `lock` only.
    struct Limits: Sendable {
        /// How long one call may take.
        var callTimeout: Duration
        /// How often a call is made again after the worker died or hung.
        var retries: Int
    }

    private let interpreter: String
    private let environment: [String: String]
    private let limits: Limits
    private let logger: Logger
    private let lock = NIOLock()
    private var process: PythonProcess?
    private var numbers: [PythonFunction: UInt32] = [:]
    private var defined: Set<UInt32> = []
    private var nextNumber: UInt32 = 1
    private var lastLines: [String] = []

    init(interpreter: String, environment: [String: String], limits: Limits, logger: Logger) {
        self.interpreter = interpreter
        self.environment = environment
        self.limits = limits
        self.logger = logger
    }

    /// Ends the process. It is started again by the next call.
    func stop() {
        lock.withLock {
            process?.end()
            process = nil
            defined = []
        }
    }

    // MARK: Calls

    /// A udf or pandas_udf over the rows of its arguments: as many values come back.
    ///
    /// - Throws: ``SparkError``, with the traceback where the function raised.
    func evaluate(_ function: PythonFunction, _ arguments: ResultBatch, _ schema: StructType) throws -> Column {
        let output = StructType([StructField("0", function.output ?? .null)])
        // A function without arguments still has to know how many rows there are.
        let rows =
            arguments.columns.isEmpty ? ResultBatch(columns: [.nulls(.null, count: arguments.count)], count: arguments.count) : arguments
        let stream = try ArrowWriter(arguments.columns.isEmpty ? StructType([StructField("", .null)]) : schema).stream([rows])
        let answer = try call(function) { process, number, deadline in
            try process.send("E", Self.number(number) + Array(stream.readableBytesView), deadline: deadline)
            return try Self.answer(process, deadline)
        }
        let batches = try ArrowReader.rows([answer], schema: output).batches
        guard batches.count == 1, batches[0].count == arguments.count else {
            throw SparkError(
                "PYTHON_FUNCTION_RESULT", sqlState: "39000",
                "\(function.name) gave \(batches.reduce(0) { $0 + $1.count }) values for \(arguments.count) rows.")
        }
        return batches[0].columns[0]
    }

    /// `mapInPandas` and `mapInArrow`: batches are given as the function asks for them.
    func map(
        _ function: PythonFunction, schema: StructType, output: StructType, next: () throws -> ResultBatch?,
        _ body: (ResultBatch) throws -> Void
    ) throws {
        let writer = ArrowWriter(schema)
        // What was asked for cannot be asked for again, so that a worker that dies here ends the batch, which the query repeats.
        _ = try call(function, retries: 0) { process, number, deadline in
            try process.send("M", Self.number(number) + Self.number(UInt32(function.evalType)), deadline: deadline)
            while true {
                let frame = try process.receive(deadline: deadline)
                switch Character(UnicodeScalar(frame.kind)) {
                case "N":
                    if let batch = try next() {
                        try process.send("A", Array(try writer.stream([batch]).readableBytesView), deadline: deadline)
                    } else {
                        try process.send("Z", [], deadline: deadline)
                    }
                case "O":
                    for batch in try ArrowReader.rows([frame.body], schema: output).batches { try body(batch) }
                default: return try Self.settle(frame)
                }
            }
        }
    }

    /// `applyInPandas` over one group, whose first `keys` columns are the grouping's.
    func group(_ function: PythonFunction, keys: Int, _ rows: ResultBatch, _ schema: StructType, output: StructType) throws -> [ResultBatch]
    {
        let stream = try ArrowWriter(schema).stream([rows])
        let answer = try call(function) { process, number, deadline in
            try process.send(
                "G", Self.number(number) + Self.number(UInt32(keys)) + Array(stream.readableBytesView), deadline: deadline)
            return try Self.answer(process, deadline)
        }
        return try ArrowReader.rows([answer], schema: output).batches
    }

    /// One micro-batch of `foreachBatch`: the function reads the frame through a session of its own on this server.
    func forEachBatch(_ function: PythonFunction, batch: Int64, address: String, frame: String) throws {
        _ = try call(function, session: address) { process, number, deadline in
            try process.send("B", Self.number(number) + Self.number(batch) + Array("\(address)\n\(frame)".utf8), deadline: deadline)
            return try Self.answer(process, deadline)
        }
    }

    /// The rows of one partition and micro-batch of `foreach`.
    func forEachRow(_ function: PythonFunction, partition: Int, batch: Int64, _ rows: [ResultBatch], _ schema: StructType) throws {
        let stream = try ArrowWriter(schema).stream(rows)
        _ = try call(function) { process, number, deadline in
            try process.send(
                "W", Self.number(number) + Self.number(UInt32(partition)) + Self.number(batch) + Array(stream.readableBytesView),
                deadline: deadline)
            return try Self.answer(process, deadline)
        }
    }

    // MARK: The process

    private static func number(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    /// What the worker said went wrong in the function.
    private struct Raised: Error {
        var name: String
        var traceback: String
    }

    private static func answer(_ process: PythonProcess, _ deadline: ContinuousClock.Instant?) throws -> [UInt8] {
        try settle(try process.receive(deadline: deadline))
    }

    private static func settle(_ frame: PythonProcess.Frame) throws -> [UInt8] {
        switch Character(UnicodeScalar(frame.kind)) {
        case "R": return frame.body
        case "X":
            let text = String(decoding: frame.body, as: UTF8.self)
            let end = text.firstIndex(of: "\n") ?? text.endIndex
            throw Raised(name: String(text[..<end]), traceback: String(text[end...].dropFirst()))
        default: throw PythonProcess.Failure.ended("it answered with a frame of the kind \(frame.kind)")
        }
    }

    private func call(
        _ function: PythonFunction, session: String = "", retries: Int? = nil,
        _ body: (PythonProcess, UInt32, ContinuousClock.Instant?) throws -> [UInt8]
    ) throws -> [UInt8] {
        try lock.withLock {
            var attempt = 0
            while true {
                do {
                    let deadline: ContinuousClock.Instant? = limits.callTimeout > .zero ? .now + limits.callTimeout : nil
                    let process = try started()
                    let number = try define(function, session, process, deadline)
                    return try body(process, number, deadline)
                } catch let raised as Raised {
                    throw SparkError(
                        "PYTHON_EXCEPTION", sqlState: "38000",
                        "The Python function \(function.name) raised \(raised.name).\n\(raised.traceback)")
                } catch let failure as PythonProcess.Failure {
                    process?.end()
                    process = nil
                    defined = []
                    attempt += 1
                    if case .unstartable = failure { throw unusable(failure, function) }
                    guard attempt <= retries ?? limits.retries else { throw unusable(failure, function) }
                    logger.warning(
                        "the Python worker is started anew", metadata: ["function": "\(function.name)", "reason": "\(text(failure))"])
                }
            }
        }
    }

    private func started() throws -> PythonProcess {
        if let process { return process }
        let made = try PythonProcess(interpreter: interpreter, environment: environment) { [logger] line in
            logger.info("\(line)", metadata: ["from": "python"])
        }
        process = made
        return made
    }

    private func define(_ function: PythonFunction, _ session: String, _ process: PythonProcess, _ deadline: ContinuousClock.Instant?)
        throws -> UInt32
    {
        let number: UInt32
        if let known = numbers[function] {
            number = known
        } else {
            number = nextNumber
            nextNumber += 1
            numbers[function] = number
        }
        guard !defined.contains(number) else { return number }
        let address = function.evalType == 0 ? Array("\(session)\n".utf8) : []
        try process.send(
            "D", Self.number(number) + Self.number(UInt32(function.evalType)) + address + function.command, deadline: deadline)
        _ = try Self.answer(process, deadline)
        defined.insert(number)
        return number
    }

    /// The function is not called any more: the worker forgets it.
    func forget(_ function: PythonFunction) {
        lock.withLock {
            guard let number = numbers.removeValue(forKey: function), defined.remove(number) != nil, let process else { return }
            do {
                let deadline = ContinuousClock.now + .seconds(5)
                try process.send("F", Self.number(number), deadline: deadline)
                _ = try Self.answer(process, deadline)
            } catch {
                process.end()
                self.process = nil
                defined = []
            }
        }
    }

    private func text(_ failure: PythonProcess.Failure) -> String {
        switch failure {
        case .unstartable(let reason): "it cannot be started: \(reason)"
        case .ended(let how): how
        case .late: "no answer within \(limits.callTimeout.text) (engine.python.timeout)"
        }
    }

    private func unusable(_ failure: PythonProcess.Failure, _ function: PythonFunction) -> SparkError {
        SparkError(
            "PYTHON_WORKER_FAILED", sqlState: "38000",
            "The Python worker \(interpreter) failed while it ran \(function.name): \(text(failure)).",
            nextStep:
                "the interpreter needs pyspark and pyarrow of the client's version; it is named by spark.pyspark.python, or by engine.python"
        )
    }
}
