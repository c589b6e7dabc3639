import Foundation
import IO
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import Spark

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/leat-spark-" + UUID().uuidString
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Waits for a condition, with a deadline.
func eventually(_ timeout: Duration = .seconds(20), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + timeout
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}

/// What a store keeps of writes with timestamps: the value with the highest one for each key, and every timestamp ever written for it.
final class RecordedTable: Sendable {
    struct Cell: Equatable {
        var value: Literal
        var timestamp: Int64
    }

    private let state = NIOLockedValueBox<(cells: [Literal: Cell], timestamps: [Literal: Set<Int64>])>(([:], [:]))

    func write(_ key: Literal, _ value: Literal, _ timestamp: Int64) {
        state.withLockedValue { state in
            if state.cells[key].map({ $0.timestamp <= timestamp }) ?? true { state.cells[key] = Cell(value: value, timestamp: timestamp) }
            state.timestamps[key, default: []].insert(timestamp)
        }
    }

    var cells: [Literal: Cell] { state.withLockedValue { $0.cells } }
    var timestamps: [Literal: Set<Int64>] { state.withLockedValue { $0.timestamps } }
}

/// Writes two columns into a ``RecordedTable``; the value "refused" is one that the table does not take.
final class RecordingSink: StreamSink {
    let table: RecordedTable

    init(_ table: RecordedTable) {
        self.table = table
    }

    var description: String { "Recording" }
    var takesDeadLetters: Bool { true }
    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {}

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        var refusals: [SinkOutput.Refusal] = []
        var count = 0
        let key = rows.column(0, count: 0), value = rows.column(1, count: 0)
        rows.selection.eachRow { row in
            if value.literal(row) == .string("refused") {
                refusals.append(.init(row: row, reason: "the table does not take it"))
            } else {
                table.write(key.literal(row), value.literal(row), rows.timestamp(row))
                count += 1
            }
        }
        return SinkOutput(payload: .none, rowCount: count, refusals: refusals)
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {}
    func finish() async throws -> [RefusedRows] { [] }
}

/// A dead-letter topic that outlives the query.
final class RecordedLetters: DeadLetterLog {
    final class Topic: Sendable {
        let letters = NIOLockedValueBox<[DeadLetter]>([])
    }

    private static let partition = SourcePartition(topic: "t.dead-letter", partition: 0)
    private let store: Topic
    private let sent = NIOLockedValueBox<Set<Int64>>([])

    init(_ store: Topic) {
        self.store = store
    }

    var ends: SourceOffset { SourceOffset([Self.partition: Int64(store.letters.withLockedValue { $0.count })]) }
    var topic: String? { "t.dead-letter" }
    func open() async throws {}
    func stop() async {}

    func recall(since ends: SourceOffset) async throws {
        let from = Int(ends.positions[Self.partition] ?? 0)
        let offsets = store.letters.withLockedValue { Set($0[from...].map(\.record.offset)) }
        sent.withLockedValue { $0 = offsets }
    }

    func send(_ letters: [DeadLetter]) async throws -> Int {
        let new = sent.withLockedValue { sent in letters.filter { !sent.contains($0.record.offset) } }
        store.letters.withLockedValue { $0 += new }
        return new.count
    }
}

struct InjectedCrash: Error {}

@Suite struct RecoveryTests {
    private let folder = TemporaryFolder()
    private let schema = StructType([StructField("id", .long), StructField("v", .string)])

    private func pipeline() throws -> Pipeline {
        let plan = try PlanCompiler.compile(
            .filter(try Expression(sql: "v <> 'dropped'"), .read(DataSourceRead(format: "memory", isStreaming: true)))
        ) { _ in schema }
        return Pipeline(plan.branches[0], schema: plan.schema)
    }

