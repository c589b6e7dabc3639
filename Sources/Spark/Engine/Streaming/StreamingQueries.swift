internal import NIOConcurrencyHelpers

/// The streaming queries of this engine: the running ones, and the ended ones until they are forgotten.
///
/// This is all that the Connect server sees of the engine's streaming side.
package final class StreamingQueries: Sendable {
    private struct State {
        var handles: [StreamingQueryID: StreamingQueryHandle] = [:]
        /// Ended queries, oldest first; the bound keeps a server that starts queries all day from growing.
        var ended: [StreamingQueryID] = []
    }

    private let state = NIOLockedValueBox(State())
    private let endedMax = 100
    private let launch: @Sendable (StreamingQueryDefinition) async throws -> StreamingQueryHandle

    /// - Parameter launch: resolves, checks and starts a query; it returns once the query runs.
    init(launch: @escaping @Sendable (StreamingQueryDefinition) async throws -> StreamingQueryHandle) {
        self.launch = launch
    }

    /// - Throws: ``SparkError`` for a plan that does not resolve, an unknown format or option value, or a checkpoint of another query.
    package func start(_ definition: StreamingQueryDefinition) async throws -> StreamingQueryHandle {
        try await launch(definition)
    }

    package func active() -> [StreamingQuerySummary] {
        state.withLockedValue { $0.handles.values.filter(\.isActive).map(\.summary) }.sorted { $0.id.text < $1.id.text }
    }

    /// Running ones, and those that ended, in the order of their ends; last the newest.
    var all: [StreamingQueryHandle] {
        state.withLockedValue { state in
            let ended = state.ended.compactMap { state.handles[$0] }.filter { !$0.isActive }
            return state.handles.values.filter(\.isActive).sorted { $0.id.text < $1.id.text } + ended
        }
    }

    package func handle(_ id: StreamingQueryID) -> StreamingQueryHandle? { state.withLockedValue { $0.handles[id] } }
    package func status(_ id: StreamingQueryID) -> StreamingQueryStatus? { handle(id)?.status }
    /// Newest last, at most 100, each Spark's progress JSON.
    package func recentProgress(_ id: StreamingQueryID) -> [String] { handle(id)?.recentProgress ?? [] }
    package func exception(_ id: StreamingQueryID) -> StreamingQueryException? { handle(id)?.exception }
    /// Returns when the query has stopped.
    package func stop(_ id: StreamingQueryID) async { await handle(id)?.stop() }

    package func stopAll() async {
        let handles = state.withLockedValue { Array($0.handles.values) }
        await withTaskGroup(of: Void.self) { group in
            for handle in handles { group.addTask { await handle.stop() } }
        }
    }

    /// - Throws: ``SparkError`` when a running query has this id or this name.
    func register(_ handle: StreamingQueryHandle) throws {
        try state.withLockedValue { state in
            if let running = state.handles[handle.id], running.isActive {
                throw SparkError(
                    "CONCURRENT_STREAM_LOG_UPDATE", sqlState: "40000",
                    "The streaming query \(handle.name ?? handle.id.text) is already running on this checkpoint.",
                    nextStep: "stop it first, or give this query its own checkpointLocation")
            }
            if let name = handle.name, let other = state.handles.values.first(where: { $0.name == name && $0.isActive }) {
                throw SparkError(
                    "STREAMING_QUERY_NAME_IN_USE", sqlState: "42710",
                    "Cannot start query with name \(name) as a query with that name is already active in this engine (id \(other.id)).",
                    nextStep: "stop that query, or choose another queryName")
            }
            state.handles[handle.id] = handle
            state.ended.removeAll { $0 == handle.id }
        }
    }

    func ended(_ handle: StreamingQueryHandle) {
        state.withLockedValue { state in
            state.ended.append(handle.id)
            if state.ended.count > endedMax {
                let oldest = state.ended.removeFirst()
                if state.handles[oldest]?.isActive == false { state.handles[oldest] = nil }
            }
        }
    }
}
