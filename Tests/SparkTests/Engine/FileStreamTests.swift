import Foundation
import IO
import Logging
import Testing

@testable import Spark

/// Streams from files to files in a whole engine: nothing is lost or doubled, wherever the engine stops.
@Suite struct FileStreamTests {
    private struct Crash: Error {}

    /// Counts the times that a point is reached, and stops the query there once.
    private actor CrashPoint {
        private let point: MicroBatchPoint
        private var left: Int

        init(_ point: MicroBatchPoint, _ occurrence: Int) {
            self.point = point
            left = occurrence
        }

        func reached(_ here: MicroBatchPoint) throws {
            guard here == point else { return }
            left -= 1
            if left == 0 { throw Crash() }
        }
    }

    private let folder = TemporaryFolder()
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func engine(_ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: logger)
    }

    private var input: String { folder.path + "/in" }
    private var output: String { folder.path + "/out" }

    private func put(_ name: String, _ lines: [String]) throws {
        try FilePath.createFolders(input)
        try lines.joined(separator: "\n").write(toFile: input + "/" + name, atomically: true, encoding: .utf8)
    }

    private func definition(_ format: String, _ options: Options = [:], partitionedBy: [String] = []) throws -> StreamingQueryDefinition {
        let read = DataSourceRead(
            format: "json", options: ["path": input, "maxFilesPerTrigger": "1"], schema: try StructType(ddl: "id BIGINT, k STRING"),
            isStreaming: true)
        var options = options
        options["path"] = output
        var definition = StreamingQueryDefinition(
            plan: .read(read), sink: .init(format: format, options: options), trigger: .availableNow,
            checkpointLocation: folder.path + "/checkpoint")
        definition.sink.partitionColumns = partitionedBy
        return definition
    }

    private func run(
        _ definition: StreamingQueryDefinition, observe: @escaping @Sendable (MicroBatchPoint) async throws -> Void = { _ in }
    ) async throws -> StreamingQueryException? {
        let engine = try await engine()
        do {
            let handle = try await engine.launch(definition, observe: observe)
            #expect(try await eventually { !handle.isActive })
            await engine.stop()
            return handle.exception
        } catch {
            await engine.stop()
            throw error
        }
    }

    private func rows(_ format: String) async throws -> [Int64] {
        let engine = try await engine()
        let read = DataSourceRead(
            format: format, options: ["path": output], schema: try StructType(ddl: "id BIGINT, k STRING"), isStreaming: false)
        let ids = try await engine.collect(.read(read)).rows.map { if case .long(let id) = $0[0] { id } else { Int64(-1) } }
        await engine.stop()
        return ids.sorted()
    }

    @Test(arguments: ["parquet", "json"], MicroBatchPoint.allCases)
    func aCrashBetweenAnyTwoStepsLosesAndDoublesNothing(_ format: String, _ point: MicroBatchPoint) async throws {
        for file in 0..<12 { try put("\(file).json", (0..<5).map { #"{"id":\#(file * 5 + $0),"k":"\#($0)"}"# }) }
        try put("_hidden.json", [#"{"id":-7}"#])
        let definition = try definition(format, partitionedBy: format == "parquet" ? ["k"] : [])
        for occurrence in [1, 2, 11] {
            let crash = CrashPoint(point, occurrence)
            _ = try await run(definition) { try await crash.reached($0) }
        }
        try put("late.json", [#"{"id":60,"k":"x y/z"}"#, "", #"{"id":61,"k":null}"#])
        #expect(try await run(definition) == nil)
        #expect(try await rows(format) == Array(0..<62))
        // A file that was read is not read again.
        #expect(try await run(definition) == nil)
        #expect(try await rows(format) == Array(0..<62))
        #expect((FilePath.names(in: output + "/_spark_metadata") ?? []).contains("9.compact"))
    }

    @Test func theFolderOfAnotherQueryIsRefused() async throws {
        try put("a.json", [#"{"id":1,"k":"a"}"#])
        #expect(try await run(try definition("json")) == nil)
        var other = try definition("json")
        other.checkpointLocation = folder.path + "/other"
        let error = await #expect(throws: SparkError.self) { try await run(other) }
        #expect(error?.errorClass == "STREAMING_SINK_OF_ANOTHER_QUERY")
    }

    @Test func aFileOfASinkThatIsNotInItsLogIsNobodys() async throws {
        try put("a.json", [#"{"id":1,"k":"a"}"#])
        #expect(try await run(try definition("json")) == nil)
        try #"{"id":2,"k":"b"}"#.write(toFile: output + "/part-00000-x-c000.json", atomically: true, encoding: .utf8)
        #expect(try await rows("json") == [1])
    }

    @Test func blocksOfAFileAreReadSideBySideAndInOrder() async throws {
        let lines = (0..<20_000).map { #"{"id":\#($0),"k":"\#(String(repeating: "x", count: $0 % 97))"}"# }
        try put("a.json", lines)
        try put("b.json", [String(repeating: " ", count: 20_000) + #"{"id":20000}"#, "", "{\"id\":20001}\r"])
        let engine = try await engine(["engine.files.block": "4KiB"])
        let read = DataSourceRead(format: "json", options: ["path": input], schema: try StructType(ddl: "id BIGINT"), isStreaming: false)
        let ids = try await engine.collect(.read(read)).rows
        await engine.stop()
        #expect(ids == (0..<20_002).map { [.long($0)] })
    }
}
