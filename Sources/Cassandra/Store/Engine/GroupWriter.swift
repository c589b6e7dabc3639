internal import CRocksDB

/// The store's one writer: gathers what concurrent connections append into one WriteBatch, writes it with one log record and one sync, and
/// then completes all of it.
///
/// Connections encode their mutations under a short lock, straight into the bytes that become the batch (a WriteBatch is a header of twelve
/// bytes and records one behind the other). While the writer thread writes and syncs one group, the next one fills; so a group is as large
/// as what arrives during a sync. After a group of many the writer lingers for an eighth of the last sync at most (see ``linger()``), or
/// it would take the first request that a completed client sends back and sync that alone, every second time.
///
/// A group that is full closes ``gate``: connections then leave their requests in the socket until the next group begins. Callers that do not look at the gate are refused
/// (`OVERLOADED`) at a multiple of the bound.
///
/// Work that has to read before it writes (IF conditions, counters, lists by index, schema changes) is queued in the same group and done by
/// the writer thread behind the group's blind writes, one after another: the thread is the lock.
///
/// A log that could not be written (a full disk) is not touched again: RocksDB's writer of that file is of no more use, and what was torn
/// off in it must stay the log's end. All later writes are refused until the store is started again.
///
/// `@unchecked Sendable`: all state is guarded by `monitor`, but for what the writer thread alone touches.
final class GroupWriter: @unchecked Sendable {
    typealias Completion = @Sendable (Result<StatementResult, CQLError>) -> Void
    /// Reads, decides, and gives what to write. Run on the writer's thread.
    typealias Job = @Sendable (RocksDatabase) -> Result<JobOutcome, CQLError>

    struct JobOutcome {
        var result: StatementResult
        /// A whole WriteBatch, or nothing to write.
        var batch: OpaquePointer?
        /// After the batch is written, before it is synced.
        var applied: (@Sendable () -> Void)?
        /// When the batch is as safe as the setting says, before the client is told.
        var settled: (@Sendable () -> Void)?
        /// Synced before it is answered, whatever the setting.
        var isAlwaysSynced = false
    }

    private struct Group {
        let arena: ByteArena
        var records: UInt32 = 0
        var completions: [Completion] = []
        var jobs: [(job: Job, completion: Completion)] = []

        init() {
            arena = ByteArena(capacity: 64 << 10)
            reset()
        }

        mutating func reset() {
            arena.truncate(to: 0)
            arena.shrink(to: 1 << 20)
            arena.append(little: UInt64(0))
            arena.append(little: UInt32(0))
            records = 0
            completions.removeAll(keepingCapacity: true)
            jobs.removeAll(keepingCapacity: true)
        }

        var isEmpty: Bool { completions.isEmpty && jobs.isEmpty }
    }

    private let database: RocksDatabase
    private let isGrouped: Bool
    private let bytesMax: Int
    private let jobsMax = 4_096
    /// How many times the bounds may be passed by callers that do not look at the gate.
    private static let refusedAt = 4
    /// Closed while the open group is full.
    let gate = FlowGate()
    private let monitor = Monitor()
    private var open = Group()
    private var spare = Group()
    private let scratch = ByteArena()
    private var lastTimestamp: Int64 = 0
    private var isWaiting = false
    /// How many requests the waiting writer is to be woken for.
    private var wanted = 1
    /// Of the writer's thread: the last group's requests, and the nanoseconds that it took.
    private var lastCount = 0
    private var lastDuration: UInt64 = 0
    private let clock = StoreClock()
    private var isClosing = false
    private var hasUnsynced = false
    private var failure: String?
    private var threads: [NamedThread] = []

    /// - Parameters:
    ///   - isGrouped: acknowledge after the sync; otherwise the log is synced every `syncPeriod` seconds behind the acknowledgements.
    ///   - bytesMax: what may wait to be written.
    init(_ database: RocksDatabase, isGrouped: Bool, syncPeriod: Double, bytesMax: Int) {
        self.database = database
        self.isGrouped = isGrouped
        self.bytesMax = bytesMax
        threads.append(NamedThread("store-writer") { [unowned self] in run() })
        if !isGrouped { threads.append(NamedThread("store-sync") { [unowned self] in runSync(every: syncPeriod) }) }
    }

    /// Appends one request's mutations and completes it when they are as safe as the setting says.
    ///
    /// - Parameter body: encodes records behind the arena's end and says how many; gets the arena, a scratch and a timestamp that rises
    ///   with every request.
    /// - Throws: what `body` throws, with nothing appended.
    @inline(__always)
    func append(
        now: Int64, completion: @escaping Completion, _ body: (ByteArena, ByteArena, Int64) throws(CQLError) -> UInt32
    ) throws(CQLError) {
        monitor.lock()
        let mark = open.arena.count
        do throws(CQLError) {
            try checkOpen(mark)
            lastTimestamp = max(lastTimestamp + 1, now)
            open.records += try body(open.arena, scratch, lastTimestamp)
            if open.arena.count >= bytesMax { gate.close() }
        } catch {
            open.arena.truncate(to: mark)
            monitor.unlock()
            throw error
        }
        open.completions.append(completion)
        let wakes = isWaiting && open.completions.count >= wanted
        if wakes { isWaiting = false }
        monitor.unlock()
        if wakes { monitor.signal() }
    }

    func append(job: @escaping Job, completion: @escaping Completion) throws(CQLError) {
        monitor.lock()
        do throws(CQLError) {
            try checkOpen(open.arena.count)
            guard open.jobs.count < jobsMax * Self.refusedAt else {
                throw .overloaded("\(open.jobs.count) conditional writes wait already")
            }
        } catch {
            monitor.unlock()
            throw error
        }
        open.jobs.append((job, completion))
        if open.jobs.count >= jobsMax { gate.close() }
        isWaiting = false
        monitor.unlock()
        monitor.signal()
    }

