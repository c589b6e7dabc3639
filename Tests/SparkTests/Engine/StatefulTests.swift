import IO
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Spark

/// Aggregates, duplicates, joins and limits of streams, over memory streams in a whole engine.
@Suite struct StatefulTests {
    private let folder = TemporaryFolder()
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    static let minute: Int64 = 60_000_000

    private func engine(_ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(try EngineConfiguration(values: values, folder: folder.path), logger: logger)
    }

    private func memory(_ name: String = "in", streaming: Bool = true) -> LogicalPlan {
        .read(DataSourceRead(format: "memory", options: ["table": name], isStreaming: streaming))
    }

    private func sql(_ text: String) throws -> Expression { try Expression(sql: text) }
    private func item(_ text: String) throws -> Expression { try Expression(selectItem: text) }

    private func grouped(_ keys: [String], _ items: [String], _ child: LogicalPlan) throws -> LogicalPlan {
        .aggregate(Aggregate(try keys.map(sql), try items.map(item)), child)
    }

    private func stream(_ ddl: String, _ engine: Engine, as name: String = "in") throws -> MemoryStream {
        let stream = MemoryStream(schema: try StructType(ddl: ddl))
        engine.register(stream, as: name)
        return stream
    }

    private func at(_ minutes: Double) -> Literal { .timestamp(Int64(minutes * Double(Self.minute))) }

