import IO
import Testing

@testable import Console

@Suite("From looks to the picture")
struct FlowComposerTests {
    private func query(_ name: String = "users", read: Int64 = 90, rows: Int64 = 90) -> QuerySnapshot {
        QuerySnapshot(
            id: "6f1c", runID: "r1", name: name, isActive: true, message: "", topics: ["users_created"],
            sink: "CassandraTable[spark_streams.created_users]", rows: rows, endOffsets: ["users_created": ["0": read, "1": 0]])
    }

    private func looks(_ queries: [QuerySnapshot], at time: Int64 = 1_000) -> Looks {
        var looks = Looks()
        looks.engine = Look(content: EngineLook(queries: queries), checkedAt: time)
        looks.broker = Look(
            content: BrokerLook(
                brokers: 1, topics: [TopicSnapshot(name: "users_created", partitions: 2, records: 100, endOffset: 100)],
                endOffsets: ["users_created": ["0": 95, "1": 5]], startOffsets: ["users_created": ["0": 0, "1": 0]], drops: [:]),
            checkedAt: time)
        looks.store = Look(
            content: StoreLook(
                release: "5.0", tables: ["spark_streams.created_users", "other.created"],
                shown: [
                    "spark_streams.created_users": TableSnapshot(
                        keyspace: "spark_streams", name: "created_users", rows: 80, isEstimate: false, isSample: false)
                ],
                rowsReadAtCount: ["spark_streams.created_users": 80]),
            checkedAt: time)
        return looks
    }

    private var boxes: Boxes {
        var boxes = Boxes()
        boxes.engine = .init(address: "engine:15002") { _ in (EngineLook(queries: []), detail: "") }
        return boxes
    }

    @Test("a flow follows its query from the topic to the table, with the lag from the broker's ends and the rows since the count")
    func follows() throws {
        var composer = FlowComposer(configuration: try configuration())
        let flow = composer.compose(looks([query()]), boxes: boxes, late: [], at: 1_000).flows[0]
        #expect(flow.id == "users")
        #expect(flow.title == "users_created → spark_streams.created_users")
        #expect(flow.query?.lag == 10)
        #expect(flow.topic?.records == 100)
        #expect(flow.table?.rows == 90)
        #expect(flow.table?.isEstimate == true)
    }

    @Test("the API's failures show where its users are counted")
    func failures() throws {
        var composer = FlowComposer(configuration: try configuration())
        var looks = looks([query()])
        var task = TaskSnapshot(id: "stream", mapIndex: -1, state: "up_for_retry", tryNumber: 2, maxTries: 3)
        task.note = "no users came from the RandomUser API: it answered 500"
        let dag = DAGSnapshot(
            id: "user_automation", isPaused: false, tags: [], tasks: [task], counts: ["users_created": 5, "fetched": 5, "retried": 3])
        looks.scheduler = Look(content: SchedulerLook(dags: [dag]), checkedAt: 1_000)
        let source = composer.compose(looks, boxes: boxes, late: [], at: 1_000).flows[0].source
        #expect(source?.fetched == 5 && source?.retried == 3)
        #expect(source?.problem == "no users came from the RandomUser API: it answered 500")
    }

    @Test("rates come from what changed between two looks, and a second look at the same answer changes nothing")
    func rates() throws {
        var composer = FlowComposer(configuration: try configuration())
        _ = composer.compose(looks([query()], at: 1_000), boxes: boxes, late: [], at: 1_000)
        let flow = composer.compose(looks([query(read: 110, rows: 110)], at: 3_000), boxes: boxes, late: [], at: 3_000).flows[0]
        #expect(flow.query?.rate == 10)
        #expect(flow.topic?.rate == 0)
        #expect(flow.verdict.state == .good)
        let again = composer.compose(looks([query(read: 110, rows: 110)], at: 3_000), boxes: boxes, late: [], at: 3_500).flows[0]
        #expect(again.query?.rate == 10 && again.query?.history == flow.query?.history)
    }

