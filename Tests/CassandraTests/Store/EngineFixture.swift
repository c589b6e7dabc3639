import Foundation
import NIOCore
import Synchronization

@testable import Cassandra

/// An engine in a folder of its own, spoken to in CQL.
final class EngineFixture: @unchecked Sendable {
    let path: String
    private(set) var engine: CQLEngine
    private let configuration: StorageConfiguration

    init(path given: String? = nil, _ configure: (inout StorageConfiguration) -> Void = { _ in }) throws {
        path = given ?? FileManager.default.temporaryDirectory.path + "/leat-store-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var configuration = StorageConfiguration()
        configuration.memtableBytes = 4 << 20
        configuration.cacheBytes = 1 << 20
        configure(&configuration)
        self.configuration = configuration
        engine = try CQLEngine(path: path, configuration: configuration)
    }

    /// An engine with keyspace `k` and the tables given.
    static func with(_ tables: String...) throws -> EngineFixture {
        let fixture = try EngineFixture()
        try fixture.run("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        for table in tables { try fixture.run(table) }
        return fixture
    }

    deinit {
        engine.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    func reopen() throws {
        engine.close()
        engine = try CQLEngine(path: path, configuration: configuration)
    }

    @discardableResult
    func run(
        _ cql: String, _ values: [CQLValue] = [], pageSize: Int32? = nil, pagingState: ByteBuffer? = nil, timestamp: Int64? = nil,
        keyspace: String? = "k"
    ) throws -> StatementResult {
        let statement = try engine.prepare(cql, keyspace: keyspace)
        let bound = try BoundValues(zip(values, statement.bindColumns).map { ($0, $1.type) })
        var request = StatementRequest(values: bound, pageSize: pageSize, pagingState: pagingState, defaultTimestamp: timestamp)
        request.keyspace = keyspace
        return try execute(statement, request)
    }

    func execute(_ statement: PlannedStatement, _ request: StatementRequest) throws -> StatementResult {
        let done = DispatchSemaphore(value: 0)
        let box = Mutex<Result<StatementResult, CQLError>?>(nil)
        engine.execute(statement, request) { result in
            box.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = box.withLock({ $0 }) else { throw CQLError.serverError("no result") }
        return try result.get()
    }

    func rows(_ result: StatementResult) throws -> (rows: [[CQLValue]], state: ByteBuffer?) {
        guard case .rows(let page) = result else { return ([], nil) }
        var content = page.content
        var rows: [[CQLValue]] = []
        for _ in 0..<page.rowCount {
            var row: [CQLValue] = []
            for column in page.metadata.columns {
                row.append(try CQLValue(bytes: try content.readCQLBytes("cell"), type: column.type))
            }
            rows.append(row)
        }
        guard content.readableBytes == 0 else { throw CQLError.serverError("bytes are left") }
        return (rows, page.pagingState)
    }

    func select(_ cql: String, _ values: [CQLValue] = []) throws -> [[CQLValue]] { try rows(try run(cql, values)).rows }

    /// Rows as `a|b` lines.
    func text(_ cql: String, _ values: [CQLValue] = []) throws -> [String] {
        try select(cql, values).map { $0.map(\.description).joined(separator: "|") }
    }

    func error(_ cql: String, _ values: [CQLValue] = []) -> CQLError? {
        do {
            try run(cql, values)
            return nil
        } catch { return error as? CQLError }
    }

    /// All pages, and how many there were.
    func pages(_ cql: String, pageSize: Int32, between: (Int) throws -> Void = { _ in }) throws -> (rows: [[CQLValue]], count: Int) {
        var all: [[CQLValue]] = []
        var state: ByteBuffer?
        var count = 0
        repeat {
            let page = try rows(try run(cql, pageSize: pageSize, pagingState: state))
            all += page.rows
            state = page.state
            count += 1
            try between(count)
        } while state != nil
        return (all, count)
    }
}
