internal import CRocksDB
internal import NIOCore

/// One execution of a SELECT: a page of rows. Runs on one thread from beginning to end.
struct SelectExecution {
    struct Limits: Sendable {
        /// A page ends at this many bytes, whatever its rows.
        var pageBytes: Int
        /// The longest that a page may be looked for, in nanoseconds.
        var timeout: UInt64
        /// The most bytes of an answer without paging.
        var resultBytes: Int
    }

    let plan: SelectPlan
    let request: StatementRequest
    let database: RocksDatabase
    let schema: Schema
    let clock: StoreClock
    let limits: Limits

    // MARK: One row by its key

    /// Answers a SELECT by the whole primary key; nil where memory does not hold the answer and `inMemory` asks for no more.
    func point(inMemory: Bool) throws(CQLError) -> StatementResult? {
        try request.values.withUnsafeBytes { (bound) throws(CQLError) -> StatementResult? in
            let microseconds = clock.microseconds()
            let context = ValueContext(values: request.values, bound: bound, constants: plan.constants, now: microseconds)
            let now = seconds(microseconds)
            let key = ByteArena(capacity: 128), scratch = ByteArena(capacity: 64)
            defer { withExtendedLifetime((key, scratch)) {} }
            guard case .partitions(let partition, let clustering, _) = plan.access else { return nil }
            try KeyLayout.appendPartition(plan.table.storageID, count: partition.count, to: key) { (index) throws(CQLError) in
                try Self.keyValue(partition[index], context, scratch)
            }
            let partitionLength = key.count
            key.append(KeyLayout.row)
            for part in clustering {
                let start = key.count
                try part.encoding.encode(try Self.keyValue(part, context, scratch), to: key)
                if part.column.isDescending { key.complement(from: start) }
            }
            if try limit(plan.limit, context, "LIMIT") != nil { try _ = limit(plan.perPartitionLimit, context, "PER PARTITION LIMIT") }
            let image = RowImage(plan.table, now: now)
            var shadow = Int64.min
            if plan.table.marks.hasPartitionHeads {
                let head = PartitionHead()
                guard try head.load(database, UnsafeRawBufferPointer(rebasing: key.bytes[..<partitionLength]), inMemory: inMemory) else {
                    return nil
                }
                shadow = head.shadow(UnsafeRawBufferPointer(rebasing: key.bytes[partitionLength...]))
            }
            switch database.read(key.bytes, inMemory: inMemory) {
            case .notInMemory: return nil
            case .failed(let reason): throw .serverError("The storage cannot be read: \(reason)")
            case .absent: return .rows(RowsWriter().rows(plan.metadata))
            case .value(let slice):
                defer { rocksdb_pinnableslice_destroy(slice) }
                let value = RocksDatabase.bytes(slice)
                var writer = RowsWriter(capacity: value.count + plan.items.count * 4 + 64)
                if try image.fill(key: key.bytes, value: value, shadow: shadow), try matches(image, try filters(context, scratch)) {
                    try append(image, to: &writer, context, now)
                }
                return .rows(writer.rows(plan.metadata))
            }
        }
    }

    private static func keyValue(
        _ part: ModificationPlan.KeyPart, _ context: ValueContext, _ scratch: ByteArena
    ) throws(CQLError) -> UnsafeRawBufferPointer {
        let value = try context.resolve(part.sources[0], scratch)
        if value.isUnset { throw .invalid("Invalid unset value for column \(part.column.name)") }
        if value.isNull { throw .invalid("Invalid null value in condition for column \(part.column.name)") }
        try part.check.check(value.bytes, of: part.column.type)
        return value.bytes
    }

    private func seconds(_ microseconds: Int64) -> UInt32 {
        if let given = request.nowInSeconds { return UInt32(bitPattern: given) }
        return UInt32(truncatingIfNeeded: microseconds / 1_000_000)
    }

    private func limit(_ source: ValueSource?, _ context: ValueContext, _ name: String) throws(CQLError) -> Int? {
        guard let source else { return nil }
        let scratch = ByteArena()
        defer { withExtendedLifetime(scratch) {} }
        let given = try context.resolve(source, scratch)
        if given.isUnset { return nil }
        guard given.isValue, let value = try context.integer(source, type: .int) else {
            throw .invalid("Invalid null value of \(name.lowercased())")
        }
        guard value > 0 else { throw .invalid("\(name) must be strictly positive") }
        return Int(value)
    }

