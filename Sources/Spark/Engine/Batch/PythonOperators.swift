internal import NIOConcurrencyHelpers

/// The child's columns and one for each call of a client's function.
///
/// A large batch is cut to what functions are given at a time; functions over an iterator see the whole run as one, and what they give is
/// put beside the rows that they were given, however they cut it.
final class PythonEvaluateOperator: BatchOperator {
    private let child: any BatchOperator
    private let calls: [PythonCall]
    private let inputs: PythonInputs
    private let run: BatchRun

    init(_ child: any BatchOperator, _ calls: [PythonCall], run: BatchRun) {
        self.child = child
        self.calls = calls
        self.run = run
        inputs = PythonInputs(calls.map { ($0.arguments, $0.names) })
    }

    private func arguments(_ batch: ResultBatch) throws -> ResultBatch {
        ResultBatch(columns: try run.evaluate(inputs.expressions, batch), count: batch.count).dense
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let context = try run.python()
        if calls.first?.isIterating == true { return try await iterate(context, emit) }
        try await child.run { batch in
            try Task.checkCancellation()
            guard batch.count > 0 else { return }
            let given = try arguments(batch)
            let made = try await context.workers.run { [calls, inputs] in try context.evaluate(calls, inputs, given, $0) }
            try await emit(ResultBatch(columns: batch.columns + made, count: batch.count))
        }
    }

    private func iterate(_ context: PythonContext, _ emit: (ResultBatch) async throws -> Void) async throws {
        let output = StructType(calls.map { StructField("_0", $0.dataType) })
        var waiting: [ResultBatch] = []
        var values: [ResultBatch] = []
        func count(_ batches: [ResultBatch]) -> Int { batches.reduce(0) { $0 + $1.count } }
        /// Hands on the rows whose values are there.
        func settle() async throws {
            while let first = waiting.first, count(values) >= first.count {
                var parts: [ResultBatch] = []
                var left = first.count
                while left > 0 {
                    let next = values.removeFirst()
                    let taken = min(left, next.count)
                    parts.append(next.slice(0..<taken))
                    if taken < next.count { values.insert(next.slice(taken..<next.count), at: 0) }
                    left -= taken
                }
                waiting.removeFirst()
                run.budget.release(first.byteCount)
                let made = ResultBatch.concatenated(parts, output)
                try await emit(ResultBatch(columns: first.columns + made.columns, count: first.count))
            }
        }
        var stream: PythonStream?
        defer { stream?.abandon() }
        try await child.run { batch in
            try Task.checkCancellation()
            guard batch.count > 0 else { return }
            let given = try arguments(batch)
            try run.budget.charge(batch.byteCount, for: "rows that a Python function has not answered")
            waiting.append(batch)
            let open = stream
            let (now, made) = try await context.workers.run { [calls, inputs] in
                let stream =
                    try open
                    ?? PythonStream(
                        context.worker(), context.program(calls, inputs), output: output, context.arrow, rowsMax: context.rowsMax, $0)
                return (stream, try stream.push(given, $0))
            }
            stream = now
            values += made
            try await settle()
        }
        guard let open = stream else { return }
        values += try await context.workers.run { try open.finish($0) }
        try await settle()
        guard waiting.isEmpty, values.isEmpty else {
            throw SparkError(
                "PYTHON_FUNCTION_RESULT", sqlState: "39000",
                "\(calls[0].name) gave \(count(values)) values for the last \(count(waiting)) rows.")
        }
    }
}

/// `mapInPandas` and `mapInArrow`.
final class PythonMapOperator: BatchOperator {
    private let child: any BatchOperator
    private let function: PythonFunction
    private let input: StructType
    private let output: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ function: PythonFunction, _ input: StructType, _ output: StructType, run: BatchRun) {
        self.child = child
        self.function = function
        self.input = input
        self.output = output
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let context = try run.python()
        let program = PythonProgram(
            evalType: function.evalType, calls: [.init(chain: [function], arguments: [], named: [])], input: input,
            settings: context.settings)
        let (worker, output) = (try context.worker(), output)
        let stream = try await context.workers.run {
            try PythonStream(worker, program, output: output, context.arrow, rowsMax: context.rowsMax, $0)
        }
        defer { stream.abandon() }
        do {
            try await child.run { batch in
                try Task.checkCancellation()
                let dense = batch.dense
                let made = try await context.workers.run { try stream.push(dense, $0) }
                for batch in made { try await run.emit(batch, emit) }
                // The function has returned: what else there is nobody reads.
                if stream.isOver { throw EnoughRows(step: ObjectIdentifier(self)) }
            }
        } catch let enough as EnoughRows where enough.step == ObjectIdentifier(self) {}
        let made = try await context.workers.run { try stream.finish($0) }
        for batch in made { try await run.emit(batch, emit) }
    }
}

