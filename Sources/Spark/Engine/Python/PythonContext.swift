internal import NIOCore

/// How one query has its Python functions run: by which interpreter, with which of the session's settings.
struct PythonContext: Sendable {
    let workers: PythonWorkers
    let interpreter: String?
    let settings: [String: String]
    /// Rows that a function over arrays is given at a time (`spark.sql.execution.arrow.maxRecordsPerBatch`).
    let rowsMax: Int

    /// Settings that PySpark's worker reads (`pyspark.worker.RunnerConf`).
    private static let known: Set<String> = [
        "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName",
        "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled",
        "spark.sql.execution.pythonUDF.mapInBatch.legacy.acceptAnyIterable.enabled", "spark.sql.execution.pyspark.binaryAsBytes",
        "spark.sql.execution.pandas.convertToArrowArraySafely", "spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled",
        "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype", "spark.sql.session.timeZone",
        "spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.execution.pythonUDF.arrow.concurrency.level",
    ]

    init(workers: PythonWorkers, setting: (String) -> String?) {
        self.workers = workers
        interpreter = setting("spark.pyspark.python")
        var settings: [String: String] = ["spark.sql.session.timeZone": "UTC"]
        for name in Self.known { if let value = setting(name) { settings[name] = value } }
        self.settings = settings
        let rows = setting("spark.sql.execution.arrow.maxRecordsPerBatch").flatMap { Int($0) } ?? 10_000
        // Zero or less is no limit, as in Spark.
        rowsMax = rows > 0 ? rows : .max
    }

    var arrow: ArrowOptions { ArrowOptions(timeZone: settings["spark.sql.session.timeZone"] ?? "UTC") }

    func worker() throws -> PythonWorker { try workers.worker(interpreter) }

    // MARK: Calls over rows

    /// A column for each call, with as many values as the inputs have rows; blocks.
    ///
    /// - Parameter inputs: The columns of `PythonInputs`, dense.
    func evaluate(_ calls: [PythonCall], _ given: PythonInputs, _ inputs: ResultBatch, _ cancellation: PythonCancellation) throws
        -> [Column]
    {
        let program = program(calls, given)
        if calls.first?.isIterating == true {
            let stream = try PythonStream(
                worker(), program, output: StructType(calls.map { StructField("_0", $0.dataType) }), arrow, rowsMax: rowsMax, cancellation)
            let made = try stream.push(inputs, cancellation) + stream.finish(cancellation)
            return try joined(made, calls, count: inputs.count)
        }
        var parts: [ResultBatch] = []
        var start = 0
        // Without rows no function is called.
        while start < inputs.count {
            let end = start + min(rowsMax, inputs.count - start)
            let rows = try PythonRows(program.input, arrow).bytes(inputs, start..<end)
            let answer = try worker().evaluate("E", program, rows, cancellation)
            parts += try self.rows(answer, StructType(calls.enumerated().map { StructField("_\($0)", $1.dataType) }))
            start = end
        }
        return try joined(parts, calls, count: inputs.count)
    }

    func program(_ calls: [PythonCall], _ given: PythonInputs) -> PythonProgram {
        PythonProgram(
            evalType: calls.first?.evalType ?? 0, calls: calls.map { given.function($0.functions, $0.arguments, $0.names) },
            input: given.schema, settings: settings)
    }

    func joined(_ parts: [ResultBatch], _ calls: [PythonCall], count: Int) throws -> [Column] {
        let total = parts.reduce(0) { $0 + $1.count }
        guard total == count else {
            throw SparkError(
                "PYTHON_FUNCTION_RESULT", sqlState: "39000", "\(calls.first?.name ?? "") gave \(total) values for \(count) rows.")
        }
        return calls.enumerated().map { index, call in Column.concatenated(parts.map { $0.columns[index] }, call.dataType) }
    }

    /// Rows of an answer, of the types that were declared.
    func rows(_ stream: [UInt8], _ schema: StructType) throws -> [ResultBatch] { try ArrowRows.decode([stream], schema) }

    // MARK: Groups

    /// The rows that functions give for groups, which follow one another in `rows`.
    func evaluate(
        groups: [Int], of rows: ResultBatch, _ program: PythonProgram, _ output: StructType, _ cancellation: PythonCancellation
    ) throws -> [ResultBatch] {
        var program = program
        program.groups = groups
        let bytes = try PythonRows(program.input, arrow).bytes(rows, 0..<rows.count)
        return try self.rows(try worker().evaluate("G", program, bytes, cancellation), output)
    }
}

/// Rows on their way to a process. Functions without arguments still have to know how many rows there are, which an Arrow stream without
/// columns does not tell.
struct PythonRows {
    private let writer: ArrowWriter
    private let isBare: Bool

    init(_ schema: StructType, _ options: ArrowOptions) {
        isBare = schema.fields.isEmpty
        writer = ArrowWriter(isBare ? StructType([StructField("", .null)]) : schema, options)
    }

    func bytes(_ batch: ResultBatch, _ rows: Range<Int>) throws -> [UInt8] {
        let sent = isBare ? ResultBatch(columns: [.nulls(.null, count: batch.count)], count: batch.count) : batch
        return Array(try writer.stream(sent, rows: rows).readableBytesView)
    }
}
