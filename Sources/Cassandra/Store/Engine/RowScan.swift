internal import CRocksDB

/// What a partition's head says: what is deleted in it, and its static columns.
final class PartitionHead {
    private(set) var deletion = Int64.min
    private(set) var ranges: [CellReader.Range] = []
    /// The folded value, for the static columns.
    private(set) var value: [UInt8] = []

    func clear() {
        deletion = .min
        ranges = []
        value = []
    }

    func set(_ bytes: UnsafeRawBufferPointer) {
        clear()
        var reader = CellReader(bytes)
        guard let header = reader.header() else { return }
        deletion = header.deletion
        ranges = reader.ranges
        value = Array(bytes)
    }

    /// False where memory does not hold it and no more was asked for.
    func load(_ database: RocksDatabase, _ partition: UnsafeRawBufferPointer, inMemory: Bool) throws(CQLError) -> Bool {
        clear()
        let key = ByteArena(capacity: partition.count + 1)
        defer { withExtendedLifetime(key) {} }
        key.append(partition)
        key.append(KeyLayout.head)
        switch database.read(key.bytes, inMemory: inMemory) {
        case .notInMemory: return false
        case .failed(let reason): throw .serverError("The storage cannot be read: \(reason)")
        case .absent: return true
        case .value(let slice):
            set(RocksDatabase.bytes(slice))
            rocksdb_pinnableslice_destroy(slice)
            return true
        }
    }

    /// The newest deletion that covers the row with this key (from its kind on).
    func shadow(_ clustering: UnsafeRawBufferPointer) -> Int64 {
        var shadow = deletion
        for range in ranges where range.timestamp > shadow {
            let isBehindStart = range.start.withUnsafeBytes { Bytes.compare(clustering, $0) >= 0 }
            let isBeforeEnd = range.end.withUnsafeBytes { Bytes.compare(clustering, $0) < 0 }
            if isBehindStart, isBeforeEnd { shadow = range.timestamp }
        }
        return shadow
    }
}

/// Walks the rows that a SELECT looks at, in order: partitions by token, rows by clustering order or against it.
struct RowScan {
    enum Verdict {
        case go
        case nextPartition
        /// The page is full: the row was not taken.
        case stop
        /// No more rows are wanted.
        case end
    }

    typealias Visitor = (RowImage, Bool) throws(CQLError) -> Verdict

    let plan: SelectPlan
    let database: RocksDatabase
    let image: RowImage
    let filters: [ResolvedFilter]
    let deadline: UInt64
    let clock: StoreClock
    /// Of the last row that was taken.
    private(set) var lastKey: [UInt8] = []

    private var partitions: [[UInt8]] = []
    private var ranges: [ClusteringRange] = []
    private var span = KeySpan(start: [], end: [])
    private var resume: PagingState?
    private let head = PartitionHead()
    private var steps = 0

    init(plan: SelectPlan, database: RocksDatabase, image: RowImage, filters: [ResolvedFilter], deadline: UInt64, clock: StoreClock) {
        self.plan = plan
        self.database = database
        self.image = image
        self.filters = filters
        self.deadline = deadline
        self.clock = clock
    }

    mutating func prepare(_ context: ValueContext, _ scratch: ByteArena, resume: PagingState?) throws(CQLError) {
        self.resume = resume
        switch plan.access {
        case .partitions(let parts, let clustering, let slices):
            partitions = try KeyRanges.partitions(plan.table, parts, context, scratch)
            ranges = try KeyRanges.clustering(
                clustering, slices: slices.map { ($0.part, $0.comparison) },
                isWhole: slices.isEmpty && clustering.count == plan.table.clusteringKey.count, context, scratch)
            if plan.isReversed { ranges.reverse() }
        case .scan(let bounds):
            let id = plan.table.storageID
            span = KeySpan(start: id.bigEndianBytes, end: KeyLayout.successor(id.bigEndianBytes))
            for bound in bounds {
                guard let token = try context.integer(bound.source, type: .bigint) else {
                    throw .invalid("Invalid null token")
                }
                let start = KeyLayout.tokenStart(id, token)
                let after = KeyLayout.successor(start)
                switch bound.comparison {
                case .greater: span.start = max(span.start, after)
                case .greaterOrEqual: span.start = max(span.start, start)
                // The smallest token is the ring's end as well: `token(k) <= -2^63` is everything in Cassandra.
                case .less: if token != .min { span.end = min(span.end, start) }
                case .lessOrEqual: if token != .min { span.end = min(span.end, after) }
                default:
                    span.start = max(span.start, start)
                    span.end = min(span.end, after)
                }
            }
        }
    }

