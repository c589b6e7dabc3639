internal import IO
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Spark's streaming file sink: each micro-batch's rows in files of their own, and the batch's line in the folder's log last.
///
/// Exactly once: a batch whose log is there is done, and running it again writes nothing; one whose log is not there writes files of the same
/// names again. Whatever a crash leaves in the folder without a log is nobody's, and readers that honour the log do not see it.
final class FileStreamSink: StreamSink {
    private struct State {
        var options: FileWriteOptions?
        var query = ""
        var batch: Int64 = 0
        var writer: FileWriter?
    }

    private let format: FileFormat
    private let options: Options
    private let settings: Options
    private let partitionColumns: [String]
    private let folder: String
    private let openMax: Int
    private let groupBytes: Int
    private let workers: NIOThreadPool
    // The writer is used by one step of the query's loop at a time.
    private let state: UncheckedStateBox

    /// Holds what is not Sendable by itself; the sink's calls come one after another.
    private final class UncheckedStateBox: @unchecked Sendable {
        var value = State()
    }

    init(
        _ format: FileFormat, _ sink: StreamingQueryDefinition.Sink, _ settings: Options, values: SettingValues, workers: NIOThreadPool
    ) throws {
        guard let path = sink.options["path"], !path.isEmpty else {
            throw SparkError("_LEGACY_ERROR_TEMP_2047", sqlState: "42000", "'path' is not specified.", nextStep: "give start() a path")
        }
        self.format = format
        options = sink.options
        self.settings = settings
        partitionColumns = sink.partitionColumns
        folder = FilePath.absolute(try FilePath.local(path))
        openMax = values.integer("engine.files.open")
        groupBytes = values.bytes("engine.parquet.group")
        self.workers = workers
        state = UncheckedStateBox()
    }

    var description: String { "FileSink[file:\(folder)]" }
    var takesDeadLetters: Bool { false }

    func claim(_ query: StreamingQueryID) throws {
        try FileSinkLog(of: folder).claim(query.text)
        state.value.query = query.text
    }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {
        guard mode == .append else {
            throw SparkError(
                "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE", sqlState: "42KDE",
                "Data source \(format.rawValue) does not support \(mode) output mode")
        }
        state.value.options = try FileWriteOptions(
            format, options, settings, frame: schema, partitionedBy: partitionColumns, groupBytes: groupBytes)
    }

    func begin(_ batch: MicroBatch) async throws {
        state.value.batch = batch.id
        state.value.writer?.abandon()
        state.value.writer = nil
        guard let options = state.value.options else { return }
        let latest = try await workers.runIfActive { [folder] in FileSinkLog(of: folder).latest }
        // Logged, but not committed: the batch is done.
        if let latest, batch.id <= latest { return }
        state.value.writer = FileWriter(folder, options, job: Self.job(state.value.query, batch.id), openMax: openMax)
    }

    /// The same for a batch however often it runs.
    private static func job(_ query: String, _ batch: Int64) -> String {
        func hash(_ text: String) -> UInt64 {
            var text = text
            return text.withUTF8 { RowKeys.hash($0) }
        }
        let (high, low) = (hash("\(query)/\(batch)"), hash("\(batch)/\(query)"))
        // Version 8, RFC 9562: by a rule of one's own.
        return UUIDText.text(high: high & ~0xF000 | 0x8000, low: low & ~(0xC0 << 56) | 0x80 << 56)
    }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        let count = rows.selection.count
        guard let writer = state.value.writer, count > 0 else { return SinkOutput(payload: .none, rowCount: count, refusals: []) }
        let columns = rows.schema.fields.indices.map { index in
            (rows.columns[index] ?? .nulls(rows.schema.fields[index].dataType, count: count)).gathered(rows.selection)
        }
        try writer.append(ResultBatch(columns: columns, count: count))
        return SinkOutput(payload: .none, rowCount: count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {}

    func finish() async throws -> [RefusedRows] {
        guard state.value.writer != nil else { return [] }
        try await workers.runIfActive { [state, folder] in
            guard let writer = state.value.writer else { return }
            try writer.finish(isEmptyWritten: false)
            let written = try writer.publish()
            let now = QueryLauncher.clock() / 1_000
            try FileSinkLog(of: folder).add(
                state.value.batch, written.map { .init(path: $0.path, byteCount: Int64($0.byteCount), modifiedMillis: now) })
            state.value.writer = nil
        }
        return []
    }

    func stop() async {
        state.value.writer?.abandon()
        state.value.writer = nil
    }
}
