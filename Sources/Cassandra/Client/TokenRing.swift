internal import IO

/// Who owns which token, and who the replicas of a token are: a value made from `system.local`, `system.peers` and
/// `system_schema.keyspaces`.
struct TokenRing: Sendable {
    struct Node: Sendable, Hashable {
        let endpoint: Endpoint
        let dataCenter: String
        let rack: String
        let tokens: [Int64]
    }

    enum Replication: Sendable, Hashable {
        case simple(Int)
        case networkTopology([String: Int])
        /// Every node has everything, or it is not known.
        case everywhere

        /// From the map in `system_schema.keyspaces.replication`.
        init(_ options: [String: String]) {
            let name = options["class"] ?? ""
            if name.hasSuffix("SimpleStrategy") {
                self = .simple(Self.count(options["replication_factor"] ?? "1"))
            } else if name.hasSuffix("NetworkTopologyStrategy") {
                var factors = options
                factors["class"] = nil
                self = .networkTopology(factors.mapValues { Self.count($0) })
            } else {
                self = .everywhere
            }
        }

        /// `3`, or with transient replicas `3/1`.
        private static func count(_ text: String) -> Int { Int(text.prefix { $0 != "/" }) ?? 1 }
    }

    let nodes: [Node]
    private let ring: [(token: Int64, node: Int)]
    private let racks: [String: Set<String>]
    private let replications: [String: Replication]

    init(nodes: [Node], replications: [String: Replication]) {
        self.nodes = nodes
        self.replications = replications
        ring = nodes.enumerated().flatMap { index, node in node.tokens.map { (token: $0, node: index) } }.sorted { $0.token < $1.token }
        racks = nodes.reduce(into: [:]) { $0[$1.dataCenter, default: []].insert($1.rack) }
    }

    /// The replicas of a token, the first one first; those of `localDataCenter` before the others.
    func replicas(_ token: Int64, keyspace: String, localDataCenter: String?) -> [Node] {
        var found: [Int]
        switch replications[keyspace] ?? .simple(1) {
        case .simple(let count): found = walk(from: token, until: { $0.count >= count })
        case .networkTopology(let factors): found = networkTopology(token, factors)
        case .everywhere: found = Array(nodes.indices)
        }
        if let localDataCenter {
            found =
                found.filter { nodes[$0].dataCenter == localDataCenter } + found.filter { nodes[$0].dataCenter != localDataCenter }
        }
        return found.map { nodes[$0] }
    }

    private func walk(from token: Int64, until isDone: ([Int]) -> Bool) -> [Int] {
        var found: [Int] = []
        forEachOwner(from: token) { node in
            if !found.contains(node) { found.append(node) }
            return !isDone(found)
        }
        return found
    }

    /// Visits owners clockwise, each range once, while `body` says so.
    private func forEachOwner(from token: Int64, _ body: (Int) -> Bool) {
        guard !ring.isEmpty else { return }
        // The owner of a token is the node whose token is the first that is not below it.
        var low = 0, high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if ring[middle].token < token { low = middle + 1 } else { high = middle }
        }
        for step in 0..<ring.count where !body(ring[(low + step) % ring.count].node) { return }
    }

    /// NetworkTopologyStrategy: in each data centre the next nodes on racks not used yet; when all racks are used, the ones passed over.
    private func networkTopology(_ token: Int64, _ factors: [String: Int]) -> [Int] {
        var found: [Int] = []
        var counts: [String: Int] = [:]
        var seenRacks: [String: Set<String>] = [:]
        var skipped: [String: [Int]] = [:]
        let wanted = factors.filter { racks[$0.key] != nil }
        func isDone() -> Bool {
            wanted.allSatisfy { center, factor in
                counts[center, default: 0] >= min(factor, nodes.count { $0.dataCenter == center })
            }
        }
        func add(_ node: Int, _ center: String) {
            found.append(node)
            counts[center, default: 0] += 1
        }
        forEachOwner(from: token) { node in
            let center = nodes[node].dataCenter
            let rack = nodes[node].rack
            guard let factor = wanted[center], counts[center, default: 0] < factor, !found.contains(node) else { return !isDone() }
            let all = racks[center] ?? []
            if seenRacks[center, default: []].count == all.count {
                add(node, center)
            } else if seenRacks[center, default: []].contains(rack) {
                if skipped[center]?.contains(node) != true { skipped[center, default: []].append(node) }
            } else {
                add(node, center)
                seenRacks[center, default: []].insert(rack)
                if seenRacks[center]?.count == all.count {
                    for late in skipped[center] ?? [] where counts[center, default: 0] < factor { add(late, center) }
                    skipped[center] = []
                }
            }
            return !isDone()
        }
        return found
    }
}
