internal import NIOConcurrencyHelpers
internal import NIOCore

/// All connections of the listener: counted against their bound, told of schema changes, and drained when the store stops.
final class StoreConnections: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: NIOLoopBound<StoreConnection>] = [:]
        var registered: [ObjectIdentifier: any EventLoop] = [:]
        var isStopping = false
        var whenEmpty: [EventLoopPromise<Void>] = []
    }

    private let state = NIOLockedValueBox(State())
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    /// False when there are too many, or the store is stopping.
    func add(_ connection: NIOLoopBound<StoreConnection>, id: ObjectIdentifier) -> Bool {
        state.withLockedValue { state in
            guard !state.isStopping, state.connections.count < countMax else { return false }
            state.connections[id] = connection
            return true
        }
    }

    func remove(_ id: ObjectIdentifier) {
        let promises = state.withLockedValue { state -> [EventLoopPromise<Void>] in
            state.connections[id] = nil
            state.registered[id] = nil
            guard state.connections.isEmpty else { return [] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for promise in promises { promise.succeed() }
    }

    func register(_ id: ObjectIdentifier, eventLoop: any EventLoop) {
        state.withLockedValue { $0.registered[id] = eventLoop }
    }

    var count: Int { state.withLockedValue { $0.connections.count } }

    /// Pushes an event to every connection that registered for it.
    func announce(_ change: SchemaChange) {
        let targets = state.withLockedValue { state in
            state.registered.compactMap { id, eventLoop in state.connections[id].map { (eventLoop, $0) } }
        }
        for (eventLoop, connection) in targets { eventLoop.execute { connection.value.push(.schemaChange(change)) } }
    }

    /// Every connection reads no more, answers what it has, and closes.
    func drain(on eventLoop: any EventLoop, each: (NIOLoopBound<StoreConnection>) -> Void) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        let (connections, isEmpty) = state.withLockedValue { state in
            state.isStopping = true
            if !state.connections.isEmpty { state.whenEmpty.append(promise) }
            return (Array(state.connections.values), state.connections.isEmpty)
        }
        if isEmpty { promise.succeed() }
        for connection in connections { each(connection) }
        return promise.futureResult
    }

    func visit(_ body: (NIOLoopBound<StoreConnection>) -> Void) {
        for connection in state.withLockedValue({ Array($0.connections.values) }) { body(connection) }
    }
}
