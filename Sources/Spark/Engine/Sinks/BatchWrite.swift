internal import NIOConcurrencyHelpers
internal import NIOPosix

/// `df.write.format(…).mode(…).save()`: a plan's rows into a sink, once, outside of any streaming query.
///
/// There is no checkpoint: what a write that fails half-way has written stays, as with Spark's connectors.
extension Engine {
    func write(_ plan: LogicalPlan, to target: StreamingQueryDefinition.Sink, options: Options, in session: SessionState) async throws {
        let definition = StreamingQueryDefinition(plan: plan, sink: target, options: options)
        try await write(plan, format: target.format, in: session) { [launcher] isStopped in
            try launcher.sink(definition, name: nil, isStopped: isStopped, status: { _ in })
        }
    }

    /// - Parameter open: makes the sink; what it is given tells whether the write was given up.
    func write(
        _ plan: LogicalPlan, format: String, in session: SessionState,
        open: (@escaping @Sendable () -> Bool) throws -> any StreamSink
    ) async throws {
        let isStopped = NIOLockedValueBox(false)
        let sink = try open { isStopped.withLockedValue { $0 } }
        do {
            try await withTaskCancellationHandler {
                try await write(plan, into: sink, format: format, in: session)
            } onCancel: {
                isStopped.withLockedValue { $0 = true }
            }
            await sink.stop()
        } catch {
            isStopped.withLockedValue { $0 = true }
            await sink.stop()
            throw error
        }
    }

    private func write(_ plan: LogicalPlan, into sink: any StreamSink, format: String, in session: SessionState) async throws {
        func refusal(_ reason: String) -> SparkError {
            SparkError("WRITE_FAILED", sqlState: "58030", "A row cannot be written to \(format): \(reason).")
        }
        var schema = StructType()
        var ordinal: Int64 = 0
        // Rows that come later win, as they do in a stream.
        let base = QueryLauncher.clock()
        try await run(
            plan, in: session,
            onSchema: { found in
                schema = found
                try await sink.prepare(found, .append)
            },
            { batch in
                let first = ordinal
                let chunk = SourceChunk(
                    storage: .batch(ColumnBatch(count: batch.count, columns: batch.columns)), ordinalFirst: first, count: batch.count,
                    byteCount: batch.count * 64)
                let rows = ResultRows(
                    schema: schema, columns: batch.columns, selection: .all(batch.count), timestamp: { base + first + Int64($0) })
                let output = try sink.encode(rows, isSingle: false)
                if let first = output.refusals.first { throw refusal(first.reason) }
                try await sink.send(output, chunk, branch: 0)
                ordinal += Int64(batch.count)
            })
        if let refused = try await sink.finish().first { throw refusal(refused.reason) }
        await sink.committed(0)
    }
}
