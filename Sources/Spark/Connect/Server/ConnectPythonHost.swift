internal import NIOConcurrencyHelpers
internal import NIOCore

/// Runs the functions of `foreachBatch` and `foreach` in the engine's Python worker.
///
/// A `foreachBatch` function gets a frame of the session that started the query: the rows are held for the session under a name, the
/// worker dials this server as that session, and makes the frame that has the name (Spark's CachedRemoteRelation).
final class ConnectPythonHost: PythonFunctionHost {
    private let sessions: ConnectSessions
    private let workers: PythonWorkers
    private let address: NIOLockedValueBox<String>

    init(sessions: ConnectSessions, workers: PythonWorkers) {
        self.sessions = sessions
        self.workers = workers
        address = NIOLockedValueBox("")
    }

    /// Where the worker dials: known when the port is bound.
    func listen(host: String, port: Int) {
        address.withLockedValue { $0 = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    func call(_ function: PythonSinkFunction, batch: Int64, _ rows: [ResultBatch], _ schema: StructType) async throws {
        let reference = SessionReference(sessionID: function.sessionID, userID: function.userID)
        let session = try sessions.session(reference)
        let worker = try workers.worker(session.plans.setting("spark.pyspark.python"))
        switch function.kind {
        case .row:
            try await workers.run(.batch) {
                try worker.forEachRow(function.function, partition: 0, batch: batch, rows, schema, $0)
            }
        case .batch:
            let stream = try ArrowWriter(schema).stream(rows)
            let frame = session.hold(.local(LocalRelation(.arrow([Array(stream.readableBytesView)]), schema: schema)))
            defer { session.release(frame: frame) }
            let user = function.userID.isEmpty ? "" : ";user_id=\(function.userID)"
            let url = "sc://\(address.withLockedValue { $0 })/;session_id=\(function.sessionID)\(user)"
            try await workers.run(.batch) {
                try worker.forEachBatch(function.function, batch: batch, address: url, frame: frame, $0)
            }
        }
    }
}