    /// Runs what is there, and gives the memory table's rows in order of their text.
    private func run(
        _ plan: LogicalPlan, _ mode: OutputMode, _ engine: Engine, checkpoint: String? = nil, name: String = "out"
    ) async throws -> (rows: [[Literal]], query: StreamingQueryHandle) {
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: name, plan: plan, sink: .init(format: "memory"), outputMode: mode, trigger: .availableNow,
                checkpointLocation: checkpoint))
        #expect(await query.awaitTermination(timeout: .seconds(30)))
        if let exception = query.exception { Issue.record("\(exception.stackTrace)") }
        return (sorted(engine.memoryTable(name)?.rows ?? []), query)
    }

    private func sorted(_ rows: [[Literal]]) -> [[Literal]] { rows.sorted { "\($0)" < "\($1)" } }

    private func failure(_ plan: LogicalPlan, _ mode: OutputMode, _ engine: Engine) async -> SparkError? {
        do {
            _ = try await engine.queries.start(
                StreamingQueryDefinition(plan: plan, sink: .init(format: "noop"), outputMode: mode, trigger: .availableNow))
            return nil
        } catch {
            return error as? SparkError
        }
    }

    // MARK: Aggregates

    @Test func completeGivesAllGroupsEachTime() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("k STRING, v INT", engine)
        input.add([[.string("a"), .integer(1)], [.string("b"), .integer(2)], [.string("a"), .integer(3)], [.null, .integer(4)]])
        let plan = try grouped(["k"], ["count(*) AS n", "sum(v) AS total", "max(k) AS top"], memory())
        let (rows, query) = try await run(plan, .complete, engine)
        #expect(
            rows
                == sorted([
                    [.string("a"), .long(2), .long(4), .string("a")], [.string("b"), .long(1), .long(2), .string("b")],
                    [.null, .long(1), .long(4), .null],
                ]))
        let progress = try JSON(parsing: try #require(query.lastProgress))
        let state = try #require(progress["stateOperators"]?.elements.first)
        #expect(state["operatorName"] == .string("stateStoreSave") && state["numRowsTotal"] == .integer(3))
        #expect(state["numRowsUpdated"] == .integer(2))
        await engine.stop()
    }

    @Test func updateGivesTheGroupsThatABatchTouched() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("k STRING", engine)
        input.add(["a", "b", "b", "c"].map { [.string($0)] })
        let (rows, _) = try await run(try grouped(["k"], ["count(*) AS n"], memory()), .update, engine)
        #expect(
            rows
                == sorted([
                    [.string("a"), .long(1)], [.string("b"), .long(1)], [.string("b"), .long(2)], [.string("c"), .long(1)],
                ]))
        await engine.stop()
    }

    @Test func aGroupOfAllRowsCountsThemAll() async throws {
        let engine = try await engine(["engine.batch.rows": "3"])
        let input = try stream("v INT", engine)
        input.add((1...7).map { [.integer($0)] })
        let (rows, _) = try await run(try grouped([], ["count(*) AS n", "avg(v) AS mean"], memory()), .complete, engine)
        #expect(rows == [[.long(7), .double(4)]])
        await engine.stop()
    }

    @Test func sortsAndLimitsFollowACompleteAggregate() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("k STRING", engine)
        input.add(["a", "b", "b", "c", "c", "c"].map { [.string($0)] })
        let counts = try grouped(["k"], ["count(*) AS n"], memory())
        let plan = LogicalPlan.limit(2, .sort([SortOrder(try sql("n"), isAscending: false)], isGlobal: true, counts))
        _ = try await run(plan, .complete, engine)
        #expect(engine.memoryTable("out")?.rows == [[.string("c"), .long(3)], [.string("b"), .long(2)]])
        await engine.stop()
    }

    // MARK: Event time

    private func windowed(_ window: String, delay: String = "2 minutes") throws -> LogicalPlan {
        .project(
            try ["window.start AS start", "window.`end` AS stop", "k", "n"].map(item),
            try grouped([window, "k"], ["count(*) AS n"], .watermark(column: "ts", delay: delay, memory())))
    }

    @Test func theWatermarkEndsWindowsAndDropsWhatIsLate() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("ts TIMESTAMP, k STRING", engine)
        // Two rows a batch. After the second the watermark is 10 - 2 = 8 minutes: the third batch ends the window [5, 6). Its own row at
        // 5.2 still counts there, as the state was there when it came; the last batch's does not.
        for (minutes, key) in [(5.0, "a"), (5.5, "a"), (9.0, "a"), (10.0, "b"), (5.2, "a"), (10.5, "b"), (5.3, "a"), (7.9, "late")] {
            input.add([[at(minutes), .string(key)]])
        }
        let (rows, query) = try await run(try windowed("window(ts, '1 minute')"), .append, engine)
        #expect(rows == [[at(5), at(6), .string("a"), .long(3)]])
        let reports = try query.recentProgress.map { try JSON(parsing: $0) }
        let last = try #require(reports.last)
        #expect(last["eventTime"]?["watermark"] == .string("1970-01-01T00:08:30.000Z"))
        let state = last["stateOperators"]?.elements.first
        #expect(state?["numRowsDroppedByWatermark"] == .integer(2))
        // [9, 10) and [10, 11) are open.
        #expect(state?["numRowsTotal"] == .integer(2))
        #expect(reports.compactMap { $0["stateOperators"]?.elements.first?["numRowsRemoved"]?.integer }.reduce(0, +) == 1)
        #expect(reports.first?["eventTime"]?["max"] == .string("1970-01-01T00:05:30.000Z"))
        await engine.stop()
    }

    @Test func aBatchWithoutRowsEndsTheLastWindow() async throws {
        let engine = try await engine()
        let input = try stream("ts TIMESTAMP, k STRING", engine)
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "out", plan: try windowed("window(ts, '1 minute')", delay: "0 seconds"), sink: .init(format: "memory"),
                outputMode: .append))
        input.add([[at(1), .string("a")], [at(3.5), .string("b")]])
        #expect(try await eventually { engine.memoryTable("out")?.rows == [[at(1), at(2), .string("a"), .long(1)]] })
        #expect(query.exception == nil)
        await engine.stop()
    }

    @Test func slidingWindowsCountARowInEach() async throws {
        let engine = try await engine()
        let input = try stream("ts TIMESTAMP, k STRING", engine)
        input.add([[at(7), .string("a")], [at(12), .string("a")], [.null, .string("a")]])
        let (rows, _) = try await run(try windowed("window(ts, '10 minutes', '5 minutes')"), .complete, engine)
        #expect(
            rows
                == sorted([
                    [at(0), at(10), .string("a"), .long(1)], [at(5), at(15), .string("a"), .long(2)],
                    [at(10), at(20), .string("a"), .long(1)],
                ]))
        // The same in a frame that is no stream.
        let batch = try await engine.collect(
            .project(
                try ["window.start AS start", "n"].map(item),
                try grouped(["window(ts, '10 minutes', '5 minutes')"], ["count(*) AS n"], memory(streaming: false))))
        #expect(sorted(batch.rows) == sorted([[at(0), .long(1)], [at(5), .long(2)], [at(10), .long(1)]]))
        await engine.stop()
    }

    @Test func aggregatesOfWindowsCanBeAggregatedAgain() async throws {
        let engine = try await engine(["engine.batch.rows": "1"])
        let input = try stream("ts TIMESTAMP, k STRING", engine)
        for minutes in [1.0, 2, 3, 12, 30, 31, 32, 33] { input.add([[at(minutes), .string("a")]]) }
        let minutes = LogicalPlan.project(
            try ["window_time(window) AS ts", "n"].map(item),
            try grouped(["window(ts, '1 minute')"], ["count(*) AS n"], .watermark(column: "ts", delay: "0 seconds", memory())))
        let plan = LogicalPlan.project(
            try ["window.start AS start", "total"].map(item), try grouped(["window(ts, '10 minutes')"], ["sum(n) AS total"], minutes))
        let (rows, _) = try await run(plan, .append, engine)
        #expect(rows == sorted([[at(0), .long(3)], [at(10), .long(1)]]))
        await engine.stop()
    }

    // MARK: Duplicates, limits, joins

    @Test func duplicatesAreDroppedOverAllBatches() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("id INT, v STRING", engine)
        input.add([(1, "a"), (2, "b"), (1, "c"), (3, "d"), (3, "e"), (2, "f")].map { [.integer($0.0), .string($0.1)] })
        let (rows, query) = try await run(.deduplicate(["id"], withinWatermark: false, memory()), .append, engine)
        #expect(rows == sorted([[.integer(1), .string("a")], [.integer(2), .string("b")], [.integer(3), .string("d")]]))
        let state = try JSON(parsing: try #require(query.lastProgress))["stateOperators"]?.elements.first
        #expect(state?["operatorName"] == .string("dedupe") && state?["numRowsTotal"] == .integer(3))
        #expect(state?["customMetrics"]?["numDroppedDuplicateRows"] == .integer(2))
        await engine.stop()
    }

    @Test func theWatermarkForgetsDuplicates() async throws {
        let engine = try await engine(["engine.batch.rows": "1"])
        let input = try stream("ts TIMESTAMP, id INT", engine)
        for (minutes, id) in [(1.0, Int32(1)), (1.0, 1), (20.0, 2), (20.5, 2), (1.0, 1), (20.0, 2)] {
            input.add([[at(minutes), .integer(id)]])
        }
        let marked = LogicalPlan.watermark(column: "ts", delay: "5 minutes", memory())
        let (rows, query) = try await run(.deduplicate(["ts", "id"], withinWatermark: false, marked), .append, engine)
        #expect(rows == sorted([[at(1), .integer(1)], [at(20), .integer(2)], [at(20.5), .integer(2)]]))
        let state = try JSON(parsing: try #require(query.lastProgress))["stateOperators"]?.elements.first
        #expect(state?["numRowsTotal"] == .integer(2))
        await engine.stop()
    }

    @Test func withinTheWatermarkAKeyIsRememberedForTheDelay() async throws {
        let engine = try await engine(["engine.batch.rows": "1"])
        let input = try stream("ts TIMESTAMP, id INT", engine)
        // 1 is forgotten once the watermark has passed 1 + 5 minutes.
        for (minutes, id) in [(1.0, Int32(1)), (3.0, 1), (20.0, 2), (20.1, 3), (21.0, 1), (22.0, 1)] {
            input.add([[at(minutes), .integer(id)]])
        }
        let marked = LogicalPlan.watermark(column: "ts", delay: "5 minutes", memory())
        let (rows, _) = try await run(.deduplicate(["id"], withinWatermark: true, marked), .append, engine)
        #expect(rows == sorted([[at(1), .integer(1)], [at(20), .integer(2)], [at(20.1), .integer(3)], [at(21), .integer(1)]]))
        await engine.stop()
    }

    @Test func aLimitCountsOverAllBatches() async throws {
        let engine = try await engine(["engine.batch.rows": "2"])
        let input = try stream("v INT", engine)
        input.add((1...9).map { [.integer($0)] })
        let (rows, _) = try await run(.limit(3, memory()), .append, engine)
        #expect(rows == [[.integer(1)], [.integer(2)], [.integer(3)]])
        await engine.stop()
    }

    @Test func tablesAreReadAgainForEachBatch() async throws {
        let engine = try await engine()
        let input = try stream("k INT", engine)
        let names = try stream("k INT, name STRING", engine, as: "names")
        names.add([[.integer(1), .string("one")]])
        let plan = LogicalPlan.join(Join(.leftOuter, .using(["k"])), memory(), memory("names", streaming: false))
        let query = try await engine.queries.start(
            StreamingQueryDefinition(name: "out", plan: plan, sink: .init(format: "memory")))
        input.add([[.integer(1)], [.integer(2)]])
        #expect(try await eventually { engine.memoryTable("out")?.rows.count == 2 })
        names.add([[.integer(2), .string("two")]])
        input.add([[.integer(2)]])
        #expect(try await eventually { engine.memoryTable("out")?.rows.count == 3 })
        #expect(
            engine.memoryTable("out")?.rows
                == [[.integer(1), .string("one")], [.integer(2), .null], [.integer(2), .string("two")]])
        #expect(query.exception == nil)
        await engine.stop()
    }

    // MARK: Restart

    private static let functions = [
        "count(*)", "count(v)", "count_if(v > 2)", "sum(v)", "try_sum(v)", "sum(CAST(v AS DECIMAL(10, 2)))", "sum(CAST(v AS DOUBLE))",
        "avg(v)", "avg(CAST(v AS DECIMAL(10, 2)))", "min(v)", "max(s)", "min_by(s, v)", "max_by(v, s)", "first(s)", "last(s)",
        "first(s, true)", "collect_list(v)", "sort_array(collect_set(s))", "mode(v)", "percentile(v, 0.5)", "median(v)",
        "percentile_approx(v, 0.5)", "stddev(v)", "skewness(v)", "kurtosis(v)", "corr(v, v * v)", "approx_count_distinct(s)",
        "bool_and(v > 0)", "bool_or(v > 5)", "bit_and(v)", "bit_xor(v)", "product(v)", "max(struct(v, s))", "max(array(v))",
        "sum(v) FILTER (WHERE s = 'x')",
    ]

    @Test func everyAggregateGoesOnFromItsState() async throws {
        let rows: [[Literal]] = (0..<40).map { index in
            let value: Literal = index % 7 == 3 ? .null : .integer(Int32(index % 5 + 1))
            return [.integer(Int32(index % 3)), value, index % 11 == 5 ? .null : .string(index % 2 == 0 ? "x" : "y\(index % 4)")]
        }
        let items = Self.functions.enumerated().map { "\($1) AS c\($0)" }
        let expected: [[Literal]]
        do {
            let engine = try await engine()
            let input = try stream("k INT, v INT, s STRING", engine)
            input.add(rows)
            let batch = try await engine.collect(try grouped(["k"], items, memory(streaming: false)))
            expected = sorted(batch.rows)
            await engine.stop()
        }
        // Three lives on one checkpoint, each with some of the rows; no group stays in memory in the last.
        var found: [[Literal]] = []
        for (end, bound) in [(13, "512MiB"), (26, "512MiB"), (40, "1")] {
            let engine = try await engine(["engine.batch.rows": "4", "engine.state.memory": bound])
            let input = try stream("k INT, v INT, s STRING", engine)
            input.add(Array(rows[..<end]))
            found = try await run(
                try grouped(["k"], items, memory()), .complete, engine, checkpoint: folder.path + "/checkpoint"
            ).rows
            await engine.stop()
        }
        #expect(found.count == expected.count)
        for (mine, theirs) in zip(found, expected) {
            for (index, pair) in zip(mine, theirs).enumerated() {
                if case .double(let a) = pair.0, case .double(let b) = pair.1 {
                    #expect(abs(a - b) <= 1e-9 * max(1, abs(b)), "\(index == 0 ? "k" : Self.functions[index - 1])")
                } else {
                    #expect(pair.0 == pair.1, "\(index == 0 ? "k" : Self.functions[index - 1])")
                }
            }
        }
    }

    @Test(arguments: MicroBatchPoint.allCases.filter { $0 != .beforeDeadLetters && $0 != .afterDeadLetters }, [1, 2])
    func aCrashBetweenAnyTwoStepsCountsNothingTwice(_ point: MicroBatchPoint, _ occurrence: Int) async throws {
        let rows: [[Literal]] = (0..<12).map { [.timestamp(Int64($0) * Self.minute / 4), .string("k")] }
        let plan = try windowed("window(ts, '1 minute')", delay: "1 minute")
        func life(_ count: Int, crash: Bool) async throws -> [[Literal]] {
            let engine = try await engine(["engine.batch.rows": "3"])
            let input = try stream("ts TIMESTAMP, k STRING", engine)
            input.add(Array(rows[..<count]))
            let seen = NIOLockedValueBox(0)
            let query = try await engine.launch(
                StreamingQueryDefinition(
                    name: "out", plan: plan, sink: .init(format: "memory"), outputMode: .update, trigger: .availableNow,
                    checkpointLocation: folder.path + "/checkpoint")
            ) { reached in
                guard crash, reached == point else { return }
                let count = seen.withLockedValue { seen in
                    seen += 1
                    return seen
                }
                if count == occurrence { throw InjectedCrash() }
            }
            #expect(await query.awaitTermination(timeout: .seconds(30)))
            #expect((query.exception != nil) == crash, "\(query.exception?.message ?? "the crash was not reached")")
            let rows = engine.memoryTable("out")?.rows ?? []
            await engine.stop()
            return rows
        }
        // What each group last had, over both lives: the memory table of the first is a table that outlives it.
        var last: [[Literal]: Literal] = [:]
        for row in try await life(9, crash: true) { last[Array(row[..<3])] = row[3] }
        for row in try await life(12, crash: false) { last[Array(row[..<3])] = row[3] }
        var expected: [[Literal]: Literal] = [:]
        for index in 0..<3 { expected[[at(Double(index)), at(Double(index + 1)), .string("k")]] = .long(4) }
        #expect(last == expected)
    }

    @Test func theWatermarkOutlivesTheProcess() async throws {
        let plan = try windowed("window(ts, '1 minute')", delay: "1 minute")
        var input: [[Literal]] = [[at(1), .string("a")], [at(10), .string("b")]]
        for round in 0..<2 {
            let engine = try await engine()
            try stream("ts TIMESTAMP, k STRING", engine).add(input)
            let (rows, query) = try await run(plan, .append, engine, checkpoint: folder.path + "/checkpoint")
            #expect(rows == (round == 0 ? [[at(1), at(2), .string("a"), .long(1)]] : []))
            if round == 1 {
                let progress = try JSON(parsing: try #require(query.lastProgress))
                #expect(progress["stateOperators"]?.elements.first?["numRowsDroppedByWatermark"] == .integer(1))
                #expect(progress["eventTime"]?["watermark"] == .string("1970-01-01T00:09:00.000Z"))
            }
            input.append([at(2), .string("late")])
            await engine.stop()
        }
    }

    @Test func stateBeyondTheBoundIsReadFromDisk() async throws {
        let engine = try await engine(["engine.batch.rows": "50", "engine.state.memory": "1"])
        let input = try stream("k INT", engine)
        input.add((0..<600).map { [.integer(Int32($0 * 7 % 150))] })
        let (rows, query) = try await run(try grouped(["k"], ["count(*) AS n"], memory()), .complete, engine)
        #expect(rows.count == 150 && rows.allSatisfy { $0[1] == .long(4) })
        let state = try JSON(parsing: try #require(query.lastProgress))["stateOperators"]?.elements.first
        #expect(state?["numRowsTotal"] == .integer(150))
        await engine.stop()
    }

    // MARK: Refusals

    @Test func whatSparkRefusesIsRefused() async throws {
        let engine = try await engine()
        _ = try stream("ts TIMESTAMP, k STRING", engine)
        _ = try stream("k STRING", engine, as: "other")
        let counts = try grouped(["k"], ["count(*) AS n"], memory())
        let mode = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", legacy = "_LEGACY_ERROR_TEMP_3102"
        let append = await failure(counts, .append, engine)
        #expect(append?.errorClass == mode && append?.message.contains("streaming aggregations without watermark") == true)
        let complete = await failure(memory(), .complete, engine)
        #expect(complete?.errorClass == mode && complete?.message.contains("no streaming aggregations") == true)
        let keys = [SortOrder(try sql("k"))]
        #expect(await failure(.sort(keys, isGlobal: true, memory()), .append, engine)?.errorClass == legacy)
        #expect(await failure(.sort(keys, isGlobal: true, counts), .update, engine)?.errorClass == legacy)
        #expect(await failure(.limit(3, memory()), .update, engine)?.errorClass == legacy)
        let distinct = await failure(try grouped([], ["count(DISTINCT k) AS n"], memory()), .complete, engine)
        #expect(distinct?.message.contains("approx_count_distinct") == true)
        let chained = await failure(try grouped(["n"], ["count(*) AS m"], counts), .complete, engine)
        #expect(chained?.errorClass == legacy && chained?.message.contains("Multiple stateful operators") == true)
        let mixed = await failure(
            .union(.project([try sql("k")], memory()), memory("other", streaming: false)), .append, engine)
        #expect(mixed?.message.contains("Union between streaming and batch") == true)
        let two = await failure(.join(Join(.inner, .using(["k"])), memory(), memory("other")), .append, engine)
        #expect(two?.errorClass == "UNSUPPORTED_FEATURE" && two?.message.contains("two streams") == true)
        let outer = await failure(
            .join(Join(.rightOuter, .using(["k"])), memory(), memory("other", streaming: false)), .append, engine)
        #expect(outer?.message.contains("RightOuter join with a streaming") == true)
        let within = await failure(.deduplicate(["k"], withinWatermark: true, memory()), .append, engine)
        #expect(within?.message.contains("without watermark") == true)
        let column = await failure(.watermark(column: "k", delay: "1 minute", memory()), .append, engine)
        #expect(column?.errorClass == "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE")
        let delay = await failure(.watermark(column: "ts", delay: "soon", memory()), .append, engine)
        #expect(delay?.errorClass == "CANNOT_PARSE_INTERVAL")
        await engine.stop()
    }
}