    private func max(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { a.lexicographicallyPrecedes(b) ? b : a }
    private func min(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { a.lexicographicallyPrecedes(b) ? a : b }

    /// Visits rows until there are none or the visitor has enough. True when it stopped with rows left.
    mutating func run(isDistinct: Bool, _ visit: Visitor) throws(CQLError) -> Bool {
        if case .scan = plan.access { return try runScan(isDistinct: isDistinct, visit) }
        return try runPartitions(isDistinct: isDistinct, visit)
    }

    private mutating func checkTime() throws(CQLError) {
        steps += 1
        guard steps & 1_023 == 0, clock.monotonic() > deadline else { return }
        throw .readTimeout("Operation timed out - received only 0 responses.", consistency: .one)
    }

    // MARK: Given partitions

    private mutating func runPartitions(isDistinct: Bool, _ visit: Visitor) throws(CQLError) -> Bool {
        for partition in partitions {
            var resumeKey: [UInt8]?
            if let resume {
                let length = resume.key.withUnsafeBytes { KeyLayout.partitionLength($0) }
                let reached = Array(resume.key[..<length])
                if partition.lexicographicallyPrecedes(reached) { continue }
                if partition == reached {
                    if resume.isDistinct { continue }
                    resumeKey = resume.key
                }
            }
            let usesHead = plan.table.hasStatics || plan.table.marks.hasPartitionHeads
            if usesHead {
                _ = try partition.withBytes { (bytes) throws(CQLError) in try head.load(database, bytes, inMemory: false) }
            } else {
                head.clear()
            }
            setHead()
            switch try runPartition(partition, resumeKey, isDistinct: isDistinct, visit) {
            case .stop: return true
            case .end: return false
            default: continue
            }
        }
        return false
    }

    private func setHead() {
        head.value.withUnsafeBytes { image.setHead(head.value.isEmpty ? nil : $0, deletion: head.deletion) }
    }

    private mutating func runPartition(
        _ partition: [UInt8], _ resumeKey: [UInt8]?, isDistinct: Bool, _ visit: Visitor
    ) throws(CQLError) -> Verdict {
        var isNew = resumeKey == nil
        var hasRows = resumeKey != nil
        for range in ranges {
            var span = KeySpan(start: partition + range.start, end: partition + range.end)
            if let resumeKey {
                if plan.isReversed { span.end = min(span.end, resumeKey) } else { span.start = max(span.start, KeyLayout.after(resumeKey)) }
                guard span.start.lexicographicallyPrecedes(span.end) else { continue }
            }
            if range.isRow, resumeKey == nil {
                switch try visitRow(span.start, partition.count, isNew, visit) {
                case nil: continue
                case .go:
                    isNew = false
                    hasRows = true
                    continue
                case .nextPartition: return .go
                case .some(let verdict): return verdict
                }
            }
            let iterator = database.iterator(span)
            defer { withExtendedLifetime(iterator) {} }
            if plan.isReversed { iterator.seekToLast() } else { iterator.seekToFirst() }
            while iterator.isValid {
                try checkTime()
                let key = iterator.key
                database.noteOperands(key)
                let shadow = head.shadow(UnsafeRawBufferPointer(rebasing: key[partition.count...]))
                if try image.fill(key: key, value: iterator.value, shadow: shadow) {
                    hasRows = true
                    if try matches() {
                        let verdict = try visit(image, isNew)
                        isNew = false
                        switch verdict {
                        case .go: lastKey = Array(key)
                        case .nextPartition: return .go
                        case .stop, .end: return verdict
                        }
                        if isDistinct { return .go }
                    }
                }
                if plan.isReversed { iterator.previous() } else { iterator.next() }
            }
            try iterator.checkError()
        }
        if !hasRows, plan.showsStaticRow, image.hasStaticValues { return try visitStatic(partition, isNew, visit) }
        return .go
    }

    private mutating func visitRow(
        _ key: [UInt8], _ partitionLength: Int, _ isNew: Bool, _ visit: Visitor
    ) throws(CQLError) -> Verdict? {
        let found = key.withUnsafeBytes { database.read($0, inMemory: false) }
        switch found {
        case .failed(let reason): throw .serverError("The storage cannot be read: \(reason)")
        case .absent, .notInMemory: return nil
        case .value(let slice):
            defer { rocksdb_pinnableslice_destroy(slice) }
            let value = RocksDatabase.bytes(slice)
            let isThere = try key.withBytes { (bytes) throws(CQLError) in
                try image.fill(key: bytes, value: value, shadow: head.shadow(UnsafeRawBufferPointer(rebasing: bytes[partitionLength...])))
            }
            guard isThere, try matches() else { return nil }
            let verdict = try visit(image, isNew)
            if case .go = verdict { lastKey = key }
            return verdict
        }
    }

    private mutating func visitStatic(_ partition: [UInt8], _ isNew: Bool, _ visit: Visitor) throws(CQLError) -> Verdict {
        let key = partition + [KeyLayout.head]
        key.withUnsafeBytes { image.fillStatic(partition: $0) }
        guard try matches() else { return .go }
        let verdict = try visit(image, isNew)
        // Behind every row that the partition may get meanwhile.
        if case .go = verdict { lastKey = partition + [KeyLayout.row + 1] }
        if case .nextPartition = verdict { return .go }
        return verdict
    }

    @inline(__always)
    private func matches() throws(CQLError) -> Bool {
        for filter in filters where !filter.matches(image.bytes(filter.predicate.column)) { return false }
        return true
    }

    // MARK: All partitions

    private mutating func runScan(isDistinct: Bool, _ visit: Visitor) throws(CQLError) -> Bool {
        var span = span
        var partition: [UInt8] = []
        var isNew = true
        var hasRows = false
        if let resume {
            let length = resume.key.withUnsafeBytes { KeyLayout.partitionLength($0) }
            let reached = Array(resume.key[..<length])
            if resume.isDistinct {
                span.start = max(span.start, reached + [KeyLayout.row + 1])
            } else {
                span.start = max(span.start, KeyLayout.after(resume.key))
                partition = reached
                isNew = false
                hasRows = true
                if plan.table.hasStatics || plan.table.marks.hasPartitionHeads {
                    _ = try reached.withBytes { (bytes) throws(CQLError) in try head.load(database, bytes, inMemory: false) }
                }
                setHead()
            }
        }
        guard span.start.lexicographicallyPrecedes(span.end) else { return false }
        let iterator = database.iterator(span)
        defer { withExtendedLifetime(iterator) {} }
        iterator.seekToFirst()
        while iterator.isValid {
            try checkTime()
            let key = iterator.key
            database.noteOperands(key)
            let length = KeyLayout.partitionLength(key)
            guard length > 0 else {
                iterator.next()
                continue
            }
            let isSame = partition.withUnsafeBytes { Bytes.compare(UnsafeRawBufferPointer(rebasing: key[..<length]), $0) == 0 }
            if !isSame {
                if !partition.isEmpty, !hasRows, image.hasStaticValues {
                    switch try visitStatic(partition, isNew, visit) {
                    case .stop: return true
                    case .end: return false
                    default: break
                    }
                }
                partition = Array(key[..<length])
                isNew = true
                hasRows = false
                head.clear()
                if key[length] == KeyLayout.head {
                    head.set(iterator.value)
                    setHead()
                    iterator.next()
                    continue
                }
                setHead()
            }
            let shadow = head.shadow(UnsafeRawBufferPointer(rebasing: key[length...]))
            var leaves = false
            if try image.fill(key: key, value: iterator.value, shadow: shadow) {
                hasRows = true
                if try matches() {
                    let verdict = try visit(image, isNew)
                    isNew = false
                    switch verdict {
                    case .go: lastKey = Array(key)
                    case .nextPartition: leaves = true
                    case .stop: return true
                    case .end: return false
                    }
                    leaves = leaves || isDistinct
                }
            }
            if leaves { iterator.seek(partition + [KeyLayout.row + 1]) } else { iterator.next() }
        }
        try iterator.checkError()
        if !partition.isEmpty, !hasRows, image.hasStaticValues {
            if case .stop = try visitStatic(partition, isNew, visit) { return true }
        }
        return false
    }
}

extension KeyLayout {
    /// The smallest key behind `key`.
    static func after(_ key: [UInt8]) -> [UInt8] { key + [0] }
}