    private func filters(_ context: ValueContext, _ scratch: ByteArena) throws(CQLError) -> [ResolvedFilter] {
        guard !plan.filters.isEmpty else { return [] }
        var list: [ResolvedFilter] = []
        for filter in plan.filters { list.append(try filter.resolved(context, scratch)) }
        return list
    }

    @inline(__always)
    private func matches(_ image: RowImage, _ filters: [ResolvedFilter]) throws(CQLError) -> Bool {
        for filter in filters where !filter.matches(image.bytes(filter.predicate.column)) { return false }
        return true
    }

    private func append(_ image: RowImage, to writer: inout RowsWriter, _ context: ValueContext, _ now: UInt32) throws(CQLError) {
        guard image.byteCount <= limits.resultBytes else {
            throw .invalid(
                "A row of \(image.byteCount) bytes is longer than an answer may be (\(limits.resultBytes) bytes, store.result.bytes)")
        }
        if let columns = plan.plainColumns {
            for index in columns {
                if let bytes = image.bytes(index) { writer.append(bytes) } else { writer.appendNull() }
            }
        } else {
            for item in plan.items {
                if case .column(let index, _) = item {
                    if let bytes = image.bytes(index) { writer.append(bytes) } else { writer.appendNull() }
                } else {
                    try writer.append(try item.value(image, context, now: now, state: nil), type: item.type)
                }
            }
        }
        writer.endRow()
    }

    // MARK: Pages

    func page() throws(CQLError) -> StatementResult {
        try request.values.withUnsafeBytes { (bound) throws(CQLError) -> StatementResult in
            let microseconds = clock.microseconds()
            let context = ValueContext(values: request.values, bound: bound, constants: plan.constants, now: microseconds)
            return try page(context, seconds(microseconds))
        }
    }

    private func page(_ context: ValueContext, _ now: UInt32) throws(CQLError) -> StatementResult {
        let scratch = ByteArena()
        defer { withExtendedLifetime(scratch) {} }
        let filters = try filters(context, scratch)
        let state = try request.pagingState.map { (buffer) throws(CQLError) in try PagingState(buffer, table: plan.table) }
        let pageSize = plan.isAggregate ? nil : request.pageSize.flatMap { $0 > 0 ? Int($0) : nil }
        let limited = try limit(plan.limit, context, "LIMIT")
        var output = PageOutput(
            remaining: state?.remaining ?? limited,
            perPartition: try limit(plan.perPartitionLimit, context, "PER PARTITION LIMIT"),
            inPartition: state?.inPartition ?? 0, pageSize: pageSize)
        if plan.isAggregate { output.remaining = nil }
        let image = RowImage(plan.table, now: now)
        let aggregate = plan.isAggregate ? AggregateState(plan.items) : nil
        if plan.table.virtual != nil {
            try virtualRows(image, filters, context, now, aggregate, &output)
        } else {
            var scan = RowScan(
                plan: plan, database: database, image: image, filters: filters, deadline: clock.monotonic() + limits.timeout, clock: clock)
            try scan.prepare(context, scratch, resume: state)
            let isStopped = try scan.run(isDistinct: plan.isDistinct) { (row, isNewPartition) throws(CQLError) -> RowScan.Verdict in
                let inPartition = isNewPartition ? 0 : output.inPartition
                if let perPartition = output.perPartition, inPartition >= perPartition { return .nextPartition }
                if output.isFull(limits, isPaged: request.pageSize != nil) { return .stop }
                if let remaining = output.remaining, remaining <= 0 { return .end }
                if let aggregate {
                    try aggregate.add(row, context, now: now)
                } else {
                    try append(row, to: &output.writer, context, now)
                    guard output.writer.byteCount <= limits.resultBytes else {
                        throw .invalid(
                            "The answer is longer than \(limits.resultBytes) bytes: ask for pages (a fetch size) or for fewer rows")
                    }
                }
                output.inPartition = inPartition + 1
                if let remaining = output.remaining { output.remaining = remaining - 1 }
                return .go
            }
            if isStopped {
                output.state = PagingState(
                    key: scan.lastKey, remaining: output.remaining, inPartition: output.inPartition, isDistinct: plan.isDistinct)
            }
        }
        if let aggregate {
            let empty = RowImage(plan.table, now: now)
            for (index, item) in plan.items.enumerated() {
                let value =
                    item.isOfFirstRow ? aggregate.firstValue(index) : try item.value(empty, context, now: now, state: aggregate)
                try output.writer.append(value, type: item.type)
            }
            output.writer.endRow()
        }
        return .rows(output.writer.rows(plan.metadata, pagingState: output.state?.encoded(plan.table)))
    }

