/// A client's pandas or Arrow function over windows.
extension SortedWindow {
    /// A whole partition is given once, and its value is every row's; otherwise the process cuts the rows' frames out of their partition,
    /// whose bounds it is told in two columns more. (Spark, `ArrowWindowPythonEvaluatorFactory`.)
    func python(
        _ function: PythonFunction, _ names: [String?], _ aggregate: AggregateCall, _ frame: WindowCall.Frame
    ) async throws -> Column {
        let context = try run.python()
        let given = PythonInputs([(aggregate.arguments, names)])
        var columns = try run.evaluate(given.expressions, batch)
        var called = given.function([function], aggregate.arguments, names)
        var fields = given.schema.fields
        let isWhole = frame.lower == .unboundedPreceding && frame.upper == .unboundedFollowing
        if !isWhole {
            let frames = try frames(frame)
            let (begins, ends) = (Buffer<Int32>(count: batch.count), Buffer<Int32>(count: batch.count))
            for partition in partitions {
                for row in partition {
                    begins.pointer[row] = Int32(frames[row].lowerBound - partition.lowerBound)
                    ends.pointer[row] = Int32(frames[row].upperBound - partition.lowerBound)
                }
            }
            called.arguments = [fields.count, fields.count + 1] + called.arguments
            fields += [StructField("begin", .integer, nullable: false), StructField("end", .integer, nullable: false)]
            columns += [begins, ends].map { Column(.integer, count: batch.count, values: .integer($0)) }
        }
        var settings = context.settings
        settings["window_bound_types"] = isWhole ? "unbounded" : "bounded"
        let program = PythonProgram(
            evalType: function.evalType == 202 ? 203 : 253, calls: [called], input: StructType(fields), settings: settings)
        let rows = ResultBatch(columns: columns, count: batch.count).dense
        let groups = partitions.map(\.count)
        let output = StructType([StructField("_0", aggregate.dataType)])
        let made = try await context.workers.run { try context.evaluate(groups: groups, of: rows, program, output, $0) }
        let total = made.reduce(0) { $0 + $1.count }
        guard total == batch.count else {
            throw SparkError(
                "PYTHON_FUNCTION_RESULT", sqlState: "39000", "\(function.name) gave \(total) values for \(batch.count) rows.")
        }
        return Column.concatenated(made.map { $0.columns[0] }, aggregate.dataType)
    }
}
