package import IO

/// A DAG as the API shows it.
package struct AirflowDAG: Sendable {
    package let id: String
    package let isPaused: Bool
    package let schedule: String
    /// The schedule in words.
    package let scheduleWords: String
    package let nextRun: Moment?
    package let description: String
    package let tags: [String]
    package let json: JSON

    init?(_ json: JSON) {
        guard let id = json["dag_id"]?.string else { return nil }
        self.id = id
        isPaused = json["is_paused"]?.bool ?? false
        schedule = json["timetable_summary"]?.string ?? ""
        scheduleWords = json["timetable_description"]?.string ?? ""
        nextRun = json.moment("next_dagrun_run_after")
        description = json["description"]?.string ?? ""
        tags = json["tags"]?.array?.compactMap { $0["name"]?.string } ?? []
        self.json = json
    }

    init(required json: JSON) throws {
        guard let dag = AirflowDAG(json) else { throw MalformedJSON(offset: 0, wanted: "a DAG") }
        self = dag
    }
}

/// A DAG run as the API shows it.
package struct AirflowRun: Sendable {
    package let dagID: String
    package let runID: String
    package let state: RunState
    package let type: String
    package let logicalDate: Moment?
    package let runAfter: Moment?
    package let startDate: Moment?
    package let endDate: Moment?
    package let note: String?
    package let json: JSON

    init?(_ json: JSON) {
        guard let dagID = json["dag_id"]?.string, let runID = json["dag_run_id"]?.string,
            let state = json["state"]?.string.flatMap(RunState.init)
        else { return nil }
        self.dagID = dagID
        self.runID = runID
        self.state = state
        type = json["run_type"]?.string ?? ""
        logicalDate = json.moment("logical_date")
        runAfter = json.moment("run_after")
        startDate = json.moment("start_date")
        endDate = json.moment("end_date")
        note = json["note"]?.string
        self.json = json
    }

    init(required json: JSON) throws {
        guard let run = AirflowRun(json) else { throw MalformedJSON(offset: 0, wanted: "a DAG run") }
        self = run
    }
}

/// A task instance as the API shows it.
package struct AirflowTaskInstance: Sendable {
    package let taskID: String
    package let state: TaskState
    package let tryNumber: Int
    package let maxTries: Int
    package let startDate: Moment?
    package let endDate: Moment?
    /// In Leat's scheduler: what to know of a success that may be none ("produced nothing: …"), or why it failed.
    package let note: String?
    package let json: JSON

    init?(_ json: JSON) {
        guard let taskID = json["task_id"]?.string else { return nil }
        self.taskID = taskID
        state = json["state"]?.string.flatMap(TaskState.init) ?? .none
        tryNumber = Int(json["try_number"]?.integer ?? 0)
        maxTries = Int(json["max_tries"]?.integer ?? 0)
        startDate = json.moment("start_date")
        endDate = json.moment("end_date")
        note = json["note"]?.string
        self.json = json
    }
}

/// A line of a task's log.
package struct AirflowLogLine: Sendable {
    package let timestamp: Moment?
    package let level: String
    package let event: String

    init(_ json: JSON) {
        timestamp = json.moment("timestamp")
        level = json["level"]?.string ?? "info"
        // Airflow gives plain strings where a log is not structured.
        event = json["event"]?.string ?? json.string ?? json.text
    }
}

extension JSON {
    fileprivate func moment(_ key: String) -> Moment? { self[key]?.string.flatMap { Moment(parsing: $0) } }
}
