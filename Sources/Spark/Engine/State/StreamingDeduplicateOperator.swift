/// `dropDuplicates` of a stream: the first row of each key over all batches.
///
/// With event time among the keys, keys lie in buckets of it, and the watermark ends buckets: a row that would fall into one that is gone is
/// late anyway. Without, keys are kept for ever, as in Spark.
final class StreamingDeduplicateOperator: BatchOperator {
    private static let bucketMicros: Int64 = 60_000_000

    private let child: any BatchOperator
    private let keys: [Int]
    private let eventTime: (column: Int, isKey: Bool)?
    private let state: StateTable
    private let mark: EventTimeMark
    private let run: BatchRun

    init(
        _ child: any BatchOperator, keys: [Int], eventTime: (column: Int, isKey: Bool)?, state: StateTable, mark: EventTimeMark,
        run: BatchRun
    ) {
        self.child = child
        self.keys = keys
        self.eventTime = eventTime
        self.state = state
        self.mark = mark
        self.run = run
    }

    /// The last moment of the bucket.
    private static func bucket(_ micros: Int64) -> Int64 { DateTimeMath.floor(micros, bucketMicros) * bucketMicros + bucketMicros - 1 }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            try Task.checkCancellation()
            var selection = Selection.all(batch.count)
            var parts: [(eventTime: Int64, rows: [Int32])] = []
            if let eventTime, let times = EventTimeColumn(batch.columns[eventTime.column]) {
                selection = times.after(mark.late, count: batch.count)
                state.metrics.droppedByWatermark += batch.count - selection.count
                if eventTime.isKey { parts = times.parted(selection, Self.bucket) }
            }
            if selection.isEmpty { return }
            if parts.isEmpty {
                var rows: [Int32] = []
                selection.eachRow { rows.append(Int32($0)) }
                parts = [(EventTimeColumn.never, rows)]
            }
            var kept: [Int32] = []
            for part in parts {
                let partition = try state.partition(part.eventTime)
                let rowKeys = RowKeys(keys.map { batch.columns[$0] }, .rows(part.rows))
                // A key that is found is known, from memory or from the store; the others are new, at their first row.
                let known = try state.find(rowKeys, partition)
                var next = Int32(partition.count)
                let groups = partition.insert(rowKeys)
                var added: [Int32] = []
                for (place, group) in groups.enumerated() where known[place] < 0 && group == next {
                    kept.append(part.rows[place])
                    added.append(group)
                    next += 1
                }
                partition.rows += added.count
                partition.touch(added)
                state.metrics.updated += added.count
            }
            state.metrics.duplicates += selection.count - kept.count
            guard !kept.isEmpty else { return }
            if parts.count > 1 { kept.sort() }
            try await emit(kept.count == batch.count ? batch : batch.gathered(kept))
        }
        guard eventTime?.isKey == true else { return }
        for partition in state.expired(mark.watermark) { state.remove(partition) }
    }
}

/// `dropDuplicatesWithinWatermark`: a key is remembered from its first row until the watermark has passed that row's time by the delay.
///
/// The state is parted by when keys are forgotten, so that forgetting is a range; a key is looked for in every part, of which there are few.
final class StreamingDeduplicateWithinOperator: BatchOperator {
    private let child: any BatchOperator
    private let keys: [Int]
    private let eventTime: (column: Int, time: EventTime)
    private let state: StateTable
    private let mark: EventTimeMark
    private let run: BatchRun
    private let bucketMicros: Int64

    init(
        _ child: any BatchOperator, keys: [Int], eventTime: (column: Int, time: EventTime), state: StateTable, mark: EventTimeMark,
        run: BatchRun
    ) {
        self.child = child
        self.keys = keys
        self.eventTime = eventTime
        self.state = state
        self.mark = mark
        self.run = run
        bucketMicros = max(1_000_000, eventTime.time.delayMicros / 8)
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            try Task.checkCancellation()
            guard let times = EventTimeColumn(batch.columns[eventTime.column]) else { return }
            let selection = times.after(mark.late, count: batch.count)
            state.metrics.droppedByWatermark += batch.count - selection.count
            if selection.isEmpty { return }
            let kept = try fresh(batch, times, selection)
            state.metrics.duplicates += selection.count - kept.count
            if !kept.isEmpty { try await emit(kept.count == batch.count ? batch : batch.gathered(kept)) }
        }
        for partition in state.expired(mark.watermark) { state.remove(partition) }
    }

    /// The rows whose keys nobody remembers; they are remembered from now on.
    private func fresh(_ batch: ResultBatch, _ times: EventTimeColumn, _ selection: Selection) throws -> [Int32] {
        var rows: [Int32] = []
        selection.eachRow { rows.append(Int32($0)) }
        let rowKeys = RowKeys(keys.map { batch.columns[$0] }, .rows(rows))
        var isKnown = [Bool](repeating: false, count: rows.count)
        for partition in state.partitions.values {
            let groups = try state.find(rowKeys, partition)
            guard let expiries = partition.accumulators.first as? NumberState else { continue }
            for (place, group) in groups.enumerated() where group >= 0 && expiries.values[Int(group)] > mark.late { isKnown[place] = true }
        }
        var seen = RowKeyTable()
        var kept: [Int32] = []
        for (place, row) in rows.enumerated() where !isKnown[place] {
            let known = seen.count
            guard rowKeys.withBytes(place, { Int(seen.insert($0)) }) == known else { continue }
            // Without a time there is nothing to wait for.
            let expiry = times.micros(Int(row)).map { $0 + eventTime.time.delayMicros } ?? EventTimeColumn.never
            let bucket =
                expiry == EventTimeColumn.never ? expiry : DateTimeMath.floor(expiry, bucketMicros) * bucketMicros + bucketMicros - 1
            let partition = try state.partition(bucket)
            let before = partition.count
            let group = rowKeys.withBytes(place) { partition.insert($0) }
            if Int(group) == before { partition.rows += 1 }
            (partition.accumulators.first as? NumberState)?.values[Int(group)] = expiry
            partition.touch([group])
            state.metrics.updated += 1
            kept.append(row)
        }
        return kept
    }
}

/// `limit` of a stream: so many rows over all batches.
final class StreamingLimitOperator: BatchOperator {
    private let child: any BatchOperator
    private let count: Int
    private let state: StateTable

    init(_ child: any BatchOperator, count: Int, state: StateTable) {
        self.child = child
        self.count = count
        self.state = state
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let partition = try state.partition(EventTimeColumn.never)
        let group = try state.insert(RowKeys([Column](), count: 1), partition)
        guard let passed = partition.accumulators.first as? NumberState else { return }
        try await child.run { batch in
            let room = count - Int(passed.values[0])
            let taken = min(room, batch.count)
            // Rows beyond the limit are read all the same: their offsets belong to the batch.
            guard taken > 0 else { return }
            passed.values[0] += Int64(taken)
            partition.touch(group)
            try await emit(batch.slice(0..<taken))
        }
        state.metrics.updated += partition.touched.count
    }
}
