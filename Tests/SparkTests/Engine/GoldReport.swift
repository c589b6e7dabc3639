import Foundation
import Testing

@testable import Spark

/// Prints what differs, for a person who goes through the gold cases.
@Suite struct GoldReport {
    @Test(.enabled(if: ProcessInfo.processInfo.environment["GOLD_REPORT"] != nil)) func print() throws {
        for topic in ["strings", "regex", "encodings", "mathematics", "operators", "conditionals", "dates", "casts", "collections", "json"]
        {
            for gold in try GoldTests.cases(topic) {
                let found = GoldTests.outcome(gold.expression)
                if found != gold.outcome {
                    Swift.print("DIFF \(topic)\t\(gold.expression)\n    spark: \(gold.outcome)\n    leat:  \(found)")
                }
            }
        }
    }
}
