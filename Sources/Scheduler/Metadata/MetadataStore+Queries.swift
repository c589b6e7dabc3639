internal import GRDB
internal import IO

/// Which runs a list asks for.
struct RunFilter: Sendable {
    var dagID: String?
    var states: [RunState] = []
    var types: [String] = []
    /// Column, operator, moment.
    var bounds: [(column: String, comparison: String, moment: Moment)] = []
    var orderBy = "sequence"
    var descending = false
    var limit = 50
    var offset = 0
}

extension MetadataStore {
    func dags() throws -> [DAGRow] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT dag_id, is_paused, first_seen, next_tick, timetable FROM dag").map { row in
                DAGRow(
                    dagID: row[0], isPaused: row[1], firstSeen: Moment(microseconds: row[2]),
                    nextTick: (row[3] as Int64?).map { Moment(microseconds: $0) }, timetable: row[4])
            }
        }
    }

    func run(dagID: String, runID: String) throws -> DAGRun? {
        try database.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM dag_run WHERE dag_id = ? AND run_id = ?", arguments: [dagID, runID]).map(Self.run)
        }
    }

    func run(dagID: String, logicalDate: Moment) throws -> DAGRun? {
        try database.read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM dag_run WHERE dag_id = ? AND logical_date = ?", arguments: [dagID, logicalDate.microseconds]
            ).map(Self.run)
        }
    }

    /// Runs that have not ended, in the order in which they were queued.
    func unfinishedRuns() throws -> [DAGRun] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM dag_run WHERE state IN ('queued', 'running') ORDER BY sequence").map(Self.run)
        }
    }

    func runs(_ filter: RunFilter) throws -> (runs: [DAGRun], total: Int) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        func among(_ column: String, _ values: [String]) {
            guard !values.isEmpty else { return }
            conditions.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(values)
        }
        if let dagID = filter.dagID { among("dag_id", [dagID]) }
        among("state", filter.states.map(\.rawValue))
        among("run_type", filter.types)
        for bound in filter.bounds {
            conditions.append("\(bound.column) \(bound.comparison) ?")
            arguments += [bound.moment.microseconds]
        }
        let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let direction = filter.descending ? "DESC" : "ASC"
        return try database.read { db in
            let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM dag_run" + condition, arguments: arguments) ?? 0
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM dag_run\(condition) ORDER BY \(filter.orderBy) \(direction), sequence \(direction) LIMIT ? OFFSET ?",
                arguments: arguments + [filter.limit, filter.offset])
            return (rows.map(Self.run), total)
        }
    }

    /// Ended runs of a DAG beyond the last `keep`, oldest first, at most 100 of them.
    func runsBeyond(_ keep: Int, dagID: String) throws -> [String] {
        try database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT run_id FROM (SELECT run_id, state, sequence FROM dag_run WHERE dag_id = ? ORDER BY sequence DESC LIMIT -1 OFFSET ?)
                    WHERE state IN ('success', 'failed') ORDER BY sequence LIMIT 100
                    """, arguments: [dagID, keep])
        }
    }

    func tasks(dagID: String, runID: String) throws -> [TaskInstance] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM task_instance WHERE dag_id = ? AND run_id = ?", arguments: [dagID, runID]).map(
                Self.task)
        }
    }

    func tries(dagID: String, runID: String, taskID: String) throws -> [TaskTry] {
        try database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM task_try WHERE dag_id = ? AND run_id = ? AND task_id = ? ORDER BY try_number",
                arguments: [dagID, runID, taskID]
            ).map { row in
                TaskTry(
                    taskID: row["task_id"], tryNumber: row["try_number"], state: TaskState(rawValue: row["state"]) ?? .none,
                    startDate: Self.moment(row, "start_date"), endDate: Self.moment(row, "end_date"), note: row["note"])
            }
        }
    }

    func xcoms(dagID: String, runID: String, taskID: String) throws -> [XComRow] {
        try database.read { db in
            try Row.fetchAll(
                db, sql: "SELECT key, value, timestamp FROM xcom WHERE dag_id = ? AND run_id = ? AND task_id = ? ORDER BY key",
                arguments: [dagID, runID, taskID]
            ).map { row in
                XComRow(
                    dagID: dagID, runID: runID, taskID: taskID, key: row[0], value: Self.json(row[1]),
                    timestamp: Moment(microseconds: row[2]))
            }
        }
    }

    func stateCounts() throws -> [(dagID: String, state: RunState, count: Int)] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT dag_id, state, count(*) FROM dag_run GROUP BY dag_id, state").compactMap { row in
                RunState(rawValue: row[1]).map { (row[0], $0, row[2]) }
            }
        }
    }

    // MARK: rows

    private static func run(_ row: Row) -> DAGRun {
        DAGRun(
            dagID: row["dag_id"], runID: row["run_id"], type: RunType(rawValue: row["run_type"]) ?? .manual,
            state: RunState(rawValue: row["state"]) ?? .failed, logicalDate: moment(row, "logical_date"),
            dataIntervalStart: moment(row, "data_interval_start"), dataIntervalEnd: moment(row, "data_interval_end"),
            runAfter: Moment(microseconds: row["run_after"]), queuedAt: Moment(microseconds: row["queued_at"]),
            startDate: moment(row, "start_date"), endDate: moment(row, "end_date"), conf: json(row["conf"]).object ?? [:],
            note: row["note"],
            triggeredBy: row["triggered_by"], triggeringUser: row["triggering_user"], sequence: row["sequence"])
    }

    private static func task(_ row: Row) -> TaskInstance {
        TaskInstance(
            taskID: row["task_id"], id: row["id"], state: TaskState(rawValue: row["state"]) ?? .none, tryNumber: row["try_number"],
            maxTries: row["max_tries"], scheduledAt: moment(row, "scheduled_at"), queuedAt: moment(row, "queued_at"),
            startDate: moment(row, "start_date"), endDate: moment(row, "end_date"), retryAt: moment(row, "retry_at"), note: row["note"])
    }

    private static func moment(_ row: Row, _ column: String) -> Moment? { (row[column] as Int64?).map { Moment(microseconds: $0) } }

    private static func json(_ text: String) -> JSON { (try? JSON(parsing: text)) ?? .null }
}
