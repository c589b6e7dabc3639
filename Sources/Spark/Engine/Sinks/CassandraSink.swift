internal import Cassandra
internal import IO
internal import Logging
internal import NIOConcurrencyHelpers

/// Rows of one request, and which rows of the chunk they are.
struct OutgoingBatch: Sendable {
    var encoded: EncodedBatch
    var rows: [Int32]
}

/// `format("org.apache.spark.sql.cassandra")`: rows encoded straight into unlogged batches of one prepared
/// `INSERT … USING TIMESTAMP ?`, many in flight.
///
/// The timestamp is the one logged with the micro-batch plus the row's place in it: a replay writes the same cells with the same
/// timestamps, which changes nothing, and of several records of one key the later one stands whatever order the requests arrive in.
final class CassandraSink: StreamSink {
    struct Limits: Sendable {
        var rowsPerBatch: Int
        var bytesPerBatch: Int
        var inFlight: Int
        var retry: Backoff
    }

    /// What `prepare` found out.
    private struct Target: Sendable {
        /// Set once the server has prepared it.
        var statement: PreparedStatement?
        var names: [String]
        var conversions: [CassandraConversion]
        var types: [CQLType]
        /// Columns of the query that are in the table's primary key, and those of them in the partition key.
        var keys: [Int]
        var partitionKeys: [Int]
    }

    /// A key component is at most 64 KiB in Cassandra.
    private static let keyBytesMax = 65_535

    private let keyspace: String
    private let table: String
    private let client: CassandraClient
    private let limits: Limits
    private let logger: Logger
    private let consistency: Consistency
    private let status: @Sendable (String?) -> Void
    private let isStopped: @Sendable () -> Bool
    private let target = NIOLockedValueBox<Target?>(nil)
    private let window: InFlightWindow

    init(
        options: Options, table: String?, client: CassandraClient, limits: Limits, logger: Logger,
        status: @escaping @Sendable (String?) -> Void, isStopped: @escaping @Sendable () -> Bool
    ) throws {
        var parts = table?.split(separator: ".").map(String.init) ?? []
        let name = options["table"] ?? parts.popLast()
        guard let keyspace = options["keyspace"] ?? parts.last, let name else {
            throw SparkError(
                "MISSING_CASSANDRA_OPTION", sqlState: "42000", "The cassandra sink needs the options 'keyspace' and 'table'.",
                nextStep: "write .option(\"keyspace\", \"spark_streams\").option(\"table\", \"created_users\")")
        }
        for option in ["ttl", "timestamp", "spark.cassandra.output.ttl", "spark.cassandra.output.timestamp"] where options[option] != nil {
            throw SparkError(
                "INVALID_SINK_OPTION", sqlState: "42616",
                "The cassandra sink's option '\(option)' is not served: rows carry the timestamps that make replays harmless.")
        }
        switch options["spark.cassandra.output.consistency.level"]?.uppercased() {
        case nil, "LOCAL_QUORUM"?: consistency = .localQuorum
        case "LOCAL_ONE"?: consistency = .localOne
        case "ONE"?: consistency = .one
        case "QUORUM"?: consistency = .quorum
        case "ALL"?: consistency = .all
        case let other?:
            throw SparkError(
                "INVALID_SINK_OPTION", sqlState: "42616", "'\(other)' is no consistency level that the cassandra sink writes with.")
        }
        self.keyspace = keyspace
        self.table = name
        self.client = client
        self.limits = limits
        self.logger = logger
        self.status = status
        self.isStopped = isStopped
        window = InFlightWindow(limits.inFlight)
    }

    var description: String { "CassandraTable[\(keyspace).\(table)]" }
    var takesDeadLetters: Bool { true }

