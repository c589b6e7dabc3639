import Foundation
import IO
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Spark

/// Queries in a whole engine, without a broker and a store.
@Suite struct EngineTests {
    private let folder = TemporaryFolder()
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func engine(_ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(try EngineConfiguration(values: values, folder: folder.path), logger: logger)
    }

    private func memory(_ name: String) -> LogicalPlan {
        .read(DataSourceRead(format: "memory", options: ["table": name], isStreaming: true))
    }

    @Test func rowsAppearInTheMemorySinkAsTheyAreAdded() async throws {
        let engine = try await engine()
        let stream = MemoryStream(schema: try StructType(ddl: "id BIGINT, name STRING"))
        engine.register(stream, as: "in")
        let plan = LogicalPlan.filter(
            try Expression(sql: "id > 1"), .withColumns([NamedExpression("upper", try Expression(sql: "upper(name)"))], memory("in")))
        let id = try await engine.start(StreamingQueryDefinition(name: "out", plan: plan, sink: .init(format: "memory")))
        stream.add([[.long(1), .string("a")], [.long(2), .string("b")]])
        #expect(try await eventually { engine.memoryTable("out")?.rows.count == 1 })
        stream.add([[.long(3), .null]])
        #expect(try await eventually { engine.memoryTable("out")?.rows.count == 2 })
        #expect(engine.memoryTable("out")?.rows == [[.long(2), .string("b"), .string("B")], [.long(3), .null, .null]])
        #expect(engine.memoryTable("out")?.schema.names == ["id", "name", "upper"])
        #expect(engine.queries.active().map(\.name) == ["out"])
        #expect(engine.queries.status(id)?.isActive == true)
        #expect(try await eventually { engine.queries.status(id)?.message == "Waiting for data to arrive" })

        let progress = try #require(engine.queries.recentProgress(id).first.map { try JSON(parsing: $0) })
        #expect(progress["name"] == .string("out"))
        #expect(progress["batchId"] == .integer(0))
        #expect(progress["sources"]?.elements.first?["description"] == .string("MemoryStream[in]"))
        #expect(progress["sink"]?["description"] == .string("MemorySink"))
        #expect(progress["observedMetrics"]?["leat"]?["deadLetters"] == .integer(0))

        await engine.queries.stop(id)
        #expect(engine.queries.active().isEmpty)
        #expect(engine.queries.exception(id) == nil)
        await engine.stop()
    }

