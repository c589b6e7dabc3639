/// How a row's primary key becomes a RocksDB key:
///
///     storage id (4) | token (8, order kept) | length of the partition key (2) | partition key | kind (1) | clustering columns
///
/// All big-endian, so that memcmp orders by table, then as Cassandra's ring by token, then by clustering order. The partition key is
/// Cassandra's serialised form (a composite when it has several columns); clustering columns are ``OrderedEncoding``s, complemented where
/// the order is DESC. `kind` is ``head`` for the partition's head (deletions of the partition and of ranges, static columns), which
/// therefore comes before its rows, and ``row`` for a row.
enum KeyLayout {
    static let head: UInt8 = 0
    static let row: UInt8 = 1
    /// Before the partition key.
    static let partitionStart = 14
    static let partitionBytesMax = 65_535

    @inline(__always)
    static func appendPartition(
        _ storageID: UInt32, count: Int, to arena: ByteArena, value: (Int) throws(CQLError) -> UnsafeRawBufferPointer
    ) throws(CQLError) {
        arena.append(big: storageID)
        let tokenAt = arena.count
        arena.append(little: UInt64(0))
        arena.append(little: UInt16(0))
        let start = arena.count
        if count == 1 {
            let bytes = try value(0)
            guard bytes.count > 0 else { throw .invalid("Key may not be empty") }
            arena.append(bytes)
        } else {
            for index in 0..<count {
                let bytes = try value(index)
                arena.append(big: UInt16(truncatingIfNeeded: bytes.count))
                arena.append(bytes)
                arena.append(0)
            }
        }
        let length = arena.count - start
        guard length <= partitionBytesMax else {
            throw .invalid("Key length of \(length) is longer than maximum of \(partitionBytesMax)")
        }
        arena.patch(big: UInt16(length), at: start - 2)
        arena.patch(big: UInt64(bitPattern: Murmur3Token.token(arena.bytes(from: start))) ^ 1 << 63, at: tokenAt)
    }

    /// The start of the keys whose token is at least `token`.
    static func tokenStart(_ storageID: UInt32, _ token: Int64) -> [UInt8] {
        let arena = ByteArena()
        arena.append(big: storageID)
        arena.append(big: UInt64(bitPattern: token) ^ 1 << 63)
        return arena.array
    }

    /// How many bytes of a key are table, token and partition key; 0 where the key is cut short.
    @inline(__always)
    static func partitionLength(_ key: UnsafeRawBufferPointer) -> Int {
        guard key.count > partitionStart else { return 0 }
        let end = partitionStart + Int(key[12]) << 8 + Int(key[13])
        return key.count > end ? end : 0
    }

    static func token(_ key: UnsafeRawBufferPointer) -> Int64 {
        Int64(bitPattern: UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 4, as: UInt64.self)) ^ 1 << 63)
    }

    /// The smallest bytes that are larger than everything that begins with `prefix`; empty when there are none.
    static func successor(_ prefix: [UInt8]) -> [UInt8] {
        var bytes = prefix
        while let last = bytes.popLast() {
            if last < 0xFF {
                bytes.append(last + 1)
                return bytes
            }
        }
        return []
    }
}

/// Rows of a partition between two bounds: bytes of the key from its kind on, `start` included, `end` not.
struct ClusteringRange: Sendable, Hashable {
    var start: [UInt8]
    var end: [UInt8]
    /// The whole primary key is given: `start` is the row's key.
    var isRow: Bool

    static let all = ClusteringRange(start: [KeyLayout.row], end: [KeyLayout.row + 1], isRow: false)
}

/// Partitions and clustering ranges that key restrictions name.
enum KeyRanges {
    typealias KeyPart = ModificationPlan.KeyPart

    /// The most keys that IN restrictions may multiply to.
    static let combinationsMax = 100_000

    /// The values of one key column, as wire bytes.
    static func values(_ part: KeyPart, _ context: ValueContext, _ scratch: ByteArena) throws(CQLError) -> [[UInt8]] {
        var list: [[UInt8]] = []
        for source in part.sources {
            let value = try context.resolve(source, scratch)
            if value.isUnset { throw .invalid("Invalid unset value for column \(part.column.name)") }
            if value.isNull { throw .invalid("Invalid null value in condition for column \(part.column.name)") }
            guard part.isList else {
                try part.check.check(value.bytes, of: part.column.type)
                list.append(Array(value.bytes))
                continue
            }
            var reader = ValueReader(value.bytes)
            for _ in 0..<(try reader.count(.list(part.column.type))) {
                let element = try reader.element(part.column.type)
                try part.check.check(element, of: part.column.type)
                list.append(Array(element))
            }
        }
        return list
    }

