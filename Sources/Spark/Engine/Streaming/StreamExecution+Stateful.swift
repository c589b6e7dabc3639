internal import NIOConcurrencyHelpers

/// One micro-batch of a plan that is more than branches: its steps run on the engine's workers, and what comes out of the last one goes to
/// the sink.
extension StreamExecution {
    func execute(_ batch: MicroBatch, _ stateful: StatefulQuery, _ executed: inout Executed) async throws {
        let rows = NIOLockedValueBox(branches.map { _ in 0 })
        let letters = NIOLockedValueBox(0)
        let written = NIOLockedValueBox(Written())
        let hooks = StreamHooks(
            takesRefused: deadLetters != nil,
            read: { input, count in rows.withLockedValue { $0[input] += count } },
            refuse: { [self] refused in
                let sent = try await send(refused)
                letters.withLockedValue { $0 += sent }
            },
            afterChunk: { [self] in try await observe(.afterChunk) })
        try await withTaskExecutorPreference(WorkerExecutor(workers)) {
            try await stateful.run(batch, hooks: hooks) { result in
                let result = result.dense
                let first = written.withLockedValue { $0.rows }
                let chunk = SourceChunk(
                    storage: .batch(result.columnBatch), ordinalFirst: batch.baseTimestamp + Int64(first), count: result.count,
                    byteCount: result.byteCount)
                let (sent, refused) = try await write(chunk, .all(result.count), stateful.schema, batch, isSingle: false)
                written.withLockedValue {
                    $0.rows += result.count
                    $0.sent += sent
                }
                letters.withLockedValue { $0 += refused }
            }
        }
        var refusedRows = 0
        for refused in try await sink.finish() {
            let count = try await writeOneByOne(refused, stateful.schema, batch)
            refusedRows += count
            letters.withLockedValue { $0 += count }
        }
        executed.rows = rows.withLockedValue { $0 }
        executed.outputRows = written.withLockedValue { $0.sent } - refusedRows
        executed.deadLetters = letters.withLockedValue { $0 }
        executed.note.watermark = stateful.hasWatermark ? stateful.watermark : nil
        executed.wrote(until: batch.baseTimestamp + Int64(written.withLockedValue { $0.rows }))
    }

    private struct Written {
        /// Rows that the plan made, which the next row's timestamp follows.
        var rows = 0
        var sent = 0
    }

    /// - Returns: how many rows went to the sink, and how many to the dead letters.
    private func write(
        _ chunk: SourceChunk, _ selection: Selection, _ schema: StructType, _ batch: MicroBatch, isSingle: Bool
    ) async throws -> (sent: Int, refused: Int) {
        let output = try chunk.withColumns(Set(schema.fields.indices), width: schema.fields.count) { columns in
            try sink.encode(
                ResultRows(schema: schema, columns: columns.columns, selection: selection, timestamp: chunk.ordinal), isSingle: isSingle)
        }
        if deadLetters == nil, let refusal = output.refusals.first {
            throw Self.withoutTopic(refusal)
        }
        try await sink.send(output, chunk, branch: 0)
        let letters = output.refusals.map { letter(chunk, $0.row, $0.reason, batch) }
        return (output.rowCount, letters.isEmpty ? 0 : try await send(letters))
    }

    /// The row itself in place of a source's record: many records may have made it.
    private func letter(_ chunk: SourceChunk, _ row: Int, _ reason: String, _ batch: MicroBatch) -> DeadLetter {
        var record = chunk.record(row)
        record.partition.topic = batch.ranges.lazy.compactMap { $0.end.positions.keys.min()?.topic }.first ?? ""
        return DeadLetter(record: record, reason: reason)
    }

    /// A request of several rows was refused: each row alone, and those that are refused alone are dead letters.
    private func writeOneByOne(_ refused: RefusedRows, _ schema: StructType, _ batch: MicroBatch) async throws -> Int {
        func letters(_ rows: RefusedRows) -> [DeadLetter] { rows.rows.map { letter(rows.chunk, Int($0), rows.reason, batch) } }
        guard refused.rows.count > 1 else {
            _ = try await send(letters(refused))
            return refused.rows.count
        }
        _ = try await write(refused.chunk, .rows(refused.rows), schema, batch, isSingle: true)
        var count = 0
        for single in try await sink.finish() {
            _ = try await send(letters(single))
            count += single.rows.count
        }
        return count
    }
}

extension StatefulQuery {
    func reports(_ batch: MicroBatch, commitMicros: Int64) -> [StreamingQueryProgress.StateOperator] {
        tables.map { table in
            StreamingQueryProgress.StateOperator(
                name: table.operatorName, rowsTotal: table.rowsTotal, metrics: table.metrics, memoryBytes: table.memoryBytes,
                commitMillis: commitMicros / 1_000)
        }
    }

    func eventTimeReport(_ batch: MicroBatch) -> StreamingQueryProgress.EventTimes? {
        guard hasWatermark else { return nil }
        let seen = trackers.map(\.batch).filter { $0.count > 0 }
        var times = StreamingQueryProgress.EventTimes(watermark: batch.eventTime?.watermark ?? 0)
        if let lowest = seen.map(\.lowest).min(), let highest = seen.map(\.highest).max() {
            let count = seen.reduce(0) { $0 + $1.count }
            let average = seen.reduce(0.0) { $0 + $1.sum } / Double(count) * 1_000
            times.batch = (lowest, highest, Int64(average))
        }
        return times
    }
}
