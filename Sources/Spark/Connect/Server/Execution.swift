internal import NIOConcurrencyHelpers

/// One ExecutePlan under way or just done: the task that runs it, and the responses that its readers wait for.
///
/// It outlives the call that started it, since the client may reattach; a client that is gone for too long loses it.
final class Execution: Sendable {
    let id: String
    let tags: [String]
    let isReattachable: Bool

    private struct State {
        var buffer: ExecutionBuffer
        var task: Task<Void, Never>?
        var isCancelled = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// Writers that wait for a reader to catch up.
        var writers: [CheckedContinuation<Void, Never>] = []
        var readers = 0
        var lastReadAt = ContinuousClock.now
    }

    private let state: NIOLockedValueBox<State>
    private let sessionID: String
    private let serverSideID: String

    init(
        id: String, tags: [String], isReattachable: Bool, retainedMax: Int, retainedBytesMax: Int = 10 << 20, sessionID: String,
        serverSideID: String
    ) {
        self.id = id
        self.tags = tags
        self.isReattachable = isReattachable
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        state = NIOLockedValueBox(State(buffer: ExecutionBuffer(retainedMax: retainedMax, retainedBytesMax: retainedBytesMax)))
    }

    /// Starts the command. `body` emits responses; when it returns, the completion is added.
    ///
    /// While it runs, a sign of life is emitted each `heartbeat`, and it is cancelled when nobody has read for `detachedMax`.
    func run(heartbeat: Duration, detachedMax: Duration, _ body: @escaping @Sendable (Execution) async throws -> Void) {
        let task = Task { [self] in
            let outcome = await withTaskGroup(of: ExecutionBuffer.Outcome?.self) { group in
                group.addTask {
                    do {
                        try await body(self)
                        try Task.checkCancellation()
                        return .completed
                    } catch is CancellationError {
                        return .failed(.cancelled(operation: self.id))
                    } catch {
                        return .failed(ConnectError(error))
                    }
                }
                group.addTask {
                    while true {
                        do { try await Task.sleep(for: heartbeat) } catch { return nil }
                        if self.isDetached(for: detachedMax) { return .failed(.cancelled(operation: self.id)) }
                        self.emit(.progress)
                    }
                }
                var outcome: ExecutionBuffer.Outcome?
                while outcome == nil, let next = await group.next() { outcome = next }
                group.cancelAll()
                return outcome ?? .failed(.cancelled(operation: self.id))
            }
            if outcome == .completed { emit(.resultComplete) }
            finish(outcome)
        }
        let isCancelled = state.withLockedValue { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    func emit(_ content: ExecutePlanResponse.Content) {
        var response = ExecutePlanResponse(content)
        response.sessionID = sessionID
        response.serverSideID = serverSideID
        response.operationID = id
        response.responseID = randomUUID()
        change { $0.buffer.append(response) }
    }

    /// Emits a part of a result, once there is room for it: what no reader has had is bounded, in bytes and in number.
    func emit(rows: ExecutePlanResponse.Rows, unreadBytesMax: Int) async throws {
        while true {
            try Task.checkCancellation()
            let hasRoom = state.withLockedValue { Self.hasRoom($0, unreadBytesMax) }
            if hasRoom { break }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isThere = state.withLockedValue { state in
                        if Task.isCancelled || state.isCancelled || Self.hasRoom(state, unreadBytesMax) { return true }
                        state.writers.append(continuation)
                        return false
                    }
                    if isThere { continuation.resume() }
                }
            } onCancel: {
                wakeWriters()
            }
        }
        emit(.rows(rows))
    }

    /// Half of the responses that are kept: the others are for signs of life, which do not wait.
    private static func hasRoom(_ state: State, _ unreadBytesMax: Int) -> Bool {
        state.buffer.unread == 0 || (state.buffer.unreadBytes < unreadBytesMax && state.buffer.unread < state.buffer.retainedMax / 2)
    }

    private func wakeWriters() {
        let writers = state.withLockedValue { state in
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.resume() }
    }

    private func finish(_ outcome: ExecutionBuffer.Outcome) {
        change { $0.buffer.finish(outcome) }
    }

    /// - Returns: Whether it was still running.
    @discardableResult
    func cancel() -> Bool {
        let (task, isRunning) = state.withLockedValue { state in
            state.isCancelled = true
            return (state.task, state.buffer.outcome == nil)
        }
        task?.cancel()
        wakeWriters()
        return isRunning
    }

    var status: GetStatusResponse.State {
        state.withLockedValue { state in
            switch state.buffer.outcome {
            case nil: state.isCancelled ? .terminating : .running
            case .completed: .succeeded
            case .failed: state.isCancelled ? .cancelled : .failed
            }
        }
    }

    var isFinished: Bool { state.withLockedValue { $0.buffer.outcome != nil } }

    func isDetached(for limit: Duration) -> Bool {
        state.withLockedValue { $0.readers == 0 && ContinuousClock.now - $0.lastReadAt > limit }
    }

    func position(after responseID: String?) throws -> Int {
        try state.withLockedValue { try $0.buffer.position(after: responseID) }
    }

    func release(until responseID: String) {
        state.withLockedValue { $0.buffer.release(until: responseID) }
    }

    /// Sends responses from a position on, until the execution ends or, for one that can be reattached to, `limit` has passed:
    /// the client then calls again, so that no proxy's or its own time-out cuts a long command short.
    func stream(from position: Int, limit: Duration, _ send: (ExecutePlanResponse) async throws -> Void) async throws {
        state.withLockedValue { $0.readers += 1 }
        defer {
            state.withLockedValue { state in
                state.readers -= 1
                state.lastReadAt = .now
            }
        }
        let deadline = ContinuousClock.now + limit
        var position = position
        while true {
            switch state.withLockedValue({ $0.buffer.step(at: position) }) {
            case .send(let response):
                try await send(response)
                position += 1
                state.withLockedValue { $0.buffer.read(until: position) }
                wakeWriters()
                if !isReattachable { release(until: response.responseID) }
            case .wait:
                if isReattachable, ContinuousClock.now >= deadline { return }
                await change(after: position)
            case .end:
                return
            case .fail(let error):
                throw error
            }
        }
    }

    /// Returns when there may be something new; a heartbeat comes at the latest, so that the wait needs no timer.
    private func change(after position: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLockedValue { state in
                if state.buffer.step(at: position) != .wait { return true }
                state.waiters.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLockedValue { state in
            body(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
