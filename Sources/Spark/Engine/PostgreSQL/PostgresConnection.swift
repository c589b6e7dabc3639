internal import CPostgres
internal import IO
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One connection of libpq. Its calls block, and run on a thread of the pool for that; one at a time, each awaited before the next.
///
/// A cancelled task has the server cancel what it is doing.
final class PostgresConnection: @unchecked Sendable {
    // Unchecked: `handle` is used by one call at a time, `interrupt` may be used from any thread; both live until `close`, or the end.
    private let handle: OpaquePointer
    private let interrupt: OpaquePointer?
    private let url: String
    private static let pool = NIOThreadPool.singleton

    private init(_ handle: OpaquePointer, url: String) {
        self.handle = handle
        self.url = url
        interrupt = PQgetCancel(handle)
    }

    deinit {
        PQfreeCancel(interrupt)
        PQfinish(handle)
    }

    static func open(_ options: JDBCOptions, timeout: Duration) async throws -> PostgresConnection {
        var keywords = options.connection.map(\.keyword)
        var values = options.connection.map(\.value)
        if !keywords.contains("connect_timeout") {
            keywords.append("connect_timeout")
            // libpq takes one second for two.
            values.append(String(max(2, Int(timeout.inSeconds.rounded(.up)))))
        }
        let url = String(options.url.prefix { $0 != "?" })
        let connection = try await pool.runIfActive { [keywords, values] in
            let texts = (keywords + values).map { strdup($0) }
            defer { for text in texts { free(text) } }
            let pointers = texts.map { UnsafePointer<CChar>($0) }
            let handle = PQconnectdbParams(
                Array(pointers[..<keywords.count]) + [nil], Array(pointers[keywords.count...]) + [nil], 0)
            guard let handle else {
                throw failure(url, "connect", "libpq is out of memory")
            }
            guard PQstatus(handle) == CONNECTION_OK else {
                let reason = String(cString: PQerrorMessage(handle)).trimmed
                PQfinish(handle)
                throw failure(url, "connect", reason)
            }
            // Notices would go to the error output of the process.
            PQsetNoticeProcessor(handle, { _, _ in }, nil)
            return PostgresConnection(handle, url: url)
        }
        if options.queryTimeoutSeconds > 0 {
            try await connection.execute("SET statement_timeout = \(options.queryTimeoutSeconds * 1_000)")
        }
        if let statement = options.sessionInitStatement { try await connection.execute(statement) }
        return connection
    }

    private static func failure(_ url: String, _ operation: String, _ reason: String, state: String? = nil) -> SparkError {
        SparkError(
            operation == "connect" ? "FAILED_JDBC.CONNECTION" : "FAILED_JDBC.UNCLASSIFIED", sqlState: "HV000",
            "Failed JDBC \(url) on the operation: \(operation). \(reason)\(state.map { " (SQLSTATE \($0))" } ?? "")")
    }

    private func run<R: Sendable>(_ body: @escaping @Sendable (OpaquePointer) throws -> R) async throws -> R {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await Self.pool.runIfActive { [self] in try body(handle) }
        } onCancel: {
            guard let interrupt else { return }
            var reason = [CChar](repeating: 0, count: 256)
            PQcancel(interrupt, &reason, 256)
        }
    }

    /// libpq's codes of the parts of a server's message.
    private enum Part {
        static let state = Int32(UInt8(ascii: "C"))
        static let message = Int32(UInt8(ascii: "M"))
        static let detail = Int32(UInt8(ascii: "D"))
        static let context = Int32(UInt8(ascii: "W"))
    }

    private func failure(_ operation: String, _ result: OpaquePointer?) -> SparkError {
        func part(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        guard let message = part(Part.message) else {
            return Self.failure(url, operation, String(cString: PQerrorMessage(handle)).trimmed)
        }
        let more = [part(Part.detail), part(Part.context)].compactMap { $0 }.map { " \($0)" }.joined()
        return Self.failure(url, operation, "ERROR: \(message)\(more)", state: part(Part.state))
    }

    // MARK: Statements

    func execute(_ statement: String) async throws {
        try await run { [self] handle in
            let result = PQexec(handle, statement)
            defer { PQclear(result) }
            guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY].contains(PQresultStatus(result)) else {
                throw failure(Self.short(statement), result)
            }
        }
    }

    struct Field: Hashable, Sendable {
        var name: String
        var type: UInt32
        /// A numeric's precision and scale; -1 where there is none.
        var modifier: Int32
    }

    /// The columns that a query gives; it is not run. nil where the server knows no table that it names.
    func describe(_ query: String) async throws -> [Field]? {
        try await run { [self] handle in
            let prepared = PQprepare(handle, "", query, 0, nil)
            defer { PQclear(prepared) }
            guard PQresultStatus(prepared) == PGRES_COMMAND_OK else {
                if let state = PQresultErrorField(prepared, Part.state), String(cString: state) == "42P01" { return nil }
                throw failure(Self.short(query), prepared)
            }
            let result = PQdescribePrepared(handle, "")
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(Self.short(query), result) }
            return (0..<PQnfields(result)).map {
                Field(name: PQfname(result, $0).map { String(cString: $0) } ?? "", type: PQftype(result, $0), modifier: PQfmod(result, $0))
            }
        }
    }

    /// Rows in PostgreSQL's binary form.
    func fetch(_ query: String) async throws -> PostgresRows {
        try await run { [self] handle in
            let result = PQexecParams(handle, query, 0, nil, nil, nil, nil, 1)
            guard let result, PQresultStatus(result) == PGRES_TUPLES_OK else {
                defer { PQclear(result) }
                throw failure(Self.short(query), result)
            }
            return PostgresRows(result)
        }
    }

    private static func short(_ statement: String) -> String {
        statement.count > 200 ? statement.prefix(200) + "…" : statement
    }

    // MARK: COPY

    func beginCopy(_ statement: String) async throws {
        try await run { [self] handle in
            let result = PQexec(handle, statement)
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COPY_IN else { throw failure(Self.short(statement), result) }
        }
    }

    func copy(_ text: ByteBuffer) async throws {
        try await run { [self] handle in
            let isTaken = text.withUnsafeReadableBytes { bytes in
                guard let base = bytes.bindMemory(to: CChar.self).baseAddress else { return true }
                return PQputCopyData(handle, base, Int32(bytes.count)) == 1
            }
            if !isTaken { throw failure("COPY", nil) }
        }
    }

    func endCopy() async throws {
        try await run { [self] handle in
            guard PQputCopyEnd(handle, nil) == 1 else { throw failure("COPY", nil) }
            var error: SparkError?
            while let result = PQgetResult(handle) {
                if PQresultStatus(result) != PGRES_COMMAND_OK, error == nil { error = failure("COPY", result) }
                PQclear(result)
            }
            if let error { throw error }
        }
    }
}

/// Rows that libpq holds. They are only read, and go with the last reference.
final class PostgresRows: @unchecked Sendable {
    // Unchecked: a result is immutable once it is here.
    let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    var count: Int { Int(PQntuples(result)) }

    /// nil for null.
    @inline(__always) func value(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        guard PQgetisnull(result, row, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
    }
}
