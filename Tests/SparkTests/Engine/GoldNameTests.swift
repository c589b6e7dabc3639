import Foundation
import Testing

@testable import Spark

/// What Spark calls the columns of a select's elements that have no alias (`Gold/names.json`) is what the engine calls them. Deliberate
/// differences stand with their reasons in `Gold/names-differences.txt`, which must not list what no longer differs.
@Suite struct GoldNameTests {
    struct Case: Decodable, Sendable {
        var expression: String
        var name: String
    }

    static func cases() throws -> [Case] {
        try JSONDecoder().decode([Case].self, from: Data(contentsOf: GoldTests.folder.appending(path: "names.json")))
    }

    @Test func columnsAreCalledAsOnSpark() throws {
        let listed = try GoldTests.differences("names-differences.txt")
        for gold in try Self.cases() {
            let found = try Expression(selectItem: gold.expression).countingRows.outputName
            if let reason = listed[gold.expression] {
                #expect(found != gold.name, "no longer differs: \(gold.expression) (\(reason))")
            } else {
                #expect(found == gold.name, "\(gold.expression)")
            }
        }
        #expect(listed.values.allSatisfy { !$0.isEmpty })
    }
}