    /// Rows of a system table: few, made whole, filtered and counted as others.
    private func virtualRows(
        _ image: RowImage, _ filters: [ResolvedFilter], _ context: ValueContext, _ now: UInt32, _ aggregate: AggregateState?,
        _ output: inout PageOutput
    ) throws(CQLError) {
        guard let virtual = plan.table.virtual else { return }
        for values in virtual.rows(schema) {
            try image.fill(values)
            guard try matches(image, filters) else { continue }
            if let remaining = output.remaining, remaining <= 0 { break }
            if let aggregate { try aggregate.add(image, context, now: now) } else { try append(image, to: &output.writer, context, now) }
            if let remaining = output.remaining { output.remaining = remaining - 1 }
        }
    }

    private struct PageOutput {
        var writer = RowsWriter(capacity: 4_096)
        var remaining: Int?
        let perPartition: Int?
        var inPartition: Int
        let pageSize: Int?
        var state: PagingState?

        init(remaining: Int?, perPartition: Int?, inPartition: Int, pageSize: Int?) {
            self.remaining = remaining
            self.perPartition = perPartition
            self.inPartition = inPartition
            self.pageSize = pageSize
        }

        func isFull(_ limits: Limits, isPaged: Bool) -> Bool {
            if let pageSize, writer.rowCount >= pageSize { return true }
            return isPaged && writer.byteCount >= limits.pageBytes
        }
    }
}

/// Where the next page begins: opaque to clients, good for as long as the table is, whatever is written meanwhile.
struct PagingState: Sendable {
    /// The last row that was given, as its key.
    let key: [UInt8]
    /// What LIMIT leaves.
    let remaining: Int?
    /// Rows already given of the partition, for PER PARTITION LIMIT.
    let inPartition: Int
    let isDistinct: Bool

    private static let version: UInt8 = 1
    /// More rows than a partition has: a count that a client made up.
    private static let countMax: Int64 = 1 << 48
    static let invalid = CQLError.invalid("Invalid value for the paging state")

    init(key: [UInt8], remaining: Int?, inPartition: Int, isDistinct: Bool) {
        self.key = key
        self.remaining = remaining
        self.inPartition = inPartition
        self.isDistinct = isDistinct
    }

    func encoded(_ table: Table) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(Self.version)
        buffer.writeInteger(Int64(remaining ?? -1))
        buffer.writeInteger(Int64(inPartition))
        buffer.writeInteger(UInt8(isDistinct ? 1 : 0))
        buffer.writeBytes(key)
        return buffer
    }

    init(_ bytes: ByteBuffer, table: Table) throws(CQLError) {
        var buffer = bytes
        guard buffer.readInteger(as: UInt8.self) == Self.version, let remaining = buffer.readInteger(as: Int64.self),
            let inPartition = buffer.readInteger(as: Int64.self), let isDistinct = buffer.readInteger(as: UInt8.self),
            remaining >= -1, (0...Self.countMax).contains(inPartition), buffer.readableBytes > KeyLayout.partitionStart
        else { throw Self.invalid }
        let key = Array(buffer.readableBytesView)
        guard key.starts(with: table.storageID.bigEndianBytes), key.withUnsafeBytes({ KeyLayout.partitionLength($0) }) > 0 else {
            throw Self.invalid
        }
        self.init(key: key, remaining: remaining < 0 ? nil : Int(remaining), inPartition: Int(inPartition), isDistinct: isDistinct == 1)
    }
}
