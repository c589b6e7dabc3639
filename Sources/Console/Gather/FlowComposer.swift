internal import IO

/// Makes the page's picture out of the last looks: pure, but for the meters that turn counts into rates.
struct FlowComposer: Sendable {
    private let configuration: ConsoleConfiguration
    private var meters: [String: RateMeter] = [:]

    init(configuration: ConsoleConfiguration) {
        self.configuration = configuration
    }

    static let deadLetterSuffix = ".dead-letter"

    /// What broker and store should be asked, given what is known of the queries.
    func interest(_ looks: Looks) -> Interest {
        var interest = Interest()
        for query in shownQueries(looks) {
            for topic in query.topics { interest.topics[topic] = query.deadLetters?.topic ?? topic + Self.deadLetterSuffix }
            if let sink = query.sink {
                let records = query.topics.flatMap { looks.broker.content?.topic($0)?.newest ?? [] }
                interest.sinks.append(SinkInterest(description: sink, records: records, rowsRead: query.endOffsetSum))
            }
        }
        if interest.topics.isEmpty, let topic = unreadTopics(looks).first { interest.topics[topic] = topic + Self.deadLetterSuffix }
        return interest
    }

    mutating func compose(_ looks: Looks, boxes: Boxes, late: Set<BoxID>, at time: Int64) -> FlowSnapshot {
        var used: Set<String> = []
        let health = health(looks, boxes, late: late)
        var flows = shownQueries(looks).map { flow(of: $0, looks, at: time, using: &used) }
        if flows.isEmpty {
            let topics = unreadTopics(looks).prefix(configuration.flowsMax)
            flows = topics.map { flow(ofTopic: $0, looks, at: time, using: &used) }
        }
        if flows.isEmpty { flows = [flow(ofTopic: nil, looks, at: time, using: &used)] }
        for index in flows.indices { flows[index].verdict = .init(of: flows[index], boxes: health) }
        meters = meters.filter { used.contains($0.key) }
        return FlowSnapshot(
            time: time, refreshMilliseconds: Int64(configuration.refresh.inMilliseconds), boxes: health, flows: flows)
    }

    private func shownQueries(_ looks: Looks) -> [QuerySnapshot] {
        let queries = looks.engine.content?.queries ?? []
        return Array(
            queries.sorted { ($0.isActive ? 0 : 1, $0.name ?? $0.id) < ($1.isActive ? 0 : 1, $1.name ?? $1.id) }.prefix(
                configuration.flowsMax))
    }

    /// Topics for the time when no query runs, dead-letter topics last.
    private func unreadTopics(_ looks: Looks) -> [String] {
        (looks.broker.content?.topics ?? []).map(\.name).filter { !$0.hasPrefix("_") && !$0.hasSuffix(Self.deadLetterSuffix) }.sorted()
    }

    // MARK: Hops

    private mutating func flow(of query: QuerySnapshot, _ looks: Looks, at time: Int64, using used: inout Set<String>) -> FlowSnapshot.Flow
    {
        let name = query.name ?? query.id
        let topicName = query.topics.first
        var flow = flow(ofTopic: topicName, looks, at: time, using: &used)
        flow.id = name
        var query = query
        let starts = query.topics.reduce(into: Int64(0)) { sum, topic in
            sum += looks.broker.content?.startOffsets[topic]?.values.reduce(0, +) ?? 0
        }
        if let rows = query.rows {
            query.rows = max(0, rows - starts)
            (query.rate, query.history) = metered("query/\(query.id)", rows, at: looks.engine.checkedAt, using: &used)
        }
        query.lag = lag(of: query, looks.broker.content) ?? query.lag
        flow.query = query
        flow.table = table(of: query, looks, using: &used)
        let target = flow.table.map { "\($0.keyspace).\($0.name)" } ?? query.sink
        flow.title = [topicName, target].compactMap { $0 }.joined(separator: " → ")
        if flow.title.isEmpty { flow.title = name }
        if let deadLetters = query.deadLetters, deadLetters.total > 0 {
            // The topic tells more than the query's metrics, where it can be read.
            if flow.drops == nil || flow.drops?.count == 0 {
                flow.drops = DropsSnapshot(
                    topic: deadLetters.topic ?? (topicName ?? name) + Self.deadLetterSuffix, count: deadLetters.total,
                    problem: deadLetters.lastReason.map { "the latest reason: \($0)" })
            }
        }
        return flow
    }

