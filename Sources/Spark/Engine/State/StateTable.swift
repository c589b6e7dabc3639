/// The state of one stateful operator of a streaming query, for as long as the query runs: partitions by event time, in memory as far as the
/// engine's bound lets them be, and in the checkpoint's store.
///
/// A batch changes memory only. ``write(into:)`` puts what it touched into the write that commits it; a query that ends before that begins
/// again from the store, where the state is as the last committed batch left it.
final class StateTable: @unchecked Sendable {
    // Unchecked: the query's loop runs one step of one micro-batch at a time, and nobody else sees the table.
    let operatorName: String
    let scope: StateScope
    private let store: CheckpointStore
    private let budget: StateBudget
    private let makeAccumulators: () throws -> [any Accumulator]
    private(set) var partitions: [Int64: StatePartition] = [:]
    private var removed: [Int64] = []
    private var charged = 0
    var metrics = StateMetrics()
    var batch: Int64 = 0

    init(
        _ operatorName: String, scope: StateScope, store: CheckpointStore, budget: StateBudget,
        accumulators: @escaping () throws -> [any Accumulator]
    ) {
        self.operatorName = operatorName
        self.scope = scope
        self.store = store
        self.budget = budget
        makeAccumulators = accumulators
    }

    deinit { budget.release(charged) }

    // MARK: Start

    /// Finds the partitions that the store has, and reads the groups of those that fit into memory.
    func open() throws {
        var headers: [(eventTime: Int64, rows: Int)] = []
        try store.scanStates(from: scope.bytes) { key, value in
            guard let eventTime = scope.eventTime(of: key) else { return nil }
            guard key[scope.bytes.count + 8] == StateScope.headerTag else { throw StateReader.corrupt }
            var reader = StateReader(value)
            headers.append((eventTime, Int(try reader.number())))
            return scope.partition(eventTime) + [UInt8.max]
        }
        for header in headers.reversed() {
            let partition = StatePartition(header.eventTime, accumulators: try makeAccumulators(), isStored: true)
            partition.rows = header.rows
            partitions[header.eventTime] = partition
            // Half of the room: the other half is for what comes.
            if budget.hasRoom(for: header.rows * Self.bytesPerGroup) {
                try read(partition)
                settleCharge()
            }
        }
    }

    /// A guess for what is not read yet.
    private static let bytesPerGroup = 100

    private func read(_ partition: StatePartition) throws {
        try scanGroups(partition) { key, value in
            let group = partition.insert(key)
            try partition.load(Int(group), value)
        }
        partition.loaded()
        partition.isComplete = true
    }

