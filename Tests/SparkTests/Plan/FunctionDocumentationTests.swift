import Foundation
import Testing

@testable import Spark

@Suite struct FunctionDocumentationTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/functions.md")

    /// `WRITE_DOCS=1` writes the page instead.
    @Test func pageShowsTheCatalog() throws {
        if ProcessInfo.processInfo.environment["WRITE_DOCS"] != nil {
            try Data(FunctionCatalog.documentation.utf8).write(to: Self.page)
        }
        let isCurrent = try String(contentsOf: Self.page, encoding: .utf8) == FunctionCatalog.documentation
        #expect(isCurrent, "docs/functions.md is stale: run this test with WRITE_DOCS=1")
    }

    @Test func catalogHasTheFunctionsThatPeopleUse() {
        #expect(FunctionCatalog.all.count > 300)
    }

    @Test func everyNameIsDefinedOnce() {
        let names = FunctionCatalog.all.flatMap(\.names)
        let doubled = Dictionary(grouping: names) { $0 }.filter { $1.count > 1 }.keys
        #expect(doubled.isEmpty, "\(doubled.sorted())")
    }
}
