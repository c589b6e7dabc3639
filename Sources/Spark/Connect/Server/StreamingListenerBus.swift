internal import IO

/// The long call by which a client's listeners hear of its session's streaming queries (`streaming_query_listener_bus_command`).
///
/// Queries keep their reports; here they are looked at every so often, and what is new goes out. A query that starts and ends between two
/// looks is heard of all the same.
struct StreamingListenerBus: Sendable {
    let queries: StreamingQueries
    let session: ConnectSession
    private static let interval = Duration.milliseconds(50)

    func run(_ execution: Execution) async throws {
        session.openListenerBus()
        execution.emit(.listenerAdded)
        // What happened before the listener came is not its business.
        var seen: [StreamingQueryID: (runID: String, batch: Int64, isOver: Bool)] = [:]
        for id in session.streams {
            guard let handle = queries.handle(id) else { continue }
            seen[id] = (handle.runID, handle.lastBatch ?? -1, !handle.isActive)
        }
        while session.hasListenerBus {
            try await Task.sleep(for: Self.interval)
            var events: [ExecutePlanResponse.ListenerEvent] = []
            for id in session.streams {
                guard let handle = queries.handle(id) else { continue }
                var known = seen[id] ?? (handle.runID, -1, false)
                if known.runID != handle.runID { known = (handle.runID, -1, false) }
                for (batch, json) in handle.progress(after: known.batch) {
                    events.append(.init(json: "{\"progress\":\(json)}", kind: .progress))
                    known.batch = batch
                }
                if !handle.isActive, !known.isOver {
                    events.append(.init(json: Self.terminatedEvent(handle), kind: .terminated))
                    known.isOver = true
                }
                seen[id] = known
            }
            if !events.isEmpty { execution.emit(.listenerEvents(events)) }
        }
    }

    static func startedEvent(_ handle: StreamingQueryHandle) -> String {
        JSON.object([
            "id": .string(handle.id.text), "runId": .string(handle.runID),
            "name": handle.name.map { .string($0) } ?? .null,
            "timestamp": .string(DateTimeText.isoMillis(micros: QueryLauncher.clock())),
        ]).text
    }

    private static func terminatedEvent(_ handle: StreamingQueryHandle) -> String {
        JSON.object([
            "id": .string(handle.id.text), "runId": .string(handle.runID),
            "exception": handle.exception.map { .string($0.message) } ?? .null,
            "errorClassOnException": handle.exception.map { .string($0.errorClass) } ?? .null,
        ]).text
    }
}
