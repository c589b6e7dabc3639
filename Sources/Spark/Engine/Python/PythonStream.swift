/// One run of a function over an iterator of batches (`mapInPandas`, a scalar iterator): the batches are pushed, what it has made by then
/// comes back.
///
/// The function takes a batch when it wants one, so that between two pushes the process waits for the engine, and holds no thread of it.
/// What was pushed is kept up to a bound: when the process dies the run is made again over it, and the rows that came before are passed over.
final class PythonStream: @unchecked Sendable {
    // `@unchecked`: used by one call at a time, which the operator that owns it sees to.
    private let worker: PythonWorker
    private let program: PythonProgram
    private let output: StructType
    private let rows: PythonRows
    private let rowsMax: Int
    private var process: PythonProcess?
    /// The function has returned, whether or not it took all.
    private(set) var isOver = false
    private var pushed: [[UInt8]] = []
    private var pushedBytes = 0
    private var canReplay = true
    /// Rows that the owner has.
    private var given = 0
    /// How many of them this run has made.
    private var passed = 0
    private var attempts = 0

    init(
        _ worker: PythonWorker, _ program: PythonProgram, output: StructType, _ options: ArrowOptions, rowsMax: Int,
        _ cancellation: PythonCancellation
    ) throws {
        self.worker = worker
        self.program = program
        self.output = output
        self.rowsMax = rowsMax
        rows = PythonRows(program.input, options)
    }

    deinit { abandon() }

    /// Ends the run where the query wants no more of it.
    func abandon() {
        guard let process else { return }
        self.process = nil
        worker.drop(process)
    }

    /// - Returns: The rows that the function made before it asked for the next batch.
    func push(_ batch: ResultBatch, _ cancellation: PythonCancellation) throws -> [ResultBatch] {
        var made: [ResultBatch] = []
        var start = 0
        while start < batch.count, !isOver {
            let end = start + min(rowsMax, batch.count - start)
            made += try step(cancellation, try rows.bytes(batch, start..<end))
            start = end
        }
        return made
    }

    /// - Returns: The rows that the function made after the last batch.
    func finish(_ cancellation: PythonCancellation) throws -> [ResultBatch] {
        defer { pushed = [] }
        return isOver ? [] : try step(cancellation, nil)
    }

    private func step(_ cancellation: PythonCancellation, _ bytes: [UInt8]?) throws -> [ResultBatch] {
        while true {
            do {
                var made: [ResultBatch] = []
                if process == nil { made += try begin(cancellation) }
                guard let process, !isOver else { return handed(made) }
                made += try cancellation.watching(process) { try self.hand(bytes, process) }
                if let bytes, canReplay {
                    pushed.append(bytes)
                    pushedBytes += bytes.count
                    if pushedBytes > worker.limits.replayBytesMax {
                        canReplay = false
                        pushed = []
                    }
                }
                return handed(made)
            } catch let raised as PythonWorker.Raised {
                if let process { worker.giveBack(process) }
                process = nil
                isOver = true
                throw PythonWorker.error(raised)
            } catch let failure as PythonProcess.Failure {
                abandon()
                attempts += 1
                try worker.retry(failure, canReplay ? attempts : .max, program.functions, cancellation)
            } catch {
                abandon()
                throw error
            }
        }
    }

    /// Rows count as given once no failure can lose them.
    private func handed(_ made: [ResultBatch]) -> [ResultBatch] {
        let rows = made.reduce(0) { $0 + $1.count }
        given += rows
        passed += rows
        return made
    }

    /// Starts the function, and gives it what an earlier run had.
    private func begin(_ cancellation: PythonCancellation) throws -> [ResultBatch] {
        let (process, numbers) = try worker.take(program.functions)
        self.process = process
        return try cancellation.watching(process) {
            try worker.define(program.functions, numbers, "", process)
            let deadline = worker.deadline
            try process.send("M", PythonWorker.headed(program.header(numbers)), deadline: deadline)
            passed = 0
            var made = try answers(process, deadline)
            for bytes in pushed where !isOver {
                let deadline = worker.deadline
                try process.send("A", bytes, deadline: deadline)
                made += try answers(process, deadline)
            }
            return made
        }
    }

    private func hand(_ bytes: [UInt8]?, _ process: PythonProcess) throws -> [ResultBatch] {
        let deadline = worker.deadline
        try process.send(bytes == nil ? "Z" : "A", bytes ?? [], deadline: deadline)
        return try answers(process, deadline)
    }

    /// Reads what comes until the function asks for a batch, or is over; what an earlier run gave is passed over.
    private func answers(_ process: PythonProcess, _ deadline: ContinuousClock.Instant?) throws -> [ResultBatch] {
        var made: [ResultBatch] = []
        while true {
            let frame = try process.receive(deadline: deadline)
            switch Character(UnicodeScalar(frame.kind)) {
            case "N": return made
            case "O":
                for batch in try ArrowRows.decode([frame.body], output) where batch.count > 0 {
                    let known = min(batch.count, given - passed)
                    passed += known
                    if known < batch.count { made.append(batch.slice(known..<batch.count)) }
                }
            default:
                _ = try PythonWorker.settle(frame)
                isOver = true
                self.process = nil
                worker.giveBack(process)
                return made
            }
        }
    }
}
