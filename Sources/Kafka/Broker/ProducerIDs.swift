internal import IO
internal import NIOConcurrencyHelpers

/// Hands out producer ids, each once in the broker's life: the file holds an id below which all may have been given out, and is
/// moved on by a block at a time before any of the block is used.
final class ProducerIDs: Sendable {
    private struct State {
        var next: Int64 = 0
        var end: Int64 = 0
        var isRead = false
    }

    private static let block: Int64 = 1_000
    private let path: String
    private let state = NIOLockedValueBox(State())

    init(path: String) { self.path = path }

    /// Blocks for a sync once in a block: on the administrative thread.
    func next() throws -> Int64 {
        try state.withLockedValue { state in
            if !state.isRead {
                if let text = try readText(path) {
                    guard let value = Int64(text.filter { !$0.isWhitespace }), value >= 0 else {
                        throw DataFolderError.unusable(box: "broker", path: path, reason: "it holds '\(text)', not a producer id")
                    }
                    state.next = value
                    state.end = value
                }
                state.isRead = true
            }
            if state.next == state.end {
                try DurableFile.replace(path, with: Array("\(state.end + Self.block)\n".utf8))
                state.end += Self.block
            }
            defer { state.next += 1 }
            return state.next
        }
    }
}
