internal import NIOConcurrencyHelpers

/// A result that one side settles, once, and one task awaits, once. A cancelled task stops waiting at once; what is settled
/// afterwards is dropped.
final class Completion<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
        case done
    }

    private let state = NIOLockedValueBox(State.pending)

    /// The first settlement counts.
    func settle(_ result: Result<Value, any Error>) {
        let continuation: CheckedContinuation<Value, any Error>? = state.withLockedValue { state in
            switch state {
            case .pending:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .done
                return continuation
            case .settled, .done:
                return nil
            }
        }
        continuation?.resume(with: result)
    }

    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Value, any Error>? = state.withLockedValue { state in
                    if case .settled(let result) = state {
                        state = .done
                        return result
                    }
                    state = .awaited(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            settle(.failure(CancellationError()))
        }
    }
}

extension Task where Failure == any Error {
    /// The task's value; a cancelled caller stops waiting, and the task goes on for others.
    var sharedValue: Success {
        get async throws {
            let completion = Completion<Success>()
            let waiter = Task<Void, Never> { completion.settle(await self.result) }
            defer { waiter.cancel() }
            return try await completion.value()
        }
    }
}