    /// One life of the query's process: it ends at the crash, or when everything was committed.
    private func live(
        _ stream: MemoryStream, _ table: RecordedTable, _ letters: RecordedLetters.Topic, id: StreamingQueryID,
        trigger: Trigger = .availableNow,
        clock: @escaping @Sendable () -> Int64, batchRows: Int = 3, crash: (point: MicroBatchPoint, occurrence: Int)? = nil
    ) async throws -> StreamingQueryHandle {
        let store = try CheckpointStore(path: folder.path)
        defer { store.close() }
        let workers = NIOThreadPool(numberOfThreads: 1)
        workers.start()
        let signal = SourceSignal()
        let seen = NIOLockedValueBox(0)
        let handle = StreamingQueryHandle(id: id, runID: "run", name: "recovery")
        let execution = StreamExecution(
            handle: handle,
            branches: [
                .init(source: MemorySource(name: "m", stream: stream, batchRows: batchRows, signal: signal), pipeline: try pipeline())
            ],
            sink: RecordingSink(table), deadLetters: RecordedLetters(letters), checkpoint: store, trigger: trigger, workers: workers,
            signal: signal,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), clock: clock
        ) { point in
            guard let crash, crash.point == point else { return }
            let count = seen.withLockedValue { seen in
                seen += 1
                return seen
            }
            if count == crash.occurrence { throw InjectedCrash() }
        }
        await execution.run()
        try await workers.shutdownGracefully()
        return handle
    }

    private static let rows: [[Literal]] = (0..<10).map { index in
        [.long(index % 7), .string(index % 4 == 3 ? "refused" : index == 5 ? "dropped" : "v\(index)")]
    }

    @Test(arguments: MicroBatchPoint.allCases, [1, 2])
    func aCrashBetweenAnyTwoStepsLosesAndDoublesNothing(_ point: MicroBatchPoint, _ occurrence: Int) async throws {
        // The expected outcome: the same rows, without a crash, in another folder.
        let stream = MemoryStream(schema: schema)
        stream.add(Self.rows)
        let table = RecordedTable(), letters = RecordedLetters.Topic()
        let id = StreamingQueryID("00000000-0000-4000-8000-000000000001")
        // The clock goes back after the crash: timestamps rise all the same.
        let crashed = try await live(stream, table, letters, id: id, clock: { 1_000_000 }, crash: (point, occurrence))
        #expect(crashed.exception != nil, "the crash was not reached")
        let again = try await live(stream, table, letters, id: id, clock: { 500 })
        #expect(again.exception == nil, "\(again.exception?.message ?? "")")

        let good = Self.rows.enumerated().filter { $0.element[1] != .string("refused") && $0.element[1] != .string("dropped") }
        var last: [Literal: Literal] = [:]
        for row in good { last[row.element[0]] = row.element[1] }
        #expect(table.cells.mapValues(\.value) == last)
        // Each row has one timestamp however often it was written, and later rows have later ones.
        var counts: [Literal: Int] = [:]
        for row in good { counts[row.element[0], default: 0] += 1 }
        #expect(table.timestamps.mapValues(\.count) == counts)
        #expect(letters.letters.withLockedValue { $0.map(\.reason) } == Array(repeating: "the table does not take it", count: 2))
        let store = try CheckpointStore(path: folder.path)
        defer { store.close() }
        let state = try #require(try store.last(id))
        #expect(state.isCommitted)
        #expect(state.batch.ranges[0].end.positions.values.first == 10)
    }

    @Test func everyStepOfAStreamCanCrashToo() async throws {
        let stream = MemoryStream(schema: schema)
        let table = RecordedTable(), letters = RecordedLetters.Topic()
        let id = StreamingQueryID("00000000-0000-4000-8000-000000000002")
        // One life for each step of each batch, all on one checkpoint.
        for round in 1...3 {
            for point in MicroBatchPoint.allCases {
                stream.add([[.long(Int64(round)), .string("refused")], [.long(100), .string("\(round)\(point)")]])
                let handle = try await live(stream, table, letters, id: id, clock: { 1_000 }, batchRows: 2, crash: (point, round))
                _ = handle
            }
        }
        let handle = try await live(stream, table, letters, id: id, clock: { 1_000 })
        #expect(handle.exception == nil)
        #expect(letters.letters.withLockedValue { $0.count } == 3 * MicroBatchPoint.allCases.count)
        #expect(Set(letters.letters.withLockedValue { $0.map(\.record.offset) }).count == 3 * MicroBatchPoint.allCases.count)
        #expect(table.cells[.long(100)]?.value == .string("3\(MicroBatchPoint.allCases.last!)"))
        #expect(table.timestamps[.long(100)]?.count == 3 * MicroBatchPoint.allCases.count)
    }

    @Test func theStoreKeepsTwoVersions() throws {
        let store = try CheckpointStore(path: folder.path)
        defer { store.close() }
        let id = StreamingQueryID("00000000-0000-4000-8000-000000000003")
        func batch(_ id: Int64) -> MicroBatch {
            MicroBatch(id: id, ranges: [], baseTimestamp: id, plannedMicros: 0, deadLetterEnds: SourceOffset())
        }
        try store.log(batch(0), of: id)
        for number in 0..<20 { try store.commit(Int64(number), next: batch(Int64(number) + 1), of: id) }
        let last = try #require(try store.last(id))
        #expect(last.batch.id == 20 && !last.isCommitted)
        try store.describe(id, "{}")
        #expect(try store.descriptions().map(\.id) == [id])
        try store.forget(id)
        #expect(try store.last(id) == nil)
        #expect(try store.descriptions().isEmpty)
    }

    @Test func aCheckpointOfAnotherQueryIsRefusedByName() throws {
        let location = CheckpointLocation("file://" + folder.path)
        let id = try location.claim(name: "users", sources: ["KafkaV2[Subscribe[a]]"])
        #expect(try location.claim(name: "users", sources: ["KafkaV2[Subscribe[a]]"]) == id)
        let error = #expect(throws: SparkError.self) { try location.claim(name: "orders", sources: ["KafkaV2[Subscribe[a]]"]) }
        #expect(error?.message.contains("belongs to the query 'users'") == true)
        #expect(throws: SparkError.self) { try location.claim(name: nil, sources: ["KafkaV2[Subscribe[b]]"]) }
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(try location.claim(name: "orders", sources: ["KafkaV2[Subscribe[b]]"]) != id)
    }
}
