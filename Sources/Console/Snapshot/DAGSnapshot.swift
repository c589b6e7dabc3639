/// A DAG with its last runs, newest first, in Airflow's words.
struct DAGSnapshot: Codable, Sendable, Equatable {
    var id: String
    var description: String?
    var schedule: String?
    var isPaused: Bool
    var nextRunAt: Int64?
    var tags: [String] = []
    var runs: [DAGRunSnapshot] = []
    /// Of the newest run.
    var tasks: [TaskSnapshot] = []
    /// What the tasks of all shown runs counted, by name.
    var counts: [String: Int64] = [:]
    var problem: String?
}

struct DAGRunSnapshot: Codable, Sendable, Equatable {
    var id: String
    var state: String
    var runType: String?
    var logicalDate: Int64?
    var startedAt: Int64?
    var endedAt: Int64?
    var durationSeconds: Double?

    var isOver: Bool { state == "success" || state == "failed" }
}

struct TaskSnapshot: Codable, Sendable, Equatable {
    var id: String
    var mapIndex: Int
    var state: String?
    var tryNumber: Int
    var maxTries: Int
    var startedAt: Int64?
    var durationSeconds: Double?
    /// What the scheduler remarks of it: that it was to produce and produced nothing, that its log has errors.
    var note: String?
    /// Whole numbers that the task has left as XComs: `fetched`, `produced`.
    var counts: [String: Int64] = [:]
}

struct LogLine: Codable, Sendable, Equatable {
    var time: Int64?
    var level: String?
    var text: String
}

/// `/api/dags`
struct DAGsAnswer: Codable, Sendable, Equatable {
    var time: Int64
    var address: String
    var problem: String?
    var dags: [DAGSnapshot]
}

/// `/api/dags/{dag}/runs/{run}`
struct TasksAnswer: Codable, Sendable, Equatable {
    var tasks: [TaskSnapshot]
}

/// `/api/dags/{dag}/runs/{run}/tasks/{task}/log`
struct LogAnswer: Codable, Sendable, Equatable {
    var lines: [LogLine]
}
