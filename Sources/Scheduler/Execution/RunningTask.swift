internal import IO
internal import Logging
internal import NIOConcurrencyHelpers

/// A try under way: its closure's task, its time-out, and why it was cancelled when it was.
final class RunningTask: Sendable {
    enum Cancellation: Sendable { case timeout, stop, override }

    private struct State {
        var body: Task<Void, Never>?
        var timer: Task<Void, Never>?
        var cancellation: Cancellation?
        var isFinished = false
    }

    let key: TaskKey
    let tryNumber: Int
    let output: TaskOutput
    private let state = NIOLockedValueBox(State())

    init(key: TaskKey, tryNumber: Int, output: TaskOutput) {
        self.key = key
        self.tryNumber = tryNumber
        self.output = output
    }

    /// Starts the closure. `report` is called once: when the closure returns, or when it has not within `grace` after a cancellation.
    func start(
        _ definition: TaskDefinition, _ context: TaskContext, grace: Duration, report: @escaping @Sendable (RunMachine.Outcome) -> Void
    ) {
        let body = Task {
            let outcome: RunMachine.Outcome
            do {
                try output.log.open()
                try await definition.body(context)
                outcome = .success(note: output.remark(produces: definition.produces))
            } catch let skipped as TaskSkipped {
                output.log.write("skipped: \(skipped.reason)", level: .info, logger: "leat.scheduler")
                outcome = .skipped(reason: skipped.reason)
            } catch {
                outcome = failure(error, definition)
            }
            finish(outcome, report)
        }
        let timer = definition.executionTimeout.map { timeout in
            Task {
                guard (try? await Task.sleep(for: timeout)) != nil else { return }
                cancel(.timeout)
                guard (try? await Task.sleep(for: grace)) != nil else { return }
                finish(.timedOut(reason: "timed out after \(timeout.text), and did not end when it was cancelled"), report)
            }
        }
        let late: (cancelled: Bool, finished: Bool) = state.withLockedValue { state in
            state.body = body
            state.timer = timer
            return (state.cancellation != nil, state.isFinished)
        }
        if late.cancelled { body.cancel() }
        if late.finished { timer?.cancel() }
    }

    func cancel(_ reason: Cancellation) {
        state.withLockedValue { state in
            if state.cancellation == nil { state.cancellation = reason }
            return state.body
        }?.cancel()
    }

    /// Reports for a closure that does not end although it was cancelled.
    func abandon(_ report: @Sendable (RunMachine.Outcome) -> Void) {
        finish(.stopped(reason: "the scheduler stopped, and the task did not end when it was cancelled"), report)
    }

    private func failure(_ error: any Error, _ definition: TaskDefinition) -> RunMachine.Outcome {
        let cancellation = state.withLockedValue { $0.cancellation }
        let outcome: RunMachine.Outcome
        let reason: String
        switch cancellation {
        case .timeout:
            reason = "timed out after \(definition.executionTimeout?.text ?? "?")"
            outcome = .timedOut(reason: reason)
        case .stop:
            reason = "interrupted: the scheduler stopped while it ran"
            outcome = .stopped(reason: reason)
        case .override, nil:
            reason = "\(error)"
            outcome = .failed(reason: reason)
        }
        output.log.write(reason, level: .error, logger: "leat.scheduler")
        return outcome
    }

    private func finish(_ outcome: RunMachine.Outcome, _ report: @Sendable (RunMachine.Outcome) -> Void) {
        let timer: Task<Void, Never>?? = state.withLockedValue { state in
            guard !state.isFinished else { return nil }
            state.isFinished = true
            return .some(state.timer)
        }
        guard let timer else { return }
        timer?.cancel()
        output.log.close()
        report(outcome)
    }
}
