internal import NIOConcurrencyHelpers
internal import NIOPosix

/// `df.write.format(…).mode(…).save()`: a plan's rows into a sink, once, outside of any streaming query.
///
/// There is no checkpoint: what a write that fails half-way has written stays, as with Spark's connectors.
extension Engine {
    func write(_ plan: LogicalPlan, to target: StreamingQueryDefinition.Sink, options: Options, in session: SessionState) async throws {
        let isStopped = NIOLockedValueBox(false)
        let definition = StreamingQueryDefinition(plan: plan, sink: target, options: options)
        let sink = try launcher.sink(definition, name: nil, isStopped: { isStopped.withLockedValue { $0 } }, status: { _ in })
        do {
            try await withTaskCancellationHandler {
                try await write(plan, into: sink, format: target.format, in: session)
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