    /// A timestamp as ``append(now:completion:_:)`` gives them.
    func timestamp(now: Int64) -> Int64 {
        monitor.lock()
        defer { monitor.unlock() }
        lastTimestamp = max(lastTimestamp + 1, now)
        return lastTimestamp
    }

    private func checkOpen(_ waiting: Int) throws(CQLError) {
        if isClosing { throw .serverError("The store is stopping") }
        if let failure { throw Self.unwritable(failure) }
        guard waiting < bytesMax * Self.refusedAt else { throw .overloaded("\(waiting) bytes wait to be written already") }
    }

    private static func unwritable(_ reason: String) -> CQLError {
        .serverError(
            "The storage cannot be written: \(reason). Writes are refused until the store is started again; make room on the disk first")
    }

    /// Writes what waits, completes it, and ends the threads.
    func close() {
        monitor.lock()
        isClosing = true
        monitor.broadcast()
        monitor.unlock()
        for thread in threads { thread.join() }
        threads.removeAll()
        if knownFailure == nil { _ = database.syncLog() }
    }

    private var knownFailure: String? {
        monitor.lock()
        defer { monitor.unlock() }
        return failure
    }

    // MARK: The writer thread

    private func run() {
        while true {
            monitor.lock()
            while open.isEmpty, !isClosing {
                wanted = 1
                isWaiting = true
                monitor.wait()
            }
            linger()
            isWaiting = false
            if open.isEmpty {
                monitor.unlock()
                return
            }
            swap(&open, &spare)
            lastCount = spare.completions.count
            let failed = failure
            monitor.unlock()
            gate.open()
            let start = clock.monotonic()
            write(failed)
            lastDuration = clock.monotonic() - start
            spare.reset()
        }
    }

    /// Waits for the clients that the last group completed to send their next: for three quarters of them, or an eighth of what the last
    /// group took, a millisecond at most. A lone client is never waited for.
    private func linger() {
        let expected = lastCount - lastCount / 4
        guard isGrouped, lastCount > 1, !isClosing, open.jobs.isEmpty, open.completions.count < expected else { return }
        wanted = expected
        isWaiting = true
        _ = monitor.wait(seconds: Double(min(lastDuration / 8, 1_000_000)) * 1e-9)
    }

    /// The log is synced by a call of its own, and only after a write that succeeded: the file of a failed one is not to be touched.
    private func write(_ failed: String?) {
        var problem = failed
        if problem == nil, spare.records > 0 {
            spare.arena.patch(big: spare.records.byteSwapped, at: 8)
            problem = database.write(spare.arena.bytes)
            if problem == nil, isGrouped { problem = database.syncLog() }
        }
        if let problem {
            setFailure(problem)
            let error = Self.unwritable(problem)
            for completion in spare.completions { completion(.failure(error)) }
            for (_, completion) in spare.jobs { completion(.failure(error)) }
            return
        }
        if !isGrouped { markUnsynced() }
        for completion in spare.completions { completion(.success(.void)) }
        if !spare.jobs.isEmpty { runJobs() }
    }

    /// Each job sees what the ones before it wrote; one sync serves them all.
    private func runJobs() {
        var outcomes: [Result<JobOutcome, CQLError>] = []
        var hasWritten = false
        var failed: String?
        for (job, _) in spare.jobs {
            if let failed {
                outcomes.append(.failure(Self.unwritable(failed)))
                continue
            }
            let result = job(database)
            if case .success(let outcome) = result {
                if let batch = outcome.batch {
                    failed = database.write(batch)
                    rocksdb_writebatch_destroy(batch)
                    if let failed {
                        outcomes.append(.failure(Self.unwritable(failed)))
                        continue
                    }
                    hasWritten = true
                }
                outcome.applied?()
            }
            outcomes.append(result)
        }
        if hasWritten {
            // What was written before a failure cannot be synced any more, hence is not acknowledged.
            let isSynced = isGrouped || outcomes.contains { if case .success(let outcome) = $0 { outcome.isAlwaysSynced } else { false } }
            if isSynced {
                if failed == nil { failed = database.syncLog() }
                if let failed { outcomes = outcomes.map { _ in .failure(Self.unwritable(failed)) } }
            } else {
                markUnsynced()
            }
        }
        if let failed { setFailure(failed) }
        for (index, outcome) in outcomes.enumerated() {
            if case .success(let outcome) = outcome { outcome.settled?() }
            spare.jobs[index].completion(outcome.map(\.result))
        }
    }

    private func setFailure(_ problem: String) {
        monitor.lock()
        failure = problem
        monitor.unlock()
    }

    private func markUnsynced() {
        monitor.lock()
        hasUnsynced = true
        monitor.unlock()
    }

    // MARK: The periodic sync

    private let syncMonitor = Monitor()

    private func runSync(every period: Double) {
        while true {
            monitor.lock()
            let isOver = isClosing
            let isDue = hasUnsynced && failure == nil
            hasUnsynced = false
            monitor.unlock()
            if isOver { return }
            if isDue, let problem = database.syncLog() { setFailure(problem) }
            var left = period
            // In steps, so that closing does not wait for a long period.
            while left > 0 {
                syncMonitor.lock()
                _ = syncMonitor.wait(seconds: min(left, 0.1))
                syncMonitor.unlock()
                left -= 0.1
                monitor.lock()
                let isOver = isClosing
                monitor.unlock()
                if isOver { return }
            }
        }
    }
}