/// Rows by groups, in the order of their keys: `applyInPandas`, `applyInArrow`, and aggregates that are pandas functions.
///
/// A group is given whole; small ones go many at a time.
final class PythonGroupsOperator: BatchOperator {
    /// Functions that are run together, and which of the output's columns they give.
    private struct Part {
        var functions: [PythonProgram.Function]
        var evalType: Int
        var output: StructType
        var places: [Int]
    }

    private let child: any BatchOperator
    private let schema: StructType
    private let keys: [ResolvedExpression]
    /// What the functions are given.
    private let columns: [ResolvedExpression]
    private let input: StructType
    private let parts: [Part]
    /// An aggregate's keys stand before what the functions give.
    private let isAggregate: Bool
    private let run: BatchRun

    init(_ child: any BatchOperator, _ function: PythonFunction, keys: Int, _ schema: StructType, _ output: StructType, run: BatchRun) {
        self.child = child
        self.schema = schema
        self.run = run
        columns = schema.fields.enumerated().map { .column($0, $1.dataType, nullable: $1.nullable) }
        self.keys = Array(columns.prefix(keys))
        input = schema
        parts = [
            Part(
                functions: [.init(chain: [function], arguments: [], named: [])], evalType: function.evalType, output: output,
                places: Array(output.fields.indices))
        ]
        isAggregate = false
    }

    init(_ child: any BatchOperator, _ aggregate: ResolvedAggregate, _ schema: StructType, run: BatchRun) {
        self.child = child
        self.schema = schema
        self.run = run
        keys = aggregate.keys.map(\.expression)
        var functions: [(function: PythonFunction, call: AggregateCall, names: [String?])] = []
        for call in aggregate.calls {
            if case .python(let function, let names) = call.function { functions.append((function, call, names)) }
        }
        let inputs = PythonInputs(functions.map { ($0.call.arguments, $0.names) })
        columns = inputs.expressions
        input = inputs.schema
        var parts: [Part] = []
        for (place, one) in functions.enumerated() {
            let made = inputs.function([one.function], one.call.arguments, one.names)
            let field = StructField("_\(place)", one.call.dataType)
            // Those over an iterator are run alone.
            if ![217, 254].contains(one.function.evalType), let part = parts.firstIndex(where: { $0.evalType == one.function.evalType }) {
                parts[part].functions.append(made)
                parts[part].output.fields.append(field)
                parts[part].places.append(place)
            } else {
                parts.append(Part(functions: [made], evalType: one.function.evalType, output: StructType([field]), places: [place]))
            }
        }
        self.parts = parts
        isAggregate = true
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let context = try run.python()
        let (all, charged) = try await child.collected(schema, run, for: "groups of Python functions")
        defer { run.budget.release(charged) }
        guard all.count > 0 else { return }
        let keyColumns = ResultBatch(columns: try run.evaluate(keys, all), count: all.count).dense.columns
        let encoded = RowKeys(keyColumns, count: all.count)
        let order = encoded.sorted()
        let given = ResultBatch(columns: try run.evaluate(columns, all), count: all.count).dense.gathered(order)
        var starts: [Int] = []
        for place in order.indices where place == 0 || !encoded.areEqual(Int(order[place - 1]), Int(order[place])) { starts.append(place) }
        let ends = Array(starts.dropFirst()) + [all.count]
        var next = 0
        while next < starts.count {
            try Task.checkCancellation()
            let first = next
            repeat { next += 1 } while next < starts.count && ends[next] - starts[first] <= run.batchRows
            let counts = (first..<next).map { ends[$0] - starts[$0] }
            let rows = given.slice(starts[first]..<ends[next - 1])
            if isAggregate {
                let values = try await aggregates(counts, rows, context)
                let firsts = (first..<next).map { order[starts[$0]] }
                try await run.emit(ResultBatch(columns: keyColumns.map { $0.gathered(firsts) } + values, count: counts.count), emit)
            } else {
                for batch in try await results(parts[0], counts, rows, context) { try await run.emit(batch, emit) }
            }
        }
    }

    private func results(_ part: Part, _ counts: [Int], _ rows: ResultBatch, _ context: PythonContext) async throws -> [ResultBatch] {
        var program = PythonProgram(evalType: part.evalType, calls: part.functions, input: input, settings: context.settings)
        if !isAggregate { program.keys = keys.count }
        let (made, output) = (program, part.output)
        return try await context.workers.run { try context.evaluate(groups: counts, of: rows, made, output, $0) }
    }

    private func aggregates(_ counts: [Int], _ rows: ResultBatch, _ context: PythonContext) async throws -> [Column] {
        var columns: [(place: Int, column: Column)] = []
        for part in parts {
            let values = ResultBatch.concatenated(try await results(part, counts, rows, context), part.output)
            guard values.count == counts.count else {
                throw SparkError(
                    "PYTHON_FUNCTION_RESULT", sqlState: "39000",
                    "A pandas aggregate gave \(values.count) values for \(counts.count) groups.")
            }
            columns += zip(part.places, values.columns).map { ($0, $1) }
        }
        return columns.sorted { $0.place < $1.place }.map(\.column)
    }
}
