internal import IO
internal import NIOConcurrencyHelpers
internal import Spark

/// The engine by Spark Connect: its active queries with their status and last batches, and why one ended.
///
/// Spark lists running queries only. One that was seen running and is gone is asked for its exception and shown as ended, until a
/// query of the same name runs again. Leat's engine also tells of those that died before anybody saw them.
final class EngineHop: Sendable {
    private let client: SparkConnectClient
    private let batchesMax: Int
    private let queriesMax: Int

    private struct State {
        var known: [String: Known] = [:]
        var version: String?
    }

    private struct Known {
        var snapshot: QuerySnapshot
        /// Reports read before, by their text: a hundred come with each look, and few of them are new.
        var reports: [String: QueryProgress] = [:]
        var endedAt: ContinuousClock.Instant?
    }

    private let state = NIOLockedValueBox(State())

    init(client: SparkConnectClient, configuration: ConsoleConfiguration) {
        self.client = client
        batchesMax = configuration.batchesMax
        queriesMax = configuration.flowsMax
    }

    func look(_: Interest) async throws -> (EngineLook, detail: String) {
        let active = try await client.activeQueries()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for query in active.prefix(queriesMax) { group.addTask { try await self.look(at: query) } }
            try await group.waitForAll()
        }
        await noteEnded(active: active)
        let version = await version()
        let queries = state.withLockedValue { $0.known.values.map(\.snapshot) }
        let count = active.count == 1 ? "1 active query" : "\(active.count) active queries"
        return (EngineLook(queries: queries), detail: (version.map { "Spark \($0), " } ?? "") + count)
    }

    private func look(at query: ConnectStreamingQuery) async throws {
        async let statusAnswer = client.status(query.id)
        async let reportsAnswer = client.recentProgress(query.id)
        let (status, reports) = try await (statusAnswer, reportsAnswer)
        let read = state.withLockedValue { state -> [String: QueryProgress] in
            guard let known = state.known[query.id], known.snapshot.runID == query.runID else { return [:] }
            return known.reports
        }
        var byText: [String: QueryProgress] = [:]
        var batches: [QueryProgress] = []
        for report in reports {
            // A report that cannot be read is left out; the others still tell.
            guard let progress = try? read[report] ?? QueryProgress(parsing: report) else { continue }
            byText[report] = progress
            batches.append(progress)
        }
        var snapshot = QuerySnapshot(
            id: query.id, runID: query.runID, name: query.name.flatMap { $0.isEmpty ? nil : $0 }, isActive: status.isActive,
            message: status.message)
        if let last = batches.last {
            snapshot.sources = last.sources
            snapshot.topics = last.topics
            snapshot.sink = last.sink
            let latest = batches.last { !$0.endOffsets.isEmpty }
            snapshot.endOffsets = latest?.endOffsets ?? [:]
            snapshot.rows = latest?.rowsRead
            snapshot.deadLetters = batches.last { $0.deadLetters != nil }?.deadLetters
            if let latest, !latest.latestOffsets.isEmpty {
                snapshot.lag = latest.latestOffsets.reduce(into: 0) { lag, topic in
                    for (partition, offset) in topic.value { lag += max(0, offset - (latest.endOffsets[topic.key]?[partition] ?? 0)) }
                }
            }
            snapshot.batches = batches.reversed().lazy.filter { $0.batch.rows > 0 }.prefix(batchesMax).map(\.batch)
        }
        state.withLockedValue { state in
            state.known[query.id] = Known(snapshot: snapshot, reports: byText)
            state.known = state.known.filter { $0.key == query.id || $0.value.endedAt == nil || $0.value.snapshot.name != snapshot.name }
        }
    }

    private func noteEnded(active: [ConnectStreamingQuery]) async {
        let running = Set(active.map(\.id))
        let gone = state.withLockedValue { $0.known.filter { !running.contains($0.key) && $0.value.endedAt == nil } }
        for id in gone.keys {
            let exception = try? await client.exception(id)
            state.withLockedValue { state in
                state.known[id]?.endedAt = .now
                state.known[id]?.reports = [:]
                state.known[id]?.snapshot.isActive = false
                state.known[id]?.snapshot.rate = nil
                state.known[id]?.snapshot.exception = exception?.message
                state.known[id]?.snapshot.message = exception == nil ? "stopped" : "ended with an error"
            }
        }
        let unseen = (try? await client.endedQueries()) ?? []
        state.withLockedValue { state in
            let names = Set(active.compactMap(\.name))
            for ended in unseen.suffix(queriesMax) where state.known[ended.query.id] == nil {
                guard let exception = ended.exception, !names.contains(ended.query.name ?? "") else { continue }
                let snapshot = QuerySnapshot(
                    id: ended.query.id, runID: ended.query.runID, name: ended.query.name, isActive: false, message: "ended with an error",
                    exception: exception)
                state.known[ended.query.id] = Known(snapshot: snapshot, endedAt: .now)
            }
            let ended = state.known.filter { $0.value.endedAt != nil }.sorted { $0.value.endedAt ?? .now < $1.value.endedAt ?? .now }
            for (id, _) in ended.dropLast(queriesMax) { state.known[id] = nil }
        }
    }

    /// Asked for once: an engine that is replaced by another release was down in between.
    private func version() async -> String? {
        if let version = state.withLockedValue({ $0.version }) { return version }
        let version = try? await client.sparkVersion()
        state.withLockedValue { $0.version = version }
        return version
    }
}
