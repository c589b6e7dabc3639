import Foundation
import IO
import Logging
import Spark
import Testing

@testable import Leat

/// A pipeline's queries on a Spark of another process: Leat's own engine here, and the one that SPARK_REMOTE names where it is set.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RemoteSparkTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let real = ProcessInfo.processInfo.environment["SPARK_REMOTE"]

    private func session(_ endpoint: Endpoint) -> SparkSession {
        SparkSession(
            remote: RemoteSpark(
                client: SparkConnectClient(endpoint: endpoint, isSessionShared: true, logger: Self.quiet),
                bootstrap: [Endpoint(host: "127.0.0.1", port: 9)], contactPoints: [Endpoint(host: "127.0.0.1", port: 9)],
                logger: Self.quiet))
    }

    private func withSpark(_ body: (SparkSession) async throws -> Void) async throws {
        if let real = Self.real {
            return try await body(session(try Endpoint(parsing: real.replacing("sc://", with: ""), defaultPort: 15_002)))
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "leat-remote-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.port", to: "0", from: .builtIn)
        let engine = try await Engine.start(EngineConfiguration(values: values, folder: folder), logger: Self.quiet)
        do {
            try await body(session(engine.endpoints[0]))
        } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    @Test func aQueryRunsThereAndIsSeenHere() async throws {
        try await withSpark { spark in
            let query = try await spark.readStream.format("rate").option("rowsPerSecond", 100).load()
                .filter("value % 2 = 0").withColumn("twice", col("value") * 2).select("twice")
                .writeStream.format("memory").queryName("remote_\(UInt32.random(in: 0...UInt32.max))").start()
            let deadline = ContinuousClock.now + .seconds(60)
            while try (query.lastProgress.map { try JSON(parsing: $0)["sources"]?.elements.first?["numInputRows"]?.integer ?? 0 } ?? 0) == 0
            {
                try #require(query.isActive, "\(query.exception.map { "\($0)" } ?? query.status)")
                try #require(ContinuousClock.now < deadline, "no batch with rows has been reported")
                try await Task.sleep(for: .milliseconds(50))
            }
            await query.stop()
            #expect(!query.isActive && query.exception == nil)
        }
    }

    @Test func whatTheServerRefusesIsSaidInItsWords() async throws {
        try await withSpark { spark in
            let query = spark.readStream.format("rate").load().select("valeu").writeStream.format("noop")
            let error = await #expect(throws: SparkConnectClientError.self) { try await query.start() }
            #expect(error?.problem.contains("UNRESOLVED_COLUMN") == true && error?.problem.contains("valeu") == true)
        }
    }

    @Test func aConnectorThatIsMissingThereIsNamedWithItsPackage() async throws {
        guard Self.real != nil else { return }
        try await withSpark { spark in
            let query = spark.readStream.format("kafka").option("subscribe", "t").load().writeStream.format("noop")
            let error = await #expect(throws: SparkError.self) { try await query.start() }
            #expect(error?.nextStep?.contains("--packages org.apache.spark:spark-sql-kafka") == true)
        }
    }
}
