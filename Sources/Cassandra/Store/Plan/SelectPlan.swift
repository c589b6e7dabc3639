internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A SELECT ready to be executed.
///
/// Immutable once planned, hence `Sendable` by its parts.
final class SelectPlan: Sendable {
    /// Which rows are looked at.
    enum Access: Sendable {
        /// All columns of the partition key are given: the clustering columns that are, then slices.
        case partitions([ModificationPlan.KeyPart], clustering: [ModificationPlan.KeyPart], slices: [Slice])
        /// Partitions by token, or all.
        case scan([TokenBound])
    }

    struct Slice: Sendable {
        let part: ModificationPlan.KeyPart
        let comparison: Relation.Operator
    }

    struct TokenBound: Sendable {
        let comparison: Relation.Operator
        let source: ValueSource
    }

    let table: Table
    let constants: PlanConstants
    let access: Access
    let filters: [FilterPredicate]
    let items: [SelectExpression]
    /// Column indices when every item is a bare column.
    let plainColumns: [Int]?
    let isAggregate: Bool
    let isDistinct: Bool
    let isReversed: Bool
    let limit: ValueSource?
    let perPartitionLimit: ValueSource?
    let metadata: ResultMetadata
    /// One row by its whole primary key: answered by one look-up.
    let isPoint: Bool
    /// No condition on clustering columns: a partition with static values only shows as a row.
    let showsStaticRow: Bool

    init(
        table: Table, constants: PlanConstants, access: Access, filters: [FilterPredicate], items: [SelectExpression], isDistinct: Bool,
        isReversed: Bool, limit: ValueSource?, perPartitionLimit: ValueSource?, metadata: ResultMetadata
    ) {
        self.table = table
        self.constants = constants
        self.access = access
        self.filters = filters
        self.items = items
        self.isDistinct = isDistinct
        self.isReversed = isReversed
        self.limit = limit
        self.perPartitionLimit = perPartitionLimit
        self.metadata = metadata
        let isAggregate = items.contains { $0.isAggregate }
        self.isAggregate = isAggregate
        let columns: [Int] = items.compactMap { if case .column(let index, _) = $0 { index } else { nil } }
        plainColumns = columns.count == items.count ? columns : nil
        var isPoint = false
        var showsStaticRow = true
        if case .partitions(let partition, let clustering, let slices) = access {
            isPoint =
                slices.isEmpty && clustering.count == table.clusteringKey.count && !isDistinct && !isAggregate && table.virtual == nil
                && !table.hasStatics && (partition + clustering).allSatisfy { $0.sources.count == 1 && !$0.isList }
            showsStaticRow = clustering.isEmpty && slices.isEmpty
        }
        self.isPoint = isPoint
        self.showsStaticRow = showsStaticRow
    }
}

/// A condition that is checked row by row.
struct FilterPredicate: Sendable {
    enum Test: Sendable {
        case compare(Relation.Operator)
        case isIn(isList: Bool)
        case contains
        case containsKey
        /// `map[key] = value`
        case element(key: ValueSource)
    }

    let column: Int
    let type: CQLType
    let test: Test
    let sources: [ValueSource]

    /// The predicate with its values at hand.
    func resolved(_ context: ValueContext, _ scratch: ByteArena) throws(CQLError) -> ResolvedFilter {
        var values: [[UInt8]?] = []
        var key: [UInt8]?
        if case .element(let source) = test {
            let value = try context.resolve(source, scratch)
            key = value.isValue ? Array(value.bytes) : nil
        }
        for source in sources {
            let value = try context.resolve(source, scratch)
            if value.isUnset { throw .invalid("Invalid unset value in a condition") }
            if case .isIn(isList: true) = test, value.isValue {
                var reader = ValueReader(value.bytes)
                for _ in 0..<(try reader.count(.list(type))) { values.append(Array(try reader.element(.list(type)))) }
            } else {
                values.append(value.isValue ? Array(value.bytes) : nil)
            }
        }
        return try ResolvedFilter(self, values: values, key: key)
    }
}

/// A filter with its values in the order-preserving form, by which it compares.
final class ResolvedFilter {
    let predicate: FilterPredicate
    private let ordered: [[UInt8]?]
    private let encoding: OrderedEncoding?
    private let key: [UInt8]?
    private let scratch = ByteArena()

