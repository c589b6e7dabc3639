internal import NIOConcurrencyHelpers

/// What the world sees of one streaming query: identity, status, progress, exception, and the wish that it stop.
///
/// The loop that runs the query writes it; the Connect server and the engine's callers read it. Everything sits under one short lock.
package final class StreamingQueryHandle: Sendable {
    package let id: StreamingQueryID
    package let runID: String
    package let name: String?

    private struct State {
        var status = StreamingQueryStatus(
            message: "Initializing sources", isDataAvailable: false, isTriggerActive: false, isActive: true)
        /// Made into JSON when somebody asks: a batch of one record must not pay for a report that nobody reads.
        var progress: [StreamingQueryProgress] = []
        /// Where the query stood when it started; shown until the first batch has a report.
        var start: StreamingQueryProgress?

        var reports: [StreamingQueryProgress] { progress.isEmpty ? start.map { [$0] } ?? [] : progress }
        var exception: StreamingQueryException?
        var isStopRequested = false
        var task: Task<Void, Never>?
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var waiterNext = 0
    }

    private let state = NIOLockedValueBox(State())
    /// Progress reports kept, Spark's `spark.sql.streaming.numRecentProgressUpdates`.
    private let progressMax: Int

    init(id: StreamingQueryID, runID: String, name: String?, progressMax: Int = 100) {
        self.id = id
        self.runID = runID
        self.name = name
        self.progressMax = progressMax
    }

    package var summary: StreamingQuerySummary { StreamingQuerySummary(id: id, runID: runID, name: name) }
    package var status: StreamingQueryStatus { state.withLockedValue { $0.status } }
    package var recentProgress: [String] { state.withLockedValue { $0.reports }.map(\.json) }
    package var lastProgress: String? { state.withLockedValue { $0.reports.last }?.json }
    /// The number of the last batch that was reported on.
    var lastBatch: Int64? { state.withLockedValue { $0.progress.last?.batchID } }

    /// The reports on later batches, oldest first.
    func progress(after batch: Int64) -> [(batch: Int64, json: String)] {
        state.withLockedValue { $0.progress.filter { $0.batchID > batch } }.map { ($0.batchID, $0.json) }
    }

    package var exception: StreamingQueryException? { state.withLockedValue { $0.exception } }
    package var isActive: Bool { state.withLockedValue { $0.status.isActive } }
    var isStopRequested: Bool { state.withLockedValue { $0.isStopRequested } }

    func update(_ message: String, isDataAvailable: Bool, isTriggerActive: Bool) {
        state.withLockedValue {
            guard $0.status.isActive else { return }
            $0.status = StreamingQueryStatus(
                message: message, isDataAvailable: isDataAvailable, isTriggerActive: isTriggerActive, isActive: true)
        }
    }

    /// Where a query stands that has done nothing yet, as Spark's report of a trigger without data says it.
    func reportStart(_ progress: StreamingQueryProgress) { state.withLockedValue { $0.start = progress } }

    func report(_ progress: StreamingQueryProgress) {
        state.withLockedValue {
            if $0.progress.count == progressMax { $0.progress.removeFirst() }
            $0.progress.append(progress)
        }
    }

    /// The task that runs the query; cancelled at once when the stop came first.
    func attach(_ task: Task<Void, Never>) {
        let isStopRequested = state.withLockedValue {
            $0.task = task
            return $0.isStopRequested
        }
        if isStopRequested { task.cancel() }
    }

    func finish(_ exception: StreamingQueryException?) {
        let waiters = state.withLockedValue { state in
            state.exception = exception
            state.status = StreamingQueryStatus(
                message: exception.map { "Terminated with exception: \($0.message)" } ?? "Stopped", isDataAvailable: false,
                isTriggerActive: false, isActive: false)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// Asks the query to stop and returns when it has: the running micro-batch is abandoned, uncommitted, and replayed at the next start.
    package func stop() async {
        let task = state.withLockedValue {
            $0.isStopRequested = true
            return $0.task
        }
        task?.cancel()
        await task?.value
    }

    /// True when the query ended within `timeout` (nil: wait for ever).
    package func awaitTermination(timeout: Duration? = nil) async -> Bool {
        guard let timeout else { return await ended() }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.ended() }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    private func ended() async -> Bool {
        let waiter = state.withLockedValue { state in
            state.waiterNext += 1
            return state.waiterNext
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLockedValue { state -> Bool? in
                    if !state.status.isActive { return true }
                    if Task.isCancelled { return false }
                    state.waiters[waiter] = continuation
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
            }
        } onCancel: {
            let continuation = state.withLockedValue { $0.waiters.removeValue(forKey: waiter) }
            continuation?.resume(returning: false)
        }
    }
}