    @Test func unionsOfStreamsEndInOneSink() async throws {
        let engine = try await engine()
        let first = MemoryStream(schema: try StructType(ddl: "a INT")), second = MemoryStream(schema: try StructType(ddl: "b BIGINT"))
        engine.register(first, as: "first")
        engine.register(second, as: "second")
        first.add([[.integer(1)]])
        second.add([[.long(2)]])
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "u", plan: .union(memory("first"), memory("second")), sink: .init(format: "memory"), trigger: .availableNow))
        #expect(await query.awaitTermination(timeout: .seconds(20)))
        #expect(engine.memoryTable("u")?.rows.map { $0[0] } == [.long(1), .long(2)])
        await engine.stop()
    }

    @Test func anErrorOfTheQueryIsItsException() async throws {
        let engine = try await engine()
        let stream = MemoryStream(schema: try StructType(ddl: "s STRING"))
        engine.register(stream, as: "in")
        stream.add([[.string("12x")]])
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "fails", plan: .project([try Expression(selectItem: "CAST(s AS INT) AS n")], memory("in")),
                sink: .init(format: "noop")))
        #expect(await query.awaitTermination(timeout: .seconds(20)))
        #expect(query.exception?.errorClass == "CAST_INVALID_INPUT")
        #expect(query.exception?.message.contains("[STREAM_FAILED] Query [name = fails]") == true)
        #expect(query.status.message.hasPrefix("Terminated with exception"))
        await engine.stop()
    }

    @Test func whatCannotStartSaysWhy() async throws {
        let engine = try await engine()
        let stream = MemoryStream(schema: try StructType(ddl: "s STRING"))
        engine.register(stream, as: "in")
        func failure(_ definition: StreamingQueryDefinition) async -> SparkError? {
            do {
                _ = try await engine.start(definition)
                return nil
            } catch {
                return error as? SparkError
            }
        }
        let format = await failure(StreamingQueryDefinition(plan: memory("in"), sink: .init(format: "consol")))
        #expect(format?.errorClass == "DATA_SOURCE_NOT_FOUND" && format?.nextStep?.contains("console") == true)
        let source = await failure(
            StreamingQueryDefinition(plan: .read(DataSourceRead(format: "kafk", isStreaming: true)), sink: .init(format: "noop")))
        #expect(source?.nextStep?.contains("kafka") == true)
        let unnamed = await failure(StreamingQueryDefinition(plan: memory("in"), sink: .init(format: "memory")))
        #expect(unnamed?.errorClass == "MISSING_QUERY_NAME")
        let mode = await failure(StreamingQueryDefinition(plan: memory("in"), sink: .init(format: "noop"), outputMode: .complete))
        #expect(mode?.errorClass == "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION")
        let option = await failure(
            StreamingQueryDefinition(
                plan: .read(DataSourceRead(format: "kafka", options: ["subscribe": "a", "startingOffsets": "soon"], isStreaming: true)),
                sink: .init(format: "noop")))
        #expect(option?.errorClass == "INVALID_KAFKA_OPTION")

        _ = try await engine.start(StreamingQueryDefinition(name: "one", plan: memory("in"), sink: .init(format: "noop")))
        let twice = await failure(StreamingQueryDefinition(name: "one", plan: memory("in"), sink: .init(format: "noop")))
        #expect(twice?.errorClass == "STREAMING_QUERY_NAME_IN_USE")
        await engine.stop()
    }

    @Test func aQueryGoesOnWhereItsCheckpointEnded() async throws {
        let stream = MemoryStream(schema: try StructType(ddl: "a INT"))
        stream.add([[.integer(1)], [.integer(2)]])
        let location = folder.path + "/checkpoint"
        func run() async throws -> (StreamingQueryID, [[Literal]]) {
            let engine = try await engine()
            engine.register(stream, as: "in")
            let query = try await engine.queries.start(
                StreamingQueryDefinition(
                    name: "q", plan: memory("in"), sink: .init(format: "memory"), trigger: .availableNow, checkpointLocation: location))
            #expect(await query.awaitTermination(timeout: .seconds(20)))
            let rows = engine.memoryTable("q")?.rows ?? []
            await engine.stop()
            return (query.id, rows)
        }
        let (id, first) = try await run()
        #expect(first == [[.integer(1)], [.integer(2)]])
        stream.add([[.integer(3)]])
        let (again, second) = try await run()
        #expect(again == id)
        #expect(second == [[.integer(3)]])
        // Deleting the folder resets the query.
        try FileManager.default.removeItem(atPath: location)
        let (fresh, third) = try await run()
        #expect(fresh != id)
        #expect(third.count == 3)
    }

    @Test func theRateSourceCounts() async throws {
        let engine = try await engine()
        _ = try await engine.start(
            StreamingQueryDefinition(
                name: "rate", plan: .read(DataSourceRead(format: "rate", options: ["rowsPerSecond": "1000"], isStreaming: true)),
                sink: .init(format: "memory")))
        #expect(try await eventually { engine.memoryTable("rate")?.rows.count ?? 0 >= 50 })
        await engine.stop()
        let values = engine.memoryTable("rate")?.rows.map { $0[1] } ?? []
        #expect(values == (0..<Int64(values.count)).map { .long($0) })
    }

    @Test func theConsoleSinkPrintsSparksTable() async throws {
        #expect(
            ShowTable.text(["id", "name"], [["1", "a long name that is cut off"], [nil, "x"]], total: 3, truncate: 20) == """
                +----+--------------------+
                |  id|                name|
                +----+--------------------+
                |   1|a long name that ...|
                |NULL|                   x|
                +----+--------------------+
                only showing top 2 rows

                """)
    }

    @Test func aSecondEngineOnOneFolderIsRefused() async throws {
        let first = try await engine()
        await #expect(throws: DataFolderError.self) { try await engine() }
        await first.stop()
    }
}