    @Test("each query is a flow; without queries the topics are, dead letters and internal ones left out")
    func several() throws {
        var composer = FlowComposer(configuration: try configuration())
        let two = composer.compose(looks([query("users"), query("audit")]), boxes: boxes, late: [], at: 0)
        #expect(two.flows.map(\.id) == ["audit", "users"])
        var looks = looks([])
        looks.broker.content?.topics += ["users_created.dead-letter", "_schemas", "orders"].map { TopicSnapshot(name: $0, partitions: 1) }
        let none = composer.compose(looks, boxes: boxes, late: [], at: 0)
        #expect(none.flows.map(\.id) == ["orders", "users_created"])
        #expect(none.flows.allSatisfy { $0.verdict.title == "No query is active" })
        #expect(composer.compose(Looks(), boxes: boxes, late: [], at: 0).flows.count == 1)
    }

    @Test("the verdict names a silent box before a drop, an ended query before a drop, and a drop with its reason")
    func verdicts() throws {
        var composer = FlowComposer(configuration: try configuration())
        var looks = looks([query()])
        looks.broker.content?.drops["users_created"] = DropsSnapshot(
            topic: "users_created.dead-letter", count: 2,
            first: DeadLetterSnapshot(partition: 0, offset: 0, timestamp: 0, reason: "the value is not JSON"))
        let dropped = composer.compose(looks, boxes: boxes, late: [], at: 0).flows[0].verdict
        #expect(dropped.title == "2 records were dropped")
        #expect(dropped.explanation.contains("the value is not JSON") && dropped.explanation.contains("users_created.dead-letter"))

        var ended = query()
        ended.isActive = false
        ended.exception = "offset 5 is beyond the log's end"
        var endedLooks = looks
        endedLooks.engine.content = EngineLook(queries: [ended])
        let end = composer.compose(endedLooks, boxes: boxes, late: [], at: 0).flows[0].verdict
        #expect(end.title == "The query users has ended" && end.explanation == "offset 5 is beyond the log's end")

        looks.engine.error = "connection refused"
        let silent = composer.compose(looks, boxes: boxes, late: [], at: 0)
        #expect(silent.flows[0].verdict.title == "The engine does not answer")
        #expect(silent.flows[0].topic?.records == 100, "what was known stays")
    }

    @Test("a sink's table is found by its name in whatever description, and never guessed")
    func sinks() {
        let tables = ["spark_streams.created_users", "spark_streams.created", "a.b"]
        #expect(Sink(description: "CassandraTable[spark_streams.created_users]").table(among: tables) == "spark_streams.created_users")
        #expect(Sink(description: "cassandra.spark_streams.created_users").table(among: tables) == "spark_streams.created_users")
        #expect(Sink(description: "ForeachBatchSink(spark_streams.created)").table(among: tables) == "spark_streams.created")
        #expect(Sink(description: "org.apache.spark.sql.execution.streaming.ConsoleTable$@13b8").table(among: tables) == nil)
    }

    @Test("interest names the queries' topics and dead letters, and a topic to show where no query runs")
    func interest() throws {
        let composer = FlowComposer(configuration: try configuration())
        var query = query()
        #expect(composer.interest(looks([query])).topics == ["users_created": "users_created.dead-letter"])
        query.deadLetters = DeadLetterMetrics(total: 1, topic: "elsewhere")
        #expect(composer.interest(looks([query])).topics == ["users_created": "elsewhere"])
        #expect(composer.interest(looks([])).topics.keys.sorted() == ["users_created"])
        #expect(composer.interest(Looks()).topics.isEmpty)
    }
}

@Suite("Rates")
struct RateMeterTests {
    @Test("one a second reads as one a second, whatever falls between two looks")
    func steady() {
        var meter = RateMeter(historyMax: 10)
        for (index, count) in [0, 0, 2, 3, 4, 4, 6, 7, 8, 9, 10].enumerated() { meter.record(Int64(count), atSeconds: Double(index)) }
        #expect(abs((meter.perSecond ?? 0) - 1) < 0.25)
        #expect(meter.history.count == 10)
        #expect(meter.history.allSatisfy { $0 >= 0 })
    }

    @Test("a count that falls, or a long pause, begins anew")
    func anew() {
        var meter = RateMeter(historyMax: 10)
        meter.record(100, atSeconds: 0)
        meter.record(200, atSeconds: 1)
        #expect(meter.perSecond == 100)
        meter.record(5, atSeconds: 2)
        #expect(meter.perSecond == nil && meter.history.isEmpty)
        meter.record(10, atSeconds: 3)
        #expect(meter.perSecond == 5)
        meter.record(1_000, atSeconds: 100)
        #expect(meter.perSecond == nil)
    }
}