    private func scanGroups(
        _ partition: StatePartition, _ body: (UnsafeBufferPointer<UInt8>, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let prefix = scope.partition(partition.eventTime) + [StateScope.groupTag]
        try store.scanStates(from: prefix) { key, value in
            guard key.count >= prefix.count, key.prefix(prefix.count).elementsEqual(prefix) else { return nil }
            try body(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.count)).bindMemory(to: UInt8.self), value)
            return []
        }
    }

    // MARK: Groups

    func partition(_ eventTime: Int64) throws -> StatePartition {
        if let partition = partitions[eventTime] {
            partition.batchLast = batch
            return partition
        }
        let partition = StatePartition(eventTime, accumulators: try makeAccumulators(), isStored: false)
        partition.batchLast = batch
        partitions[eventTime] = partition
        return partition
    }

    /// The numbers of the keys in the partition; those that are nowhere yet are added.
    func insert(_ keys: RowKeys, _ partition: StatePartition) throws -> [Int32] {
        let before = partition.count
        let groups = partition.insert(keys)
        let fresh = partition.count - before
        guard fresh > 0 else { return groups }
        partition.rows += partition.isComplete ? fresh : fresh - (try load(from: before, partition))
        return groups
    }

    /// The numbers of the keys in the partition, -1 where a key is neither in memory nor in the store.
    func find(_ keys: RowKeys, _ partition: StatePartition) throws -> [Int32] {
        var groups = partition.find(keys)
        guard !partition.isComplete else { return groups }
        let absent = groups.indices.filter { groups[$0] < 0 }
        guard !absent.isEmpty else { return groups }
        var bytes: [UInt8] = []
        var offsets = [0]
        let prefix = scope.partition(partition.eventTime) + [StateScope.groupTag]
        for row in absent {
            bytes.append(contentsOf: prefix)
            bytes.append(contentsOf: keys.key(row))
            offsets.append(bytes.count)
        }
        try store.states(bytes, offsets) { index, value in
            let row = absent[index]
            let known = partition.count
            let group = keys.withBytes(row) { partition.insert($0) }
            if Int(group) == known { try partition.load(Int(group), value) }
            groups[row] = group
        }
        partition.loaded()
        return groups
    }

    /// Reads the groups from `first` on from the store; the number of those that it has.
    private func load(from first: Int, _ partition: StatePartition) throws -> Int {
        var bytes: [UInt8] = []
        var offsets = [0]
        let prefix = scope.partition(partition.eventTime) + [StateScope.groupTag]
        for group in first..<partition.count {
            bytes.append(contentsOf: prefix)
            partition.table.withKey(group) { bytes.append(contentsOf: $0) }
            offsets.append(bytes.count)
        }
        var found = 0
        try store.states(bytes, offsets) { index, value in
            try partition.load(first + index, value)
            found += 1
        }
        partition.loaded()
        return found
    }

    /// Partitions that the watermark has passed, oldest first.
    func expired(_ watermark: Int64) -> [StatePartition] {
        partitions.values.filter { $0.eventTime <= watermark }.sorted { $0.eventTime < $1.eventTime }
    }

    func hasExpired(_ watermark: Int64) -> Bool { partitions.keys.contains { $0 <= watermark } }

    func remove(_ partition: StatePartition) {
        partitions[partition.eventTime] = nil
        metrics.removed += partition.rows
        if partition.isStored { removed.append(partition.eventTime) }
    }

    /// Every group of the partition, a batch of them at a time; groups that are in the store alone are read for the call.
    func eachGroup(
        _ partition: StatePartition, batchRows: Int, _ body: (StatePartition, [Int32]) async throws -> Void
    ) async throws {
        func hand(_ source: StatePartition) async throws {
            var first = 0
            while first < source.count {
                try Task.checkCancellation()
                let end = min(source.count, first + batchRows)
                try await body(source, (Int32(first)..<Int32(end)).map { $0 })
                first = end
            }
        }
        try await hand(partition)
        guard !partition.isComplete else { return }
        var after: [UInt8]? = scope.partition(partition.eventTime) + [StateScope.groupTag]
        let prefix = scope.partition(partition.eventTime) + [StateScope.groupTag]
        while let start = after {
            after = nil
            let part = StatePartition(partition.eventTime, accumulators: try makeAccumulators(), isStored: false)
            try store.scanStates(from: start) { key, value in
                guard key.count >= prefix.count, key.prefix(prefix.count).elementsEqual(prefix) else { return nil }
                if part.count >= batchRows {
                    after = Array(key)
                    return nil
                }
                let own = UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.count)).bindMemory(to: UInt8.self)
                if partition.table.find(own) < 0 { try part.load(Int(part.insert(own)), value) }
                return []
            }
            part.loaded()
            try await hand(part)
        }
    }

    // MARK: Commit

    func write(into writes: StateWrites) {
        for eventTime in removed {
            let prefix = scope.partition(eventTime)
            writes.deleteRange(from: prefix, to: prefix + [UInt8.max])
        }
        var writer = StateWriter()
        for partition in partitions.values where !partition.touched.isEmpty {
            let prefix = scope.partition(partition.eventTime)
            writer.removeAll()
            writer.write(number: Int64(partition.rows))
            (prefix + [StateScope.headerTag]).withUnsafeBufferPointer { key in writer.bytes.withUnsafeBufferPointer { writes.put(key, $0) }
            }
            var key = prefix + [StateScope.groupTag]
            let keyStart = key.count
            for group in partition.touched {
                key.removeSubrange(keyStart...)
                partition.table.withKey(Int(group)) { key.append(contentsOf: $0) }
                writer.removeAll()
                partition.save(Int(group), into: &writer)
                key.withUnsafeBufferPointer { key in writer.bytes.withUnsafeBufferPointer { writes.put(key, $0) } }
            }
        }
    }

    /// The batch is committed: nothing is ahead of the store any more. What the engine's bound has no room for leaves memory, those
    /// partitions first that were used longest ago.
    func settle() {
        removed.removeAll(keepingCapacity: true)
        for partition in partitions.values where !partition.touched.isEmpty {
            partition.settle()
            partition.isStored = true
        }
        settleCharge()
        guard budget.isExceeded else { return }
        for partition in partitions.values.filter({ $0.count > 0 }).sorted(by: { $0.batchLast < $1.batchLast }) {
            guard budget.isExceeded, let accumulators = try? makeAccumulators() else { break }
            let outside = StatePartition(partition.eventTime, accumulators: accumulators, isStored: true)
            outside.rows = partition.rows
            outside.batchLast = partition.batchLast
            partitions[partition.eventTime] = outside
            settleCharge()
        }
    }

    private func settleCharge() {
        let bytes = partitions.values.reduce(0) { $0 + $1.byteCount }
        budget.charge(bytes - charged)
        charged = bytes
    }

    var rowsTotal: Int { partitions.values.reduce(0) { $0 + $1.rows } }
    var memoryBytes: Int { charged }
}

/// What one batch did to a stateful operator.
struct StateMetrics: Sendable {
    var updated = 0
    var removed = 0
    var droppedByWatermark = 0
    /// Duplicates that `dropDuplicates` dropped.
    var duplicates = 0
}