    // MARK: Before the start

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {
        guard mode != .complete else {
            throw SparkError(
                "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", sqlState: "42KDE", "The cassandra sink writes in append and update mode.")
        }
        let metadata = try await retrying { try await self.client.table(keyspace: self.keyspace, name: self.table) }
        guard let metadata else {
            throw SparkError(
                "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01", "The Cassandra table \(keyspace).\(table) cannot be found.",
                nextStep: "create it before the query starts; `leat cql` opens a prompt")
        }
        var target = try Self.match(schema, metadata)
        let names = target.names.map(Self.quoted)
        let statement =
            "INSERT INTO \(Self.quoted(keyspace)).\(Self.quoted(table)) (\(names.joined(separator: ", "))) VALUES (\(names.map { _ in "?" }.joined(separator: ", "))) USING TIMESTAMP ?"
        target.statement = try await retrying { try await self.client.prepare(statement) }
        self.target.withLockedValue { [target] in $0 = target }
    }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    /// Which column of the table each column of the query goes into; columns of the table that the query lacks stay unset.
    private static func match(_ schema: StructType, _ metadata: TableMetadata) throws -> Target {
        var names: [String] = []
        var types: [CQLType] = []
        var conversions: [CassandraConversion] = []
        var keys: [Int] = []
        var partitionKeys: [Int] = []
        for (index, field) in schema.fields.enumerated() {
            let exact = metadata.columns.first { $0.name == field.name }
            guard let column = exact ?? metadata.columns.first(where: { $0.name.equalsIgnoringCase(field.name) }) else {
                let near = metadata.columns.map { ($0.name, editDistance($0.name, field.name)) }.min { $0.1 < $1.1 }?.0
                throw SparkError(
                    "CASSANDRA_COLUMN_NOT_FOUND", sqlState: "42703",
                    "The table \(metadata.keyspace).\(metadata.name) has no column '\(field.name)' (its columns: \(metadata.columns.map(\.name).joined(separator: ", "))).",
                    nextStep: "drop or rename the column in the query" + (near.map { "; the nearest is '\($0)'" } ?? ""))
            }
            guard !names.contains(column.name) else {
                throw SparkError("COLUMN_ALREADY_EXISTS", sqlState: "42711", "The column `\(column.name)` is written twice.")
            }
            guard let conversion = CassandraConversion.between(field.dataType, column.type) else {
                throw SparkError(
                    "CASSANDRA_TYPE_MISMATCH", sqlState: "42K09",
                    "The column '\(field.name)' of type \(field.dataType.sql) cannot be written into \(column.type) of \(metadata.keyspace).\(metadata.name)."
                )
            }
            if column.kind == .partitionKey || column.kind == .clustering { keys.append(index) }
            if column.kind == .partitionKey { partitionKeys.append(index) }
            names.append(column.name)
            types.append(column.type)
            conversions.append(conversion)
        }
        let missing = (metadata.partitionKey + metadata.clusteringKey).map(\.name).filter { !names.contains($0) }
        guard missing.isEmpty else {
            throw SparkError(
                "CASSANDRA_KEY_MISSING", sqlState: "42K0E",
                "The query does not give the primary key of \(metadata.keyspace).\(metadata.name): it lacks \(missing.joined(separator: ", "))."
            )
        }
        guard metadata.columns.allSatisfy({ $0.type.unfrozen != .counter }) else {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "Counter tables take no timestamps, and a replay would count twice.")
        }
        return Target(names: names, conversions: conversions, types: types, keys: keys, partitionKeys: partitionKeys)
    }

    // MARK: Rows

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        guard let target = target.withLockedValue({ $0 }), let statement = target.statement else {
            throw SparkError("INTERNAL_ERROR", sqlState: "XX000", "The cassandra sink was not prepared.")
        }
        guard let count = rows.columns.lazy.compactMap({ $0?.count }).first else {
            return SinkOutput(payload: .none, rowCount: 0, refusals: [])
        }
        var reasons: [Int: String] = [:]
        let evaluator = Evaluator(
            batch: ColumnBatch(count: count, columns: []), context: EvaluationContext(timestampMicros: 0), stageRows: 0)
        let columns = try rows.schema.fields.indices.map { index in
            try CassandraColumn(
                rows.column(index, count: count), target.conversions[index], name: target.names[index], type: target.types[index],
                evaluator,
                rows.selection
            ) { row, reason in if reasons[row] == nil { reasons[row] = reason } }
        }
        refuseKeys(columns, target, rows.selection, &reasons)
        let good = reasons.isEmpty ? rows.selection : rows.selection.filter { reasons[$0] == nil }
        let batches = pack(columns, statement, rows, good, isSingle: isSingle)
        return SinkOutput(
            payload: .cassandra(batches), rowCount: good.count,
            refusals: reasons.sorted { $0.key < $1.key }.map { SinkOutput.Refusal(row: $0.key, reason: $0.value) })
    }

    private func refuseKeys(_ columns: [CassandraColumn], _ target: Target, _ selection: Selection, _ reasons: inout [Int: String]) {
        for key in target.keys {
            let column = columns[key]
            let isPartitionKey = target.partitionKeys.contains(key)
            selection.eachRow { row in
                guard reasons[row] == nil else { return }
                if column.values.isNull(row) {
                    reasons[row] = "the key column '\(target.names[key])' is null"
                } else if let length = column.length(row) {
                    if length == 0, isPartitionKey, target.partitionKeys.count == 1 {
                        reasons[row] = "the key column '\(target.names[key])' is empty"
                    } else if length > Self.keyBytesMax {
                        reasons[row] = "the key column '\(target.names[key])' has \(length) bytes, more than \(Self.keyBytesMax)"
                    }
                }
            }
        }
    }

    /// Packs rows into requests: one group for each replica, so that a coordinator mostly writes what it owns.
    private func pack(
        _ columns: [CassandraColumn], _ statement: PreparedStatement, _ rows: ResultRows, _ selection: Selection, isSingle: Bool
    ) -> [OutgoingBatch] {
        let isCluster = client.replicas(keyspace: keyspace, token: 0).count > 0
        let rowsMax = isSingle ? 1 : limits.rowsPerBatch
        var done: [OutgoingBatch] = []
        func fresh() -> OutgoingBatch {
            OutgoingBatch(encoded: EncodedBatch(statement, consistency: consistency, capacity: isSingle ? 1_024 : 16_384), rows: [])
        }
        func write(_ row: Int, to batch: inout OutgoingBatch) {
            batch.encoded.beginRow()
            for column in columns { column.append(row, to: &batch.encoded) }
            batch.encoded.append(int64: rows.timestamp(row))
            batch.rows.append(Int32(truncatingIfNeeded: row))
        }
        func isFull(_ batch: OutgoingBatch) -> Bool { batch.rows.count >= rowsMax || batch.encoded.byteCount >= limits.bytesPerBatch }
        guard isCluster else {
            var open = fresh()
            selection.eachRow { row in
                write(row, to: &open)
                if isFull(open) {
                    done.append(open)
                    open = fresh()
                }
            }
            if !open.rows.isEmpty { done.append(open) }
            return done
        }
        var open: [Endpoint: OutgoingBatch] = [:]
        var probe = fresh()
        selection.eachRow { row in
            probe.encoded.removeAll()
            write(row, to: &probe)
            let replica =
                probe.encoded.token.flatMap { client.replicas(keyspace: keyspace, token: $0).first } ?? Endpoint(host: "", port: 0)
            write(row, to: &open[replica, default: fresh()])
            if let batch = open[replica], isFull(batch) {
                done.append(batch)
                open[replica] = nil
            }
        }
        return done + open.values
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .cassandra(let batches) = output.payload else { return }
        for batch in batches {
            try await window.enter()
            Task {
                do {
                    try await self.write(batch, chunk, branch)
                    self.window.leave(nil)
                } catch {
                    self.window.leave(error)
                }
            }
        }
    }

    private let refused = NIOLockedValueBox<[RefusedRows]>([])

    private func write(_ batch: OutgoingBatch, _ chunk: SourceChunk, _ branch: Int) async throws {
        do {
            try await retrying { try await self.client.execute(batch.encoded) }
        } catch let error as CassandraClientError where error.serverError?.code == .invalid {
            // A row's fault, or the table's? A table that is gone or has changed ends the query.
            let metadata = try await retrying { try await self.client.table(keyspace: self.keyspace, name: self.table) }
            let names = target.withLockedValue { $0?.names } ?? []
            guard let metadata, names.allSatisfy({ name in metadata.columns.contains { $0.name == name } }) else { throw error }
            refused.withLockedValue {
                $0.append(
                    RefusedRows(
                        chunk: chunk, branch: branch, rows: batch.rows,
                        reason: "the table refuses it: \(error.serverError?.message ?? error.problem)"))
            }
        }
    }

    /// Until the store answers, or says what no retry mends.
    private func retrying<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
        var backoff = limits.retry
        while true {
            do {
                let result = try await body()
                if backoff.attempts > 0 { status(nil) }
                return result
            } catch let error as CassandraClientError where Self.isTransient(error) {
                try Task.checkCancellation()
                if window.isCancelled || isStopped() { throw CancellationError() }
                if backoff.attempts == 0 { logger.warning("\(description): \(error.problem); retrying") }
                status("Waiting for Cassandra: \(error.problem)")
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    private static func isTransient(_ error: CassandraClientError) -> Bool {
        switch error.kind {
        case .cannotConnect, .connectionLost, .timedOut, .tooManyWaiting: true
        case .server(let error):
            switch error.code {
            case .overloaded, .isBootstrapping, .unavailable, .writeTimeout, .readTimeout, .writeFailure, .readFailure, .serverError,
                .unprepared:
                true
            default: false
            }
        case .badAnswer, .badValue, .closed: false
        }
    }

    func finish() async throws -> [RefusedRows] {
        try await window.drain()
        return refused.withLockedValue { refused in
            defer { refused = [] }
            return refused
        }
    }

    func begin(_ batch: MicroBatch) async throws {
        window.reset()
        refused.withLockedValue { $0 = [] }
    }

    func stop() async {
        window.cancel()
        await client.close()
    }
}

/// Bounds what is in flight: `enter` waits for room, `drain` for all to leave; the first error stops both.
final class InFlightWindow: Sendable {
    private struct State {
        var inFlight = 0
        var error: (any Error)?
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
        /// The waiter goes on when as many or fewer are in flight.
        var waterline = 0
    }

    private let capacity: Int
    private let state = NIOLockedValueBox(State())

    init(_ capacity: Int) {
        self.capacity = capacity
    }

    var isCancelled: Bool { state.withLockedValue { $0.isCancelled } }

    func enter() async throws {
        try await wait(until: capacity - 1)
        state.withLockedValue { $0.inFlight += 1 }
    }

    func leave(_ error: (any Error)?) {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            state.inFlight -= 1
            if state.error == nil { state.error = error }
            guard state.inFlight <= state.waterline || state.error != nil else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func drain() async throws { try await wait(until: 0) }

    func cancel() {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            state.isCancelled = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    func reset() { state.withLockedValue { $0.error = nil } }

    /// One waiter at a time: the query's loop.
    private func wait(until waterline: Int) async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLockedValue { state -> Bool in
                    if state.inFlight <= waterline || state.error != nil || state.isCancelled { return true }
                    state.waterline = waterline
                    state.waiter = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
        let (error, isCancelled) = state.withLockedValue { ($0.error, $0.isCancelled) }
        if let error { throw error }
        if isCancelled { throw CancellationError() }
    }
}
