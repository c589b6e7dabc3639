internal import GRDB
internal import IO

/// One row that the scheduler writes.
enum RowChange: Sendable {
    case dag(DAGRow)
    case insertRun(DAGRun)
    case updateRun(DAGRun)
    case task(dagID: String, runID: String, TaskInstance)
    case taskTry(dagID: String, runID: String, TaskTry)
    case xcom(XComRow)
    case deleteRun(dagID: String, runID: String)
    case note(dagID: String, runID: String, String?)

    /// The run that it is a part of.
    var run: RunKey? {
        switch self {
        case .dag: nil
        case .insertRun(let run), .updateRun(let run): RunKey(dagID: run.dagID, runID: run.runID)
        case .xcom(let row): RunKey(dagID: row.dagID, runID: row.runID)
        case .task(let dagID, let runID, _), .taskTry(let dagID, let runID, _), .deleteRun(let dagID, let runID),
            .note(let dagID, let runID, _):
            RunKey(dagID: dagID, runID: runID)
        }
    }
}

/// A change that a constraint of the schema forbids, and so will forbid whenever it is tried.
struct RefusedChange: Error {
    let index: Int
    let reason: String
}

struct DAGRow: Sendable, Equatable {
    var dagID: String
    var isPaused: Bool
    var firstSeen: Moment
    var nextTick: Moment?
    var timetable: String
}

/// One try of a task: what `tries` lists.
struct TaskTry: Sendable, Equatable {
    var taskID: String
    var tryNumber: Int
    var state: TaskState
    var startDate: Moment?
    var endDate: Moment?
    var note: String?
}

struct XComRow: Sendable {
    var dagID: String
    var runID: String
    var taskID: String
    var key: String
    var value: JSON
    var timestamp: Moment
}

extension MetadataStore {
    /// Writes all of it or none.
    ///
    /// - Throws: ``RefusedChange`` for one that can never be written; anything else may pass (a full disk, a lock).
    func write(_ changes: [RowChange]) throws {
        try database.write { db in
            for (index, change) in changes.enumerated() {
                do {
                    try Self.write(change, db)
                } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                    throw RefusedChange(index: index, reason: error.message ?? "\(error)")
                }
            }
        }
    }

    private static func write(_ change: RowChange, _ db: Database) throws {
        switch change {
        case .dag(let row):
            try db.cachedStatement(
                sql: """
                    INSERT INTO dag (dag_id, is_paused, first_seen, next_tick, timetable) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (dag_id) DO UPDATE SET is_paused = excluded.is_paused, next_tick = excluded.next_tick, timetable = excluded.timetable
                    """
            ).execute(arguments: [row.dagID, row.isPaused, row.firstSeen.microseconds, row.nextTick?.microseconds, row.timetable])
        case .insertRun(let run):
            try db.cachedStatement(
                sql: """
                    INSERT INTO dag_run (dag_id, run_id, run_type, state, logical_date, data_interval_start, data_interval_end, run_after,
                        queued_at, start_date, end_date, conf, note, triggered_by, triggering_user)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                run.dagID, run.runID, run.type.rawValue, run.state.rawValue, run.logicalDate?.microseconds,
                run.dataIntervalStart?.microseconds, run.dataIntervalEnd?.microseconds, run.runAfter.microseconds,
                run.queuedAt.microseconds, run.startDate?.microseconds, run.endDate?.microseconds, JSON.object(run.conf).sortedText,
                run.note,
                run.triggeredBy, run.triggeringUser,
            ])
        case .updateRun(let run):
            try db.cachedStatement(
                sql: "UPDATE dag_run SET state = ?, start_date = ?, end_date = ?, note = ? WHERE dag_id = ? AND run_id = ?"
            ).execute(arguments: [
                run.state.rawValue, run.startDate?.microseconds, run.endDate?.microseconds, run.note, run.dagID, run.runID,
            ])
        case .task(let dagID, let runID, let task):
            try db.cachedStatement(
                sql: """
                    INSERT INTO task_instance (dag_id, run_id, task_id, id, state, try_number, max_tries, scheduled_at, queued_at,
                        start_date, end_date, retry_at, note)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (dag_id, run_id, task_id, map_index) DO UPDATE SET state = excluded.state, try_number = excluded.try_number,
                        max_tries = excluded.max_tries, scheduled_at = excluded.scheduled_at, queued_at = excluded.queued_at,
                        start_date = excluded.start_date, end_date = excluded.end_date, retry_at = excluded.retry_at, note = excluded.note
                    """
            ).execute(arguments: [
                dagID, runID, task.taskID, task.id, task.state.rawValue, task.tryNumber, task.maxTries, task.scheduledAt?.microseconds,
                task.queuedAt?.microseconds, task.startDate?.microseconds, task.endDate?.microseconds, task.retryAt?.microseconds,
                task.note,
            ])
        case .taskTry(let dagID, let runID, let row):
            try db.cachedStatement(
                sql: """
                    INSERT INTO task_try (dag_id, run_id, task_id, try_number, state, start_date, end_date, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (dag_id, run_id, task_id, map_index, try_number)
                    DO UPDATE SET state = excluded.state, end_date = excluded.end_date, note = excluded.note
                    """
            ).execute(arguments: [
                dagID, runID, row.taskID, row.tryNumber, row.state.rawValue, row.startDate?.microseconds, row.endDate?.microseconds,
                row.note,
            ])
        case .xcom(let row):
            try db.cachedStatement(
                sql: """
                    INSERT INTO xcom (dag_id, run_id, task_id, key, value, timestamp) VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT (dag_id, run_id, task_id, map_index, key) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp
                    """
            ).execute(arguments: [row.dagID, row.runID, row.taskID, row.key, row.value.sortedText, row.timestamp.microseconds])
        case .deleteRun(let dagID, let runID):
            try db.cachedStatement(sql: "DELETE FROM dag_run WHERE dag_id = ? AND run_id = ?").execute(arguments: [dagID, runID])
        case .note(let dagID, let runID, let note):
            try db.cachedStatement(sql: "UPDATE dag_run SET note = ? WHERE dag_id = ? AND run_id = ?")
                .execute(arguments: [note, dagID, runID])
        }
    }
}
