internal import Spark

/// A streaming query that was started: what it is doing, and the means to wait for it and to stop it.
public struct StreamingQuery: Sendable {
    private let handle: any StreamingQueryView

    init(_ handle: any StreamingQueryView) {
        self.handle = handle
    }

    /// The query's identity, the same over restarts from one checkpoint: a UUID.
    public var id: String { handle.id.text }

    /// The identity of this run: a UUID, new at each start.
    public var runId: String { handle.runID }

    /// The name that ``DataStreamWriter/queryName(_:)`` gave.
    public var name: String? { handle.name }

    /// Whether the query runs.
    public var isActive: Bool { handle.isActive }

    /// What the query is doing, in Spark's words.
    public var status: String { handle.status.message }

    /// Whether there is data that no committed batch has read.
    public var isDataAvailable: Bool { handle.status.isDataAvailable }

    /// The latest progress reports, newest last, each Spark's JSON.
    public var recentProgress: [String] { handle.recentProgress }

    /// The newest progress report, Spark's JSON.
    public var lastProgress: String? { handle.lastProgress }

    /// Why the query ended, or nil when it runs or was stopped.
    public var exception: (any Error)? { handle.exception }

    /// Stops the query and returns when it has stopped. The batch under way is abandoned and replayed at the next start.
    public func stop() async { await handle.stop() }

    /// Waits until the query ends.
    ///
    /// - Parameter timeout: how long to wait; nil waits for ever.
    /// - Returns: Whether the query has ended.
    /// - Throws: What the query ended with, when it failed.
    @discardableResult
    public func awaitTermination(timeout: Duration? = nil) async throws -> Bool {
        let isOver = await handle.awaitTermination(timeout: timeout)
        if isOver, let exception = handle.exception { throw exception }
        return isOver
    }
}
