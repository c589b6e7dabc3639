internal import Dispatch
internal import Foundation
internal import NIOConcurrencyHelpers

/// SIGINT and SIGTERM: the first asks for an orderly stop, of a start under way too; the second ends the process at once.
///
/// Unchecked: its sources are set once, before it is shared.
package final class StopSignals: @unchecked Sendable {
    private struct State {
        var count = 0
        var cancel: (@Sendable () -> Void)?
    }

    private let first: AsyncStream<Void>
    private let state = NIOLockedValueBox(State())
    private var sources: [any DispatchSourceSignal] = []

    package init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        first = stream
        let queue = DispatchQueue(label: "leat.signals")
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [state] in
                let (count, cancel) = state.withLockedValue { state in
                    state.count += 1
                    return (state.count, state.cancel)
                }
                if count > 1 { _exit(128 + number) }
                cancel?()
                continuation.yield()
                continuation.finish()
            }
            source.resume()
            return source
        }
    }

    /// Whether somebody has asked for the stop.
    package var hasCome: Bool { state.withLockedValue { $0.count > 0 } }

    /// Carries out a start that the first signal cancels.
    ///
    /// - Returns: nil when it was cancelled; what it had begun it has undone then.
    package func starting<R: Sendable>(_ start: @escaping @Sendable () async throws -> R) async throws -> R? {
        let task = Task { try await start() }
        let isLate = state.withLockedValue { state in
            state.cancel = { task.cancel() }
            return state.count > 0
        }
        if isLate { task.cancel() }
        defer { state.withLockedValue { $0.cancel = nil } }
        do {
            return try await task.value
        } catch {
            if hasCome { return nil }
            throw error
        }
    }

    /// Returns at the first signal, or when the task is cancelled.
    package func wait() async {
        for await _ in first { return }
    }
}
