import Dispatch
import Foundation

/// SIGINT and SIGTERM as a stream: the first asks for an orderly stop, the second ends the process at once.
///
/// Unchecked: its sources are set once, before it is shared.
final class StopSignals: @unchecked Sendable {
    /// Yields once, at the first signal.
    let first: AsyncStream<CInt>
    private let sources: [any DispatchSourceSignal]

    init(onFirst: @escaping @Sendable () -> Void = {}) {
        let (stream, continuation) = AsyncStream.makeStream(of: CInt.self)
        first = stream
        let queue = DispatchQueue(label: "leat.signals")
        let counter = Counter()
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // The handlers of both sources run on the one queue, so that counting needs no lock.
                counter.value += 1
                if counter.value > 1 { _exit(128 + number) }
                onFirst()
                continuation.yield(number)
                continuation.finish()
            }
            source.resume()
            return source
        }
    }

    /// Unchecked: touched on one serial queue only.
    private final class Counter: @unchecked Sendable {
        var value = 0
    }

    /// Returns at the first signal, or when the task is cancelled.
    func wait() async {
        for await _ in first { return }
    }
}
