internal import NIOConcurrencyHelpers

/// What gives a client's Python functions the rows of a streaming query: the server that the client dialled.
protocol PythonFunctionHost: AnyObject, Sendable {
    /// Calls the function with a micro-batch's rows. Returns when it has.
    func call(_ function: PythonSinkFunction, batch: Int64, _ rows: [ResultBatch], _ schema: StructType) async throws
}

/// `foreachBatch` and `foreach`: a micro-batch's rows are gathered, and given to the client's function as one frame or row by row.
///
/// A batch that is run again after a crash is given again, with the same number, as Spark documents: at least once, and exactly once for
/// a function that minds the number.
final class PythonSink: StreamSink {
    private struct State {
        var schema = StructType()
        var batch: Int64 = 0
        var rows: [ResultBatch] = []
    }

    private let function: PythonSinkFunction
    private let host: any PythonFunctionHost
    private let state = NIOLockedValueBox(State())

    init(_ function: PythonSinkFunction, host: any PythonFunctionHost) {
        self.function = function
        self.host = host
    }

    var description: String { function.kind == .batch ? "ForeachBatchSink" : "ForeachWriterTable" }
    var takesDeadLetters: Bool { false }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws { state.withLockedValue { $0.schema = schema } }

    func begin(_ batch: MicroBatch) async throws {
        state.withLockedValue {
            $0.batch = batch.id
            $0.rows = []
        }
    }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        let columns = rows.schema.fields.indices.map { index in
            (rows.columns[index] ?? .nulls(rows.schema.fields[index].dataType, count: rows.selection.count)).gathered(rows.selection)
        }
        let batch = ResultBatch(columns: columns, count: rows.selection.count)
        return SinkOutput(payload: .batch(batch), rowCount: batch.count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .batch(let batch) = output.payload, batch.count > 0 else { return }
        state.withLockedValue { $0.rows.append(batch) }
    }

    func finish() async throws -> [RefusedRows] {
        let work = state.withLockedValue { state in
            defer { state.rows = [] }
            return state
        }
        do {
            try await host.call(function, batch: work.batch, work.rows, work.schema)
        } catch let error as SparkError where error.errorClass == "PYTHON_EXCEPTION" && function.kind == .batch {
            throw SparkError(
                "FOREACH_BATCH_USER_FUNCTION_ERROR", sqlState: "39000",
                "An error occurred in the user provided function in foreach batch sink. Reason: \(error.message)")
        }
        return []
    }
}
