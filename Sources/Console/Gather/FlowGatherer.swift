internal import IO
internal import Logging
internal import NIOCore

/// Looks at all boxes once a refresh while somebody listens, and gives every listener the same event.
///
/// Each box is asked on its own: one that is slow or silent is shown as such and holds up nothing, and it is not asked again
/// before its last question has ended. While nobody listens no box is asked and no task lives.
actor FlowGatherer {
    private let boxes: Boxes
    private let refresh: Duration
    private let timeout: Duration
    private let listenersMax: Int
    private var composer: FlowComposer
    private let logger: Logger

    private var looks = Looks()
    private var underWay: [BoxID: (since: ContinuousClock.Instant, task: Task<Void, Never>)] = [:]
    private var listeners: [Int: AsyncStream<ByteBuffer>.Continuation] = [:]
    private var listenerNext = 0
    private var loop: Task<Void, Never>?
    private var latest: (snapshot: FlowSnapshot, at: ContinuousClock.Instant)?
    private var isStopped = false
    /// Rounds begun, for tests: what an unwatched console does not do.
    private(set) var rounds = 0

    init(boxes: Boxes, configuration: ConsoleConfiguration, logger: Logger) {
        self.boxes = boxes
        refresh = configuration.refresh
        timeout = configuration.timeout
        listenersMax = configuration.listenersMax
        composer = FlowComposer(configuration: configuration)
        self.logger = logger
    }

    /// The events from now on, each the bytes of one server-sent event; a listener that is slow misses events, never delays others.
    ///
    /// - Throws: ``ConsoleError`` when `console.listeners` are there already, or the console is stopping.
    func listen() throws -> AsyncStream<ByteBuffer> {
        guard !isStopped else { throw ConsoleError.stopping }
        guard listeners.count < listenersMax else { throw ConsoleError.tooManyListeners(listenersMax) }
        let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1))
        let id = listenerNext
        listenerNext += 1
        listeners[id] = continuation
        continuation.onTermination = { [weak self] _ in Task { await self?.leave(id) } }
        if let latest, ContinuousClock.now - latest.at < refresh { continuation.yield(EventStream.event("flow", latest.snapshot)) }
        if loop == nil { loop = Task { await self.run() } }
        return stream
    }

    private func leave(_ id: Int) {
        listeners[id] = nil
        guard listeners.isEmpty else { return }
        loop?.cancel()
        loop = nil
    }

    var listenerCount: Int { listeners.count }

    /// The state of things: the listeners' last one while there are any, else one round for this caller.
    func snapshot() async -> FlowSnapshot {
        if let latest, ContinuousClock.now - latest.at < refresh { return latest.snapshot }
        return await round(atMost: timeout)
    }

    /// The last look at the scheduler or the broker, a refresh old at most; asks that box alone where there is none.
    func looked(_ id: BoxID) async -> Looks {
        if let latest, ContinuousClock.now - latest.at < refresh { return looks }
        let task =
            switch id {
            case .scheduler: ask(.scheduler, boxes.scheduler, \.scheduler, after: [])
            case .broker: ask(.broker, boxes.broker, \.broker, after: [])
            default: nil as Task<Void, Never>?
            }
        if let task { await Patience.wait(for: [task], atMost: timeout) }
        return looks
    }

    func stop() {
        isStopped = true
        loop?.cancel()
        loop = nil
        for listener in listeners.values { listener.finish() }
        listeners = [:]
        for (_, task) in underWay.values { task.cancel() }
    }

    private func run() async {
        // Half a refresh: a box that takes longer shows in the next event.
        let clock = ContinuousClock()
        var next = clock.now
        while !Task.isCancelled, !listeners.isEmpty {
            let event = EventStream.event("flow", await round(atMost: refresh / 2))
            for listener in listeners.values { listener.yield(event) }
            next = max(next + refresh, clock.now)
            try? await Task.sleep(until: next, clock: clock)
        }
    }

    /// Asks each box that is not being asked, waits for the answers within `patience`, and composes what is known then.
    private func round(atMost patience: Duration) async -> FlowSnapshot {
        rounds += 1
        let engine = ask(.engine, boxes.engine, \.engine, after: [])
        // Broker and store are asked for what the queries read and write, and the store for the rows of the newest records:
        // only the first time do they wait for one another.
        let broker = ask(.broker, boxes.broker, \.broker, after: looks.engine.checkedAt == nil ? [engine] : [])
        let tasks = [
            engine, broker,
            ask(.store, boxes.store, \.store, after: looks.broker.checkedAt == nil ? [engine, broker] : []),
            ask(.scheduler, boxes.scheduler, \.scheduler, after: []), ask(.registry, boxes.registry, \.registry, after: []),
            ask(.api, boxes.api, \.api, after: []), ask(.zookeeper, boxes.zookeeper, \.zookeeper, after: []),
        ]
        await Patience.wait(for: tasks.compactMap { $0 }, atMost: patience)
        return compose()
    }

    private func compose() -> FlowSnapshot {
        let now = ContinuousClock.now
        let late = underWay.filter { now - $0.value.since >= timeout }.keys
        let snapshot = composer.compose(looks, boxes: boxes, late: Set(late), at: Timestamp.now)
        latest = (snapshot, now)
        return snapshot
    }

    private func ask<Content: Sendable>(
        _ id: BoxID, _ probe: Boxes.Probe<Content>?, _ place: any WritableKeyPath<Looks, Look<Content>> & Sendable,
        after: [Task<Void, Never>?]
    ) -> Task<Void, Never>? {
        guard let probe else { return nil }
        if let task = underWay[id]?.task { return task }
        let task = Task {
            for earlier in after { await earlier?.value }
            let interest = self.composer.interest(self.looks)
            let started = ContinuousClock.now
            do {
                let (content, detail) = try await probe.look(interest)
                self.looks[keyPath: place] = Look(
                    content: content, detail: detail, error: nil, latencyMilliseconds: (ContinuousClock.now - started).inMilliseconds,
                    checkedAt: Timestamp.now)
            } catch {
                self.looks[keyPath: place].error = Self.words(error)
                self.looks[keyPath: place].checkedAt = Timestamp.now
                self.logger.debug("\(id.name) does not answer", metadata: ["address": "\(probe.address)", "error": "\(error)"])
            }
            self.underWay[id] = nil
        }
        underWay[id] = (.now, task)
        return task
    }

    private static func words(_ error: any Error) -> String {
        let words = (error as? any DescribedError).map { error in (error.place.map { "\($0): " } ?? "") + error.problem } ?? "\(error)"
        return words.count > 500 ? words.prefix(500) + "…" : words
    }
}
