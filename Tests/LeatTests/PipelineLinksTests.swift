import Foundation
import Logging
import Scheduler
import Stack
import Testing

@testable import Leat

@Suite struct PipelineLinksTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func noProducerIsMadeBeforeATaskRuns() async throws {
        let links = PipelineLinks(logger: logger)
        try links.connect(to: try StackConfiguration())
        #expect(!links.hasProducer)
        await links.close()
    }

    @Test func theSchedulersPasswordGoesToItsClients() throws {
        let open = try StackConfiguration().airflow
        #expect(open.username == nil && open.password == nil)
        let closed = try StackConfiguration(flags: [("scheduler.password", "secret"), ("scheduler.advertised", "elsewhere:1")]).airflow
        #expect(closed.username == "airflow" && closed.password == "secret")
        #expect(closed.url == "http://127.0.0.1:8080")
    }

    @Test func aDAGsStartDateReachesTheScheduler() throws {
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        let dag = DAG("d", schedule: .every(.seconds(60)), startDate: start) { SwiftOperator("t") { _ in } }
        #expect(try dag.definition(links: PipelineLinks(logger: logger)).startDate == start)
    }
}
