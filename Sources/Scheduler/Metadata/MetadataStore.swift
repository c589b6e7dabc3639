internal import GRDB
internal import IO

/// The scheduler's metadata in SQLite: DAGs, runs, task instances, tries, XComs.
///
/// Write-ahead log with `synchronous=FULL`: what a transaction has committed survives power loss. GRDB's own set-up of the log
/// says NORMAL, which survives the process's death only, so that it is set again here (and a test reads it back).
/// All writes come from the scheduler's queue; one connection serves both, which keeps memory small.
final class MetadataStore: Sendable {
    let database: DatabaseQueue

    static let fileName = "scheduler.sqlite"

    /// - Throws: ``MetadataError`` for a schema of a newer Leat or a file that is no database.
    init(folder: String) throws {
        let path = folder + "/" + Self.fileName
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.label = "scheduler"
        configuration.foreignKeysEnabled = true
        do {
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA cache_size = -2000")
            }
            if try database.read({ try Self.migrator.hasBeenSuperseded($0) }) { throw MetadataError.newer(path: path) }
            try Self.migrator.migrate(database)
        } catch let error as DatabaseError {
            throw MetadataError.unusable(path: path, reason: error.message ?? "\(error)")
        }
    }

    func close() { try? database.close() }

    /// One numbered step for each change of the schema; a step is never edited once it has been released.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE dag (
                        dag_id TEXT PRIMARY KEY NOT NULL,
                        is_paused INTEGER NOT NULL,
                        first_seen INTEGER NOT NULL,
                        -- the next tick of the timetable, in microseconds; null when there is none
                        next_tick INTEGER,
                        -- the timetable that next_tick was worked out for
                        timetable TEXT NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE dag_run (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        dag_id TEXT NOT NULL,
                        run_id TEXT NOT NULL,
                        run_type TEXT NOT NULL,
                        state TEXT NOT NULL,
                        logical_date INTEGER,
                        data_interval_start INTEGER,
                        data_interval_end INTEGER,
                        run_after INTEGER NOT NULL,
                        queued_at INTEGER NOT NULL,
                        start_date INTEGER,
                        end_date INTEGER,
                        conf TEXT NOT NULL,
                        note TEXT,
                        triggered_by TEXT NOT NULL,
                        triggering_user TEXT,
                        UNIQUE (dag_id, run_id),
                        UNIQUE (dag_id, logical_date)
                    );
                    CREATE INDEX dag_run_state ON dag_run (state, dag_id) WHERE state IN ('queued', 'running');
                    CREATE TABLE task_instance (
                        dag_id TEXT NOT NULL,
                        run_id TEXT NOT NULL,
                        task_id TEXT NOT NULL,
                        map_index INTEGER NOT NULL DEFAULT -1,
                        id TEXT NOT NULL,
                        state TEXT NOT NULL,
                        try_number INTEGER NOT NULL,
                        max_tries INTEGER NOT NULL,
                        scheduled_at INTEGER,
                        queued_at INTEGER,
                        start_date INTEGER,
                        end_date INTEGER,
                        retry_at INTEGER,
                        note TEXT,
                        PRIMARY KEY (dag_id, run_id, task_id, map_index),
                        FOREIGN KEY (dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
                    ) WITHOUT ROWID;
                    -- every try that has begun, the last one too
                    CREATE TABLE task_try (
                        dag_id TEXT NOT NULL,
                        run_id TEXT NOT NULL,
                        task_id TEXT NOT NULL,
                        map_index INTEGER NOT NULL DEFAULT -1,
                        try_number INTEGER NOT NULL,
                        state TEXT NOT NULL,
                        start_date INTEGER,
                        end_date INTEGER,
                        note TEXT,
                        PRIMARY KEY (dag_id, run_id, task_id, map_index, try_number),
                        FOREIGN KEY (dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
                    ) WITHOUT ROWID;
                    CREATE TABLE xcom (
                        dag_id TEXT NOT NULL,
                        run_id TEXT NOT NULL,
                        task_id TEXT NOT NULL,
                        map_index INTEGER NOT NULL DEFAULT -1,
                        key TEXT NOT NULL,
                        value TEXT NOT NULL,
                        timestamp INTEGER NOT NULL,
                        PRIMARY KEY (dag_id, run_id, task_id, map_index, key),
                        FOREIGN KEY (dag_id, run_id) REFERENCES dag_run (dag_id, run_id) ON DELETE CASCADE
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}

enum MetadataError: DescribedError {
    case newer(path: String)
    case unusable(path: String, reason: String)

    var place: String? {
        switch self {
        case .newer(let path), .unusable(let path, _): path
        }
    }

    var problem: String {
        switch self {
        case .newer: "the scheduler's metadata was written by a newer Leat"
        case .unusable(_, let reason): "the scheduler's metadata cannot be used: \(reason)"
        }
    }

    var nextStep: String? {
        switch self {
        case .newer: "use the newer Leat, or name another folder with --data"
        case .unusable: "check the file and the disk; a copy of it may be inspected with sqlite3"
        }
    }
}