    /// Keys up to the kind, in key order, each once.
    static func partitions(_ table: Table, _ parts: [KeyPart], _ context: ValueContext, _ scratch: ByteArena) throws(CQLError) -> [[UInt8]]
    {
        var combinations: [[[UInt8]]] = [[]]
        for part in parts { combinations = try multiplied(combinations, try values(part, context, scratch)) }
        var keys: [[UInt8]] = []
        let arena = ByteArena()
        for combination in combinations {
            arena.truncate(to: 0)
            try appendPartition(table, combination, to: arena)
            keys.append(arena.array)
        }
        guard keys.count > 1 else { return keys }
        return Array(Set(keys)).sorted { $0.lexicographicallyPrecedes($1) }
    }

    static func appendPartition(_ table: Table, _ values: [[UInt8]], to arena: ByteArena) throws(CQLError) {
        let copy = ByteArena(capacity: values.reduce(0) { $0 + $1.count })
        defer { withExtendedLifetime(copy) {} }
        var starts: [Int] = []
        for value in values {
            starts.append(copy.count)
            copy.append(value)
        }
        try KeyLayout.appendPartition(table.storageID, count: values.count, to: arena) { (index) throws(CQLError) in
            UnsafeRawBufferPointer(start: copy.base + starts[index], count: values[index].count)
        }
    }

    private static func multiplied(_ combinations: [[[UInt8]]], _ values: [[UInt8]]) throws(CQLError) -> [[[UInt8]]] {
        guard combinations.count * values.count <= combinationsMax else {
            throw .invalid("The IN restrictions of the primary key name more than \(combinationsMax) keys")
        }
        return combinations.flatMap { combination in values.map { combination + [$0] } }
    }

    /// Ranges in key order: the columns with `=` or IN, then at most one slice.
    static func clustering(
        _ parts: [KeyPart], slices: [(KeyPart, Relation.Operator)], isWhole: Bool? = nil, _ context: ValueContext, _ scratch: ByteArena
    ) throws(CQLError) -> [ClusteringRange] {
        var prefixes: [[UInt8]] = [[KeyLayout.row]]
        for part in parts {
            let encoded = try values(part, context, scratch).map { (value) throws(CQLError) in try ordered(part, value) }
            guard prefixes.count * encoded.count <= combinationsMax else {
                throw .invalid("The IN restrictions of the primary key name more than \(combinationsMax) keys")
            }
            prefixes = prefixes.flatMap { prefix in encoded.map { prefix + $0 } }
        }
        if prefixes.count > 1 { prefixes = Array(Set(prefixes)).sorted { $0.lexicographicallyPrecedes($1) } }
        let bounds = try slices.map { (part, comparison) throws(CQLError) in
            let values = try values(part, context, scratch)
            return (try ordered(part, values[0]), part.column.isDescending ? reversed(comparison) : comparison)
        }
        return prefixes.compactMap { prefix in
            var range = ClusteringRange(start: prefix, end: KeyLayout.successor(prefix), isRow: isWhole ?? slices.isEmpty)
            for (bytes, comparison) in bounds {
                let bound = prefix + bytes
                switch comparison {
                case .greater: range.start = later(range.start, KeyLayout.successor(bound))
                case .greaterOrEqual: range.start = later(range.start, bound)
                case .less: range.end = earlier(range.end, bound)
                case .lessOrEqual: range.end = earlier(range.end, KeyLayout.successor(bound))
                default: break
                }
            }
            return range.start.lexicographicallyPrecedes(range.end) ? range : nil
        }
    }

    private static func ordered(_ part: KeyPart, _ value: [UInt8]) throws(CQLError) -> [UInt8] {
        let arena = ByteArena()
        try part.encoding.encode(value, to: arena)
        if part.column.isDescending { arena.complement(from: 0) }
        return arena.array
    }

    private static func reversed(_ comparison: Relation.Operator) -> Relation.Operator {
        switch comparison {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        default: comparison
        }
    }

    private static func later(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { a.lexicographicallyPrecedes(b) ? b : a }
    private static func earlier(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { a.lexicographicallyPrecedes(b) ? a : b }
}
