/// Groups of a stream, folded over all batches of the query (Structured Streaming Programming Guide, "Operations on streaming
/// DataFrames/Datasets").
///
/// Rows are parted by the event time of their group first: a window's end is a partition of the state, and its groups are the keys beside
/// it. The watermark then ends whole partitions, and a batch that knows one window looks into one table.
final class StreamingAggregateOperator: BatchOperator {
    private let child: any BatchOperator
    private let folding: StreamingFolding
    private let mode: OutputMode
    private let mark: EventTimeMark
    private let run: BatchRun

    init(
        _ child: any BatchOperator, _ aggregate: ResolvedAggregate, eventTime: (key: Int, time: EventTime)?, state: StateTable,
        mode: OutputMode, mark: EventTimeMark, run: BatchRun
    ) {
        self.child = child
        self.mode = mode
        self.mark = mark
        self.run = run
        folding = StreamingFolding(aggregate, eventTime: eventTime, state: state, run: run)
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        // Complete keeps every group for ever: no row is late.
        let late = mode == .complete ? nil : mark.late
        try folding.begin()
        try await child.run { batch in
            try Task.checkCancellation()
            try folding.add(batch, late: late)
        }
        let state = folding.state
        switch mode {
        case .complete:
            for partition in state.partitions.values.sorted(by: { $0.eventTime < $1.eventTime }) {
                try await state.eachGroup(partition, batchRows: run.batchRows) { try await emit(try folding.result($0, $1)) }
            }
        case .update:
            for partition in state.partitions.values.sorted(by: { $0.eventTime < $1.eventTime }) where !partition.touched.isEmpty {
                var first = 0
                while first < partition.touched.count {
                    let end = min(partition.touched.count, first + run.batchRows)
                    try await emit(try folding.result(partition, Array(partition.touched[first..<end])))
                    first = end
                }
            }
        case .append: break
        }
        folding.count()
        guard mode != .complete, folding.hasEventTime else { return }
        for partition in state.expired(mark.watermark) {
            if mode == .append {
                try await state.eachGroup(partition, batchRows: run.batchRows) { try await emit(try folding.result($0, $1)) }
            }
            state.remove(partition)
        }
    }
}

/// How rows get into the state of an aggregate, and its groups out.
final class StreamingFolding: Sendable {
    let state: StateTable
    private let aggregate: ResolvedAggregate
    private let eventTime: (key: Int, time: EventTime)?
    private let run: BatchRun
    /// The keys that are encoded: all but the event time.
    private let encoded: [Int]

    var hasEventTime: Bool { eventTime != nil }

    init(_ aggregate: ResolvedAggregate, eventTime: (key: Int, time: EventTime)?, state: StateTable, run: BatchRun) {
        self.aggregate = aggregate
        self.eventTime = eventTime
        self.state = state
        self.run = run
        encoded = aggregate.keys.indices.filter { $0 != eventTime?.key }
    }

    /// A group of all rows is there also before the first.
    func begin() throws {
        guard aggregate.keys.isEmpty else { return }
        let partition = try state.partition(EventTimeColumn.never)
        partition.touch(try state.insert(RowKeys([Column](), count: 1), partition))
    }

    func add(_ batch: ResultBatch, late: Int64?) throws {
        guard batch.count > 0 else { return }
        let evaluator = run.evaluator(batch)
        let all = Selection.all(batch.count)
        var selection = all
        let parts: [(eventTime: Int64, rows: [Int32])]
        let keys: [Column]
        if let eventTime {
            let time = try evaluator.evaluate(aggregate.keys[eventTime.key].expression, all)
            let times = EventTimeColumn(time)
            if let times, let late {
                selection = times.after(late, count: batch.count)
                state.metrics.droppedByWatermark += batch.count - selection.count
                if selection.isEmpty { return }
            }
            keys = try encoded.map { try evaluator.evaluate(aggregate.keys[$0].expression, selection) }
            parts = times?.parted(selection) { $0 } ?? [(EventTimeColumn.never, Self.rows(selection))]
        } else {
            keys = try encoded.map { try evaluator.evaluate(aggregate.keys[$0].expression, all) }
            parts = [(EventTimeColumn.never, Self.rows(all))]
        }
        let inputs = try aggregate.calls.map { try input($0, evaluator, selection, count: batch.count) }
        for part in parts {
            let partition = try state.partition(part.eventTime)
            let groups = try state.insert(RowKeys(keys, .rows(part.rows)), partition)
            partition.touch(groups)
            for (index, input) in inputs.enumerated() {
                var (rows, own) = (part.rows, groups)
                if let mask = input.mask {
                    let kept = rows.indices.filter { mask[Int(rows[$0])] }
                    if kept.isEmpty { continue }
                    if kept.count < rows.count { (rows, own) = (kept.map { rows[$0] }, kept.map { own[$0] }) }
                }
                try rows.withUnsafeBufferPointer { rows in
                    try own.withUnsafeBufferPointer { try partition.accumulators[index].update(input.columns, rows, $0) }
                }
            }
        }
    }

    private static func rows(_ selection: Selection) -> [Int32] {
        switch selection {
        case .all(let count): (0..<Int32(count)).map { $0 }
        case .rows(let rows): rows
        }
    }

    /// Arguments are evaluated only where the filter holds: elsewhere they may raise.
    private func input(
        _ call: AggregateCall, _ evaluator: Evaluator, _ selection: Selection, count: Int
    ) throws -> (columns: [Column], mask: [Bool]?) {
        var mask: [Bool]?
        var own = selection
        if let filter = call.filter {
            own = try evaluator.select(filter, selection)
            var marks = [Bool](repeating: false, count: count)
            own.eachRow { marks[$0] = true }
            mask = marks
            if own.isEmpty { return ([], mask) }
        }
        return (try (call.arguments + call.order.map(\.expression)).map { try evaluator.evaluate($0, own) }, mask)
    }

    /// Groups as the aggregate's rows: its keys, then its calls.
    func result(_ partition: StatePartition, _ groups: [Int32]) throws -> ResultBatch {
        let decoding = RowKeyDecoding(encoded.map { aggregate.keys[$0].expression.dataType })
        for group in groups {
            guard partition.table.withKey(Int(group), { decoding.append($0) }) else { throw StateReader.corrupt }
        }
        var columns = decoding.finish()
        if let eventTime {
            let type = aggregate.keys[eventTime.key].expression.dataType
            columns.insert(Self.column(partition.eventTime, eventTime.time, type, count: groups.count), at: eventTime.key)
        }
        let isAll = groups.count == partition.count && groups.elementsEqual(0..<Int32(groups.count))
        columns += try partition.accumulators.map {
            isAll ? try $0.result(groups.count) : try $0.result(of: groups, partition.count)
        }
        return ResultBatch(columns: columns, count: groups.count)
    }

    private static func column(_ micros: Int64, _ time: EventTime, _ type: DataType, count: Int) -> Column {
        guard micros != EventTimeColumn.never else { return Column.nulls(type, count: count) }
        func constant(_ value: Int64, _ type: DataType) -> Column {
            let buffer = Buffer<Int64>(count: count)
            buffer.pointer.update(repeating: value, count: count)
            return Column(type, count: count, values: .long(buffer))
        }
        guard case .window(let length) = time.kind, case .structure(let fields) = type else { return constant(micros, type) }
        return Column(
            type, count: count,
            values: .structure([constant(micros - length, fields.fields[0].dataType), constant(micros, fields.fields[1].dataType)]))
    }

    func count() {
        state.metrics.updated += state.partitions.values.reduce(0) { $0 + $1.touched.count }
    }
}
