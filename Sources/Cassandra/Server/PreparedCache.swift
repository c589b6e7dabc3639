internal import NIOConcurrencyHelpers

/// A statement that a client has prepared.
///
/// The plan belongs to one state of the schema; the entry outlives it and is planned again when the schema has changed.
final class PreparedEntry: Sendable {
    let id: PreparedID
    let statement: String
    /// The keyspace that unqualified names are looked up in.
    let keyspace: String?
    private let planned: NIOLockedValueBox<PlannedStatement>

    init(id: PreparedID, statement: String, keyspace: String?, plan: PlannedStatement) {
        self.id = id
        self.statement = statement
        self.keyspace = keyspace
        planned = NIOLockedValueBox(plan)
    }

    var plan: PlannedStatement { planned.withLockedValue { $0 } }

    func replan(_ plan: PlannedStatement) {
        planned.withLockedValue { if $0.generation < plan.generation { $0 = plan } }
    }
}

/// Prepared statements by id, at most so many, the ones not used lately forgotten first.
///
/// Two generations approximate "least recently used" at the cost of a dictionary: what is used moves into the young one; when that
/// holds half of the bound, it becomes the old one and the old one is forgotten. A forgotten statement's EXECUTE is answered by
/// UNPREPARED, upon which every driver prepares it again.
final class PreparedCache: Sendable {
    private struct Generations {
        var young: [PreparedID: PreparedEntry] = [:]
        var old: [PreparedID: PreparedEntry] = [:]
    }

    private let generations = NIOLockedValueBox(Generations())
    private let halfMax: Int

    init(max: Int) { halfMax = Swift.max(1, max / 2) }

    /// MD5 over keyspace and text, as Cassandra's ids are: the same on every node and after a restart.
    static func id(_ statement: String, keyspace: String?) -> PreparedID {
        var digest = MD5()
        if let keyspace { digest.update(keyspace) }
        digest.update(statement)
        return PreparedID(digest.finished())
    }

    func find(_ id: PreparedID) -> PreparedEntry? {
        generations.withLockedValue { generations in
            if let entry = generations.young[id] { return entry }
            guard let entry = generations.old.removeValue(forKey: id) else { return nil }
            Self.insert(entry, &generations, halfMax)
            return entry
        }
    }

    func insert(_ entry: PreparedEntry) {
        generations.withLockedValue { Self.insert(entry, &$0, halfMax) }
    }

    func remove(_ id: PreparedID) {
        generations.withLockedValue { generations in
            generations.young[id] = nil
            generations.old[id] = nil
        }
    }

    var count: Int { generations.withLockedValue { $0.young.count + $0.old.count } }

    private static func insert(_ entry: PreparedEntry, _ generations: inout Generations, _ halfMax: Int) {
        if generations.young.count >= halfMax, generations.young[entry.id] == nil {
            generations.old = generations.young
            generations.young = [:]
        }
        generations.young[entry.id] = entry
    }
}
