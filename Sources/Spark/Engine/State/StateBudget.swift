internal import NIOConcurrencyHelpers

/// What the state of all streaming queries of an engine may hold in memory together (`engine.state.memory`). More than that is in the store.
final class StateBudget: Sendable {
    private let bytesMax: Int
    private let used = NIOLockedValueBox(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    func charge(_ bytes: Int) { used.withLockedValue { $0 += bytes } }
    func release(_ bytes: Int) { charge(-bytes) }
    var isExceeded: Bool { used.withLockedValue { $0 } > bytesMax }
    /// Whether so much more leaves half of the room free.
    func hasRoom(for bytes: Int) -> Bool { used.withLockedValue { $0 } + bytes <= bytesMax / 2 }
}
