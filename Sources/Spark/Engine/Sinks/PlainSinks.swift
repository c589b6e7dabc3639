internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Drops all rows after the plan made them: `format("noop")`, for measuring.
final class NoopSink: StreamSink {
    var description: String { "org.apache.spark.sql.execution.datasources.noop.NoopTable$" }
    var takesDeadLetters: Bool { false }
    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {}
    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        SinkOutput(payload: .none, rowCount: rows.selection.count, refusals: [])
    }
    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {}
    func finish() async throws -> [RefusedRows] { [] }
}

/// A named table in memory, readable by tests and programs: `format("memory")` with a `queryName`.
///
/// A batch's rows appear when it is committed, and a replayed batch replaces itself, so that the table holds each row once. In complete mode
/// each batch takes the place of the one before; in update mode rows are appended, as Spark's memory sink does.
package final class MemoryTable: Sendable {
    private struct State {
        var rows: [[Literal]] = []
        var schema = StructType()
    }

    private let state = NIOLockedValueBox(State())
    /// More rows than this are refused: the table is for tests and looking, not for keeping.
    package static let rowsMax = 1_000_000

    package init() {}

    package var schema: StructType { state.withLockedValue { $0.schema } }
    package var rows: [[Literal]] { state.withLockedValue { $0.rows } }

    func set(_ schema: StructType) { state.withLockedValue { $0.schema = schema } }

    func append(_ rows: [[Literal]]) { state.withLockedValue { $0.rows += rows } }
    func replace(_ rows: [[Literal]]) { state.withLockedValue { $0.rows = rows } }
    var count: Int { state.withLockedValue { $0.rows.count } }
}

final class MemorySink: StreamSink {
    private let table: MemoryTable
    private let pending = NIOLockedValueBox<[[Literal]]>([])
    private let isComplete = NIOLockedValueBox(false)

    init(table: MemoryTable) {
        self.table = table
    }

    var description: String { "MemorySink" }
    var takesDeadLetters: Bool { false }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {
        table.set(schema)
        isComplete.withLockedValue { $0 = mode == .complete }
    }
    func begin(_ batch: MicroBatch) async throws { pending.withLockedValue { $0 = [] } }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        SinkOutput(payload: .rows(rows.literals, texts: []), rowCount: rows.selection.count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .rows(let rows, _) = output.payload else { return }
        let total = pending.withLockedValue { pending in
            pending += rows
            return pending.count
        }
        if (isComplete.withLockedValue { $0 } ? 0 : table.count) + total > MemoryTable.rowsMax {
            throw SparkError(
                "MEMORY_SINK_FULL", sqlState: "54000", "The memory sink holds at most \(MemoryTable.rowsMax) rows.",
                nextStep: "write to a table that is stored, or filter the query")
        }
    }

    func finish() async throws -> [RefusedRows] { [] }

    func committed(_ batch: Int64) async {
        let rows = pending.withLockedValue { pending in
            defer { pending = [] }
            return pending
        }
        if isComplete.withLockedValue({ $0 }) { table.replace(rows) } else { table.append(rows) }
    }
}

extension ResultRows {
    var literals: [[Literal]] {
        var result: [[Literal]] = []
        result.reserveCapacity(selection.count)
        selection.eachRow { row in result.append(columns.map { $0?.literal(row) ?? .null }) }
        return result
    }

    var texts: [[String?]] {
        var result: [[String?]] = []
        result.reserveCapacity(selection.count)
        selection.eachRow { row in result.append(columns.map { $0?.text(row) }) }
        return result
    }
}

/// Prints each batch as `show()` would: Spark's console sink, with its options `numRows` and `truncate`.
final class ConsoleSink: StreamSink {
    private let rowsMax: Int
    private let isTruncated: Bool
    private let output: @Sendable (String) -> Void

    private struct State {
        var batch: Int64 = 0
        var rows: [[String?]] = []
        var count = 0
        var schema = StructType()
    }

    private let state = NIOLockedValueBox(State())

    /// A pipe's reader sees each batch as it comes.
    static let standardOutput: @Sendable (String) -> Void = { text in
        print(text, terminator: "")
        fflush(nil)
    }

    init(_ options: Options, output: @escaping @Sendable (String) -> Void = ConsoleSink.standardOutput) throws {
        let rows = options["numRows"] ?? "20"
        guard let rowsMax = Int(rows), rowsMax >= 0 else {
            throw SparkError(
                "INVALID_SINK_OPTION", sqlState: "42616", "The console sink's option 'numRows' is '\(rows)'; a number is wanted.")
        }
        self.rowsMax = rowsMax
        isTruncated = options["truncate"].map { !$0.equalsIgnoringCase("false") } ?? true
        self.output = output
    }

    var description: String { "org.apache.spark.sql.execution.streaming.ConsoleTable$" }
    var takesDeadLetters: Bool { false }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws { state.withLockedValue { $0.schema = schema } }

    func begin(_ batch: MicroBatch) async throws {
        state.withLockedValue {
            $0.batch = batch.id
            $0.rows = []
            $0.count = 0
        }
    }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        var shown = rows
        let room = max(0, rowsMax - state.withLockedValue { $0.rows.count })
        if shown.selection.count > room {
            var left = room
            shown.selection = shown.selection.filter { _ in
                left -= 1
                return left >= 0
            }
        }
        return SinkOutput(payload: .rows([], texts: shown.texts), rowCount: rows.selection.count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .rows(_, let texts) = output.payload else { return }
        state.withLockedValue {
            $0.rows += texts
            $0.count += output.rowCount
        }
    }

    func finish() async throws -> [RefusedRows] {
        let (batch, rows, count, schema) = state.withLockedValue { ($0.batch, $0.rows, $0.count, $0.schema) }
        let line = "-------------------------------------------\n"
        output(line + "Batch: \(batch)\n" + line + ShowTable.text(schema.names, rows, total: count, truncate: isTruncated ? 20 : 0) + "\n")
        return []
    }
}

/// The table that `show()` prints.
package enum ShowTable {
    package static func text(_ names: [String], _ rows: [[String?]], total: Int, truncate: Int) -> String {
        func escaped(_ text: String) -> String {
            text.replacing("\n", with: "\\n").replacing("\t", with: "\\t").replacing("\r", with: "\\r")
        }
        func cell(_ text: String) -> String {
            let text = escaped(text)
            guard truncate > 0, text.count > truncate else { return text }
            return truncate < 4 ? String(text.prefix(truncate)) : text.prefix(truncate - 3) + "..."
        }
        let cells = [names.map(escaped)] + rows.map { $0.map { cell($0 ?? "NULL") } }
        var widths = names.map { _ in 3 }
        for row in cells {
            for (index, text) in row.enumerated() { widths[index] = max(widths[index], text.count) }
        }
        let rule = "+" + widths.map { String(repeating: "-", count: $0) }.joined(separator: "+") + "+\n"
        func line(_ row: [String]) -> String {
            "|"
                + zip(row, widths).map { text, width in
                    let padding = String(repeating: " ", count: width - text.count)
                    return truncate > 0 ? padding + text : text + padding
                }.joined(separator: "|") + "|\n"
        }
        var result = rule + line(cells[0]) + rule
        for row in cells.dropFirst() { result += line(row) }
        result += rule
        if total > rows.count { result += "only showing top \(rows.count) row\(rows.count == 1 ? "" : "s")\n" }
        return result
    }
}
