import Foundation
import Testing

@testable import Spark

/// What Spark itself gives for the expressions of `Gold/*.sql` (`make gold` writes it) is what the engine gives: type, value as text, or
/// error class. Deliberate differences stand with their reasons in `Gold/differences.txt`, which must not list what no longer differs.
@Suite struct GoldTests {
    struct Case: Decodable, Sendable {
        var expression: String
        var type: String?
        var value: String?
        var error: String?

        var outcome: String { error ?? "\(type ?? "") \(value.map { "'\($0)'" } ?? "NULL")" }
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Gold")

    static func cases(_ topic: String) throws -> [Case] {
        try JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appending(path: "\(topic).json")))
    }

    /// Expression and reason, separated by a tab.
    static func differences(_ name: String = "differences.txt") throws -> [String: String] {
        var listed: [String: String] = [:]
        for line in try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("--") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            listed[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        return listed
    }

    /// Evaluates an expression over rows 0 and 2 of three, as a query with a filter does.
    static func outcome(_ expression: String) -> String {
        do {
            let resolved = try Resolver.resolve(try Expression(sql: expression), in: StructType())
            var context = EvaluationContext(timestampMicros: 1_700_000_000_000_000)
            context.zone = try ZoneRules.named("Europe/Berlin")
            let evaluator = Evaluator(batch: ColumnBatch(count: 3, columns: []), context: context, stageRows: 2)
            let column = try evaluator.evaluate(resolved, .rows([0, 2]))
            let kind = resolved.dataType.simpleString
            let texts = [0, 2].map { row -> String? in
                if column.isNull(row) { return nil }
                if case .binary(let bytes) = column.literal(row) {
                    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
                }
                return column.text(row, zone: context.zone, isCast: true)
            }
            guard texts[0] == texts[1] || expression.hasPrefix("rand") else { return "rows differ: \(texts)" }
            return "\(kind) \(texts[0].map { "'\($0)'" } ?? "NULL")"
        } catch let error as SparkError {
            return error.errorClass
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        "strings", "regex", "encodings", "mathematics", "operators", "conditionals", "dates", "casts", "collections", "json",
    ])
    func matchesSpark(topic: String) throws {
        let listed = try Self.differences()
        for gold in try Self.cases(topic) {
            let found = Self.outcome(gold.expression)
            if let reason = listed[gold.expression] {
                #expect(found != gold.outcome, "no longer differs: \(gold.expression) (\(reason))")
            } else {
                #expect(found == gold.outcome, "\(gold.expression)")
            }
        }
    }

    @Test func reasonsAreGiven() throws {
        #expect(try Self.differences().values.allSatisfy { !$0.isEmpty })
    }
}