    private mutating func flow(ofTopic name: String?, _ looks: Looks, at time: Int64, using used: inout Set<String>) -> FlowSnapshot.Flow {
        var flow = FlowSnapshot.Flow(id: name ?? "pipeline", title: name ?? "", verdict: .init(state: .idle, title: "", explanation: ""))
        if let name {
            flow.topic = looks.broker.content?.topic(name)
            if let end = flow.topic?.endOffset {
                let metered = metered("topic/\(name)", end, at: looks.broker.checkedAt, using: &used)
                flow.topic?.rate = metered.rate
                flow.topic?.history = metered.history
            }
            flow.drops = looks.broker.content?.drops[name].flatMap { $0.count > 0 ? $0 : nil }
        }
        flow.dag = dag(feeding: name, looks)
        if let dag = flow.dag {
            flow.dag?.problem = dag.problem ?? dag.tasks.lazy.compactMap { task in task.note.map { "\(task.id): \($0)" } }.first
            // What came from the API is what the tasks say they fetched; where they count only what they produced, that.
            let names = ["fetched", "users_fetched", "users", "produced"] + (name.map { [$0] } ?? [])
            flow.source = FlowSnapshot.Source(
                name: BoxID.api.name, fetched: names.lazy.compactMap { dag.counts[$0] }.first,
                retried: dag.counts["retried"] ?? dag.counts["retries"],
                problem: dag.tasks.lazy.filter { $0.state != "success" }.compactMap(\.note).first)
            if let fetched = flow.source?.fetched {
                let metered = metered("dag/\(dag.id)/fetched", fetched, at: looks.scheduler.checkedAt, using: &used)
                flow.source?.rate = metered.rate
                flow.source?.history = metered.history
            }
        }
        return flow
    }

    /// The DAG whose tasks counted records for the topic, else one that names it in its tags or its description, else the only one.
    private func dag(feeding topic: String?, _ looks: Looks) -> DAGSnapshot? {
        let dags = looks.scheduler.content?.dags ?? []
        if let topic {
            if let counting = dags.first(where: { $0.counts[topic] != nil }) { return counting }
            if let tagged = dags.first(where: { $0.tags.contains(topic) || $0.tags.contains("produces:\(topic)") }) { return tagged }
            if let described = dags.first(where: { $0.description?.contains(topic) ?? false }) { return described }
        }
        return dags.count == 1 ? dags[0] : nil
    }

    private func lag(of query: QuerySnapshot, _ broker: BrokerLook?) -> Int64? {
        guard let broker, !query.endOffsets.isEmpty else { return nil }
        var lag: Int64 = 0
        for (topic, read) in query.endOffsets {
            guard let ends = broker.endOffsets[topic] else { return nil }
            for (partition, end) in ends { lag += max(0, end - (read[partition] ?? 0)) }
        }
        return lag
    }

    private mutating func table(of query: QuerySnapshot, _ looks: Looks, using used: inout Set<String>) -> TableSnapshot? {
        guard let sink = query.sink, let store = looks.store.content else { return nil }
        guard let name = Sink(description: sink).table(among: store.tables), var table = store.shown[name] else { return nil }
        if let counted = table.rows, let readAtCount = store.rowsReadAtCount[name], let read = query.endOffsetSum, read > readAtCount {
            table.rows = counted + (read - readAtCount)
            table.isEstimate = true
        }
        if let rows = table.rows {
            (table.rate, table.history) = metered("table/\(name)", rows, at: looks.store.checkedAt, using: &used)
        }
        return table
    }

    /// The meter is fed only when the box was looked at anew, by the time of that look.
    private mutating func metered(
        _ key: String, _ count: Int64, at time: Int64?, using used: inout Set<String>
    ) -> (rate: Double?, history: [Double]?) {
        used.insert(key)
        var meter = meters[key] ?? RateMeter(historyMax: configuration.historyMax)
        if let time { meter.record(count, atSeconds: Double(time) / 1_000) }
        meters[key] = meter
        return (meter.perSecond, meter.history.isEmpty ? nil : meter.history)
    }

    // MARK: Health

    private func health(_ looks: Looks, _ boxes: Boxes, late: Set<BoxID>) -> [BoxHealth] {
        BoxID.allCases.map { id in
            switch id {
            case .api: health(id, boxes.api, looks.api, late)
            case .scheduler: health(id, boxes.scheduler, looks.scheduler, late)
            case .broker: health(id, boxes.broker, looks.broker, late)
            case .registry: health(id, boxes.registry, looks.registry, late)
            case .engine: health(id, boxes.engine, looks.engine, late)
            case .store: health(id, boxes.store, looks.store, late)
            case .zookeeper: health(id, boxes.zookeeper, looks.zookeeper, late)
            }
        }
    }

    private func health<Content>(_ id: BoxID, _ probe: Boxes.Probe<Content>?, _ look: Look<Content>, _ late: Set<BoxID>) -> BoxHealth {
        guard let probe else { return BoxHealth(id: id, name: id.name, address: "not configured", state: .unset) }
        var health = BoxHealth(
            id: id, name: id.name, address: probe.address, link: probe.link,
            state: look.checkedAt == nil ? .waiting : look.error == nil ? .up : .down, error: look.error,
            detail: look.error == nil ? look.detail : nil, latencyMilliseconds: look.error == nil ? look.latencyMilliseconds : nil,
            checkedAt: look.checkedAt)
        if late.contains(id) {
            health.state = .down
            health.error = "\(probe.address) did not answer within \(configuration.timeout.text)"
            health.detail = nil
        }
        return health
    }
}

extension QuerySnapshot {
    var endOffsetSum: Int64? {
        endOffsets.isEmpty ? nil : endOffsets.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    }
}
