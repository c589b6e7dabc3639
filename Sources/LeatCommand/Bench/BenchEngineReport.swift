import Foundation

/// Medians over the rounds, a row for each figure of each workload and a column for each server.
struct BenchEngineReport {
    let rounds: Int

    private struct Row {
        let workload: BenchEngineWorkload
        let name: String
        let unit: String
        let digits: Int
        var values: [String: [Double]] = [:]
    }

    private var rows: [Row] = []
    private var servers: [String] = []
    /// By server and workload.
    private var refusals: [String: String] = [:]

    init(rounds: Int) {
        self.rounds = rounds
    }

    /// A run that fails is said, and takes nothing from the others.
    mutating func add(
        _ workload: BenchEngineWorkload, _ server: BenchedEngine, _ body: () async throws -> [BenchEngineWorkload.Figure]
    ) async {
        if !servers.contains(server.name) { servers.append(server.name) }
        let key = "\(server.name), \(workload.rawValue)"
        guard refusals[key] == nil else { return }
        do {
            for figure in try await body() {
                let index =
                    rows.firstIndex { $0.workload == workload && $0.name == figure.name }
                    ?? {
                        rows.append(Row(workload: workload, name: figure.name, unit: figure.unit, digits: figure.digits))
                        return rows.count - 1
                    }()
                rows[index].values[server.name, default: []].append(figure.value)
            }
        } catch {
            let text = "\(error)".split(separator: "\n").first.map(String.init) ?? "\(error)"
            refusals[key] = String(text.prefix(200))
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.count % 2 == 1 ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }

    func text() -> String {
        var table = TextTable(
            [.init("WORKLOAD"), .init("FIGURE")] + servers.map { .init($0.uppercased(), alignsRight: true) } + [.init("UNIT")])
        for row in rows {
            let values = servers.map { server in
                row.values[server].map { String(format: "%.\(row.digits)f", Self.median($0)) } ?? "-"
            }
            table.add([row.workload.rawValue, row.name] + values + [row.unit])
        }
        let refused = refusals.sorted { $0.key < $1.key }.map { "\($0.key): left out: \($0.value)" }
        return ([table.text(), "medians of \(rounds) rounds"] + refused).joined(separator: "\n")
    }

    private struct Line: Encodable {
        let workload, figure, unit: String
        let medians: [String: Double]
        let values: [String: [Double]]
    }

    private struct Document: Encodable {
        let rounds: Int
        let figures: [Line]
        let leftOut: [String: String]
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let lines = rows.map { row in
            Line(
                workload: row.workload.rawValue, figure: row.name, unit: row.unit, medians: row.values.mapValues(Self.median),
                values: row.values)
        }
        return String(decoding: try encoder.encode(Document(rounds: rounds, figures: lines, leftOut: refusals)), as: UTF8.self)
    }
}
