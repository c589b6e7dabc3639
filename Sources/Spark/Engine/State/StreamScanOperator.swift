/// A stream as a leaf of a plan: the rows of the micro-batch's range, through the stages that run on the source's chunks.
final class StreamScanOperator: BatchOperator {
    private let input: StreamInput
    private let range: SourceRange
    private let firstOrdinal: Int64
    private let run: BatchRun
    private let hooks: StreamHooks

    init(_ input: StreamInput, _ range: SourceRange, firstOrdinal: Int64, run: BatchRun, hooks: StreamHooks) {
        self.input = input
        self.range = range
        self.firstOrdinal = firstOrdinal
        self.run = run
        self.hooks = hooks
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        guard !range.isEmpty else { return }
        let pipeline = input.pipeline
        let schema = pipeline.schema
        try await input.source.read(range, firstOrdinal: firstOrdinal) { chunk in
            try Task.checkCancellation()
            await hooks.read(input.number, chunk.count)
            let (batch, refused) = try chunk.withColumns(pipeline.wanted, width: pipeline.width) { columns in
                let context = run.context
                let (made, passed) = try pipeline.run(columns, context)
                var selection = passed
                var refused: [Int: String] = [:]
                if hooks.takesRefused {
                    for problem in context.problems.all where refused[problem.row] == nil { refused[problem.row] = problem.reason }
                    if !refused.isEmpty { selection = selection.filter { refused[$0] == nil } }
                }
                return (ResultBatch(made, schema, count: selection.count) { $0.gathered(selection) }, refused)
            }
            if batch.count > 0 { try await emit(batch) }
            if !refused.isEmpty {
                try await hooks.refuse(
                    refused.sorted { $0.key < $1.key }.map { DeadLetter(record: chunk.record($0.key), reason: $0.value) })
            }
            try await hooks.afterChunk()
        }
    }
}

/// One streaming source of a plan with what runs on its chunks.
struct StreamInput: Sendable {
    var number: Int
    var source: any StreamSource
    var pipeline: Pipeline
}

/// What the query's loop wants to know while a batch's sources are read.
struct StreamHooks: Sendable {
    /// Whether rows whose text does not parse are dead letters, and do not end the query.
    var takesRefused: Bool
    var read: @Sendable (_ input: Int, _ rows: Int) async -> Void
    var refuse: @Sendable ([DeadLetter]) async throws -> Void
    var afterChunk: @Sendable () async throws -> Void
}

/// Lets rows pass, and looks at their event time.
final class WatermarkOperator: BatchOperator {
    private let child: any BatchOperator
    private let column: Int
    private let tracker: EventTimeTracker

    init(_ child: any BatchOperator, column: Int, tracker: EventTimeTracker) {
        self.child = child
        self.column = column
        self.tracker = tracker
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            if let times = EventTimeColumn(batch.columns[column]) { tracker.note(times, count: batch.count) }
            try await emit(batch)
        }
    }
}