    init(_ predicate: FilterPredicate, values: [[UInt8]?], key: [UInt8]?) throws(CQLError) {
        self.predicate = predicate
        let compared: CQLType
        switch (predicate.test, predicate.type.unfrozen) {
        case (.contains, .list(let element)), (.contains, .set(let element)): compared = element
        case (.contains, .map(_, let value)): compared = value
        case (.containsKey, .map(let key, _)): compared = key
        case (.element, .map(_, let value)): compared = value
        default: compared = predicate.type.unfrozen
        }
        let encoding = compared == .duration ? nil : try OrderedEncoding(compared)
        self.encoding = encoding
        var list: [[UInt8]?] = []
        for value in values {
            guard let value else {
                list.append(nil)
                continue
            }
            list.append(try Self.ordered(value, encoding))
        }
        ordered = list
        if let key, case .map(let keyType, _) = predicate.type.unfrozen {
            self.key = try Self.ordered(key, try OrderedEncoding(keyType))
        } else {
            self.key = nil
        }
    }

    private static func ordered(_ value: [UInt8], _ encoding: OrderedEncoding?) throws(CQLError) -> [UInt8] {
        guard let encoding else { return value }
        let arena = ByteArena()
        try encoding.encode(value, to: arena)
        return arena.array
    }

    private func compare(_ bytes: UnsafeRawBufferPointer, _ value: [UInt8], _ encoding: OrderedEncoding?) -> Int {
        scratch.truncate(to: 0)
        if let encoding {
            do throws(CQLError) { try encoding.encode(bytes, to: scratch) } catch { return -2 }
        } else {
            scratch.append(bytes)
        }
        return value.withUnsafeBytes { Bytes.compare(scratch.bytes, $0) }
    }

    func matches(_ bytes: UnsafeRawBufferPointer?) -> Bool {
        switch predicate.test {
        case .compare(let comparison):
            guard let value = ordered[0] else {
                // Conditions of IF compare with null; a null is equal to nothing else.
                return comparison == .equal ? bytes == nil : comparison == .notEqual ? bytes != nil : false
            }
            guard let bytes else { return comparison == .notEqual }
            let order = compare(bytes, value, encoding)
            switch comparison {
            case .equal: return order == 0
            case .notEqual: return order != 0
            case .less: return order < 0
            case .lessOrEqual: return order <= 0
            case .greater: return order > 0
            case .greaterOrEqual: return order >= 0
            default: return false
            }
        case .isIn:
            return ordered.contains { value in
                guard let value else { return bytes == nil }
                guard let bytes else { return false }
                return compare(bytes, value, encoding) == 0
            }
        case .contains, .containsKey, .element:
            // `IF m[k] = null`: the map, if there is one, has no such key.
            if case .element = predicate.test, ordered[0] == nil {
                guard let key else { return false }
                guard let bytes else { return true }
                return !((try? hasKey(key, bytes)) ?? true)
            }
            guard let bytes, let value = ordered[0] else { return false }
            return (try? matchesElement(bytes, value)) ?? false
        }
    }

    private func hasKey(_ key: [UInt8], _ bytes: UnsafeRawBufferPointer) throws(CQLError) -> Bool {
        var reader = ValueReader(bytes)
        let type = predicate.type.unfrozen
        guard case .map(let keyType, _) = type else { return false }
        let encoding = try OrderedEncoding(keyType)
        for _ in 0..<(try reader.count(type)) {
            if compare(try reader.element(type), key, encoding) == 0 { return true }
            _ = try reader.element(type)
        }
        return false
    }

    private func matchesElement(_ bytes: UnsafeRawBufferPointer, _ value: [UInt8]) throws(CQLError) -> Bool {
        var reader = ValueReader(bytes)
        let type = predicate.type.unfrozen
        var isMap = false
        var keyEncoding: OrderedEncoding?
        if case .map(let key, _) = type {
            isMap = true
            keyEncoding = try OrderedEncoding(key)
        }
        for _ in 0..<(try reader.count(type)) {
            let first = try reader.element(type)
            let second = isMap ? try reader.element(type) : first
            switch predicate.test {
            case .containsKey: if compare(first, value, encoding) == 0 { return true }
            case .element:
                if let key, compare(first, key, keyEncoding) == 0 { return compare(second, value, encoding) == 0 }
            default: if compare(second, value, encoding) == 0 { return true }
            }
        }
        return false
    }
}

enum Bytes {
    /// memcmp, then the length.
    @inline(__always)
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        if shared > 0, let a = left.baseAddress, let b = right.baseAddress {
            let order = memcmp(a, b, shared)
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }
}
