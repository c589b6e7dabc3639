internal import IO

/// The tasks of a DAG in an order in which upstream comes first, checked once when the DAG is loaded.
struct DAGGraph: Sendable {
    let definition: DAGDefinition
    /// Indices into `definition.tasks`, upstream before downstream.
    let order: [Int]
    let upstream: [[Int]]
    let downstream: [[Int]]
    private let indices: [String: Int]

    /// - Throws: ``InvalidDAG`` for ids that are empty, malformed or given twice, an unknown upstream, a cycle, no task at all.
    init(_ definition: DAGDefinition) throws(InvalidDAG) {
        func invalid(_ reason: String) -> InvalidDAG { InvalidDAG(dag: definition.id, reason: reason) }
        guard Self.isIdentifier(definition.id) else { throw invalid("its id may hold letters, digits, '_', '-' and '.', up to 250") }
        guard !definition.tasks.isEmpty else { throw invalid("it has no task") }
        guard definition.maxActiveRuns > 0, definition.maxActiveTasks > 0 else { throw invalid("max active runs and tasks are at least 1") }
        var indices: [String: Int] = [:]
        for (index, task) in definition.tasks.enumerated() {
            guard Self.isIdentifier(task.id) else {
                throw invalid("the task id '\(task.id)' may hold letters, digits, '_', '-' and '.', up to 250")
            }
            guard indices.updateValue(index, forKey: task.id) == nil else { throw invalid("the task id '\(task.id)' is given twice") }
            guard task.retries >= 0 else { throw invalid("the task '\(task.id)' has \(task.retries) retries") }
        }
        var upstream: [[Int]] = []
        var downstream = [[Int]](repeating: [], count: definition.tasks.count)
        for (index, task) in definition.tasks.enumerated() {
            var waited: [Int] = []
            for id in task.upstream {
                guard let other = indices[id] else {
                    let nearest = indices.keys.min { editDistance($0, id) < editDistance($1, id) }
                    throw invalid(
                        "the task '\(task.id)' waits for '\(id)', which is no task of it"
                            + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
                }
                guard !waited.contains(other) else { throw invalid("the task '\(task.id)' names '\(id)' twice as upstream") }
                waited.append(other)
                downstream[other].append(index)
            }
            upstream.append(waited)
        }
        var missing = upstream.map(\.count)
        var order = missing.indices.filter { missing[$0] == 0 }
        var at = 0
        while at < order.count {
            for next in downstream[order[at]] {
                missing[next] -= 1
                if missing[next] == 0 { order.append(next) }
            }
            at += 1
        }
        guard order.count == definition.tasks.count else {
            throw invalid("its tasks wait for one another in a circle: \(Self.cycle(definition, upstream, missing))")
        }
        self.definition = definition
        self.order = order
        self.upstream = upstream
        self.downstream = downstream
        self.indices = indices
    }

    func index(of task: String) -> Int? { indices[task] }

    private static func cycle(_ definition: DAGDefinition, _ upstream: [[Int]], _ missing: [Int]) -> String {
        // Every task that is left waits for another that is left: going upstream must come back to one already seen.
        var path: [Int] = []
        var at = missing.firstIndex { $0 > 0 } ?? 0
        while !path.contains(at), let next = upstream[at].first(where: { missing[$0] > 0 }) {
            path.append(at)
            at = next
        }
        let start = path.firstIndex(of: at) ?? 0
        return (path[start...] + [at]).map { definition.tasks[$0].id }.joined(separator: " ← ")
    }

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 250
            && text.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || ("0"..."9").contains($0) || "_-.".unicodeScalars.contains($0)
            }
    }
}

/// A DAG that cannot be loaded.
package struct InvalidDAG: DescribedError {
    package let dag: String
    package let reason: String
    package var place: String? { "DAG \(dag)" }
    package var problem: String { reason }
}
