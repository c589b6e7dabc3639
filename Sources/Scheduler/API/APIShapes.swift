internal import Foundation
internal import IO

/// Airflow 3's JSON shapes. What an embedded scheduler has no counterpart for is present with the value that Airflow gives when
/// the thing is unused, since its generated clients check that required fields are there.
enum APIShapes {
    static func dag(_ graph: DAGGraph, _ row: DAGRow) -> JSON.Members {
        let definition = graph.definition
        let next = text(row.nextTick)
        return [
            "allowed_run_types": nil, "bundle_name": "leat", "bundle_version": nil, "dag_display_name": .string(definition.id),
            "dag_id": .string(definition.id), "description": definition.description.isEmpty ? nil : .string(definition.description),
            "file_token": .string(definition.id), "fileloc": "compiled into leat", "relative_fileloc": nil, "has_import_errors": false,
            "has_task_concurrency_limits": false, "is_backfillable": false, "is_paused": .bool(row.isPaused), "is_stale": false,
            "last_expired": nil, "last_parse_duration": nil, "last_parsed_time": .string(row.firstSeen.text),
            "max_active_runs": .integer(Int64(definition.maxActiveRuns)), "max_active_tasks": .integer(Int64(definition.maxActiveTasks)),
            "max_consecutive_failed_dag_runs": 0, "next_dagrun_data_interval_end": next, "next_dagrun_data_interval_start": next,
            "next_dagrun_logical_date": next, "next_dagrun_run_after": next, "owners": ["leat"],
            "tags": .array(
                definition.tags.map { ["dag_display_name": .string(definition.id), "dag_id": .string(definition.id), "name": .string($0)] }),
            "timetable_description": .string(definition.schedule.words), "timetable_summary": .string(definition.schedule.summary),
            "timetable_partitioned": false, "timetable_periodic": .bool(definition.schedule != .none && definition.schedule != .once),
        ]
    }

    static func dagDetails(_ graph: DAGGraph, _ row: DAGRow, activeRuns: Int) -> JSON.Members {
        let definition = graph.definition
        var zone = "UTC"
        if case .cron(_, let rules) = definition.schedule.kind { zone = rules.identifier }
        return dag(graph, row).merging([
            "active_runs_count": .integer(Int64(activeRuns)), "asset_expression": nil, "catchup": .bool(definition.catchup),
            "concurrency": .integer(Int64(definition.maxActiveTasks)), "dag_run_timeout": nil, "default_args": [:], "doc_md": nil,
            "end_date": nil, "is_favorite": false, "is_paused_upon_creation": .bool(definition.isPausedUponCreation),
            "last_parsed": .string(row.firstSeen.text), "latest_dag_version": .object(version(row)), "owner_links": [:], "params": [:],
            "render_template_as_native_obj": false, "start_date": definition.startDate.map { .string(Moment($0).text) } ?? nil,
            "template_search_path": nil, "timezone": .string(zone),
        ])
    }

    static func task(_ graph: DAGGraph, _ index: Int) -> JSON.Members {
        let task = graph.definition.tasks[index]
        return [
            "class_ref": ["module_path": "leat", "class_name": "Task"], "depends_on_past": false, "doc_md": nil,
            "downstream_task_ids": .array(
                graph.downstream[index].map { .string(graph.definition.tasks[$0].id) }.sorted { $0.text < $1.text }),
            "end_date": nil, "execution_timeout": task.executionTimeout.map(timeDelta) ?? nil, "extra_links": [], "is_mapped": false,
            "operator_name": "Task", "owner": "leat", "params": [:], "pool": "default_pool", "pool_slots": 1, "priority_weight": 1,
            "queue": "default", "retries": .integer(Int64(task.retries)), "retry_delay": timeDelta(task.retryDelay),
            "retry_exponential_backoff": task.retryExponentialBackoff ? 2 : 0, "start_date": nil, "task_display_name": .string(task.id),
            "task_id": .string(task.id), "template_fields": [], "trigger_rule": .string(task.triggerRule.rawValue), "ui_color": "#fff",
            "ui_fgcolor": "#000", "wait_for_downstream": false, "weight_rule": "downstream",
        ]
    }

    static func run(_ run: DAGRun, _ row: DAGRow?) -> JSON.Members {
        [
            "bundle_version": nil, "conf": .object(run.conf), "dag_display_name": .string(run.dagID), "dag_id": .string(run.dagID),
            "dag_run_id": .string(run.runID), "dag_versions": row.map { [.object(version($0))] } ?? [],
            "data_interval_end": text(run.dataIntervalEnd), "data_interval_start": text(run.dataIntervalStart),
            "duration": duration(run.startDate, run.endDate), "end_date": text(run.endDate),
            "last_scheduling_decision": text(run.endDate ?? run.startDate), "logical_date": text(run.logicalDate),
            "note": optional(run.note), "partition_date": nil, "partition_key": nil, "queued_at": text(run.queuedAt),
            "run_after": .string(run.runAfter.text), "run_type": .string(run.type.rawValue), "start_date": text(run.startDate),
            "state": .string(run.state.rawValue), "triggered_by": .string(run.triggeredBy),
            "triggering_user_name": optional(run.triggeringUser),
        ]
    }

    static func taskInstance(_ task: TaskInstance, _ run: DAGRun, _ row: DAGRow?) -> JSON.Members {
        taskTry(
            TaskTry(taskID: task.taskID, tryNumber: task.tryNumber, state: task.state, startDate: task.startDate, endDate: task.endDate),
            task, run, row
        )
        .merging([
            "id": .string(task.id), "logical_date": text(run.logicalDate), "run_after": .string(run.runAfter.text),
            "note": optional(task.note), "rendered_fields": [:], "rendered_map_index": nil, "trigger": nil, "triggerer_job": nil,
        ])
    }

    static func taskTry(_ row: TaskTry, _ task: TaskInstance, _ run: DAGRun, _ dag: DAGRow?) -> JSON.Members {
        [
            "dag_display_name": .string(run.dagID), "dag_id": .string(run.dagID), "dag_run_id": .string(run.runID),
            "dag_version": dag.map { .object(version($0)) } ?? nil, "duration": duration(row.startDate, row.endDate),
            "end_date": text(row.endDate), "executor": nil, "executor_config": "{}", "hostname": "localhost", "map_index": -1,
            "max_tries": .integer(Int64(task.maxTries)), "note": optional(row.note), "operator": "Task", "operator_name": "Task",
            "pid": nil, "pool": "default_pool", "pool_slots": 1, "priority_weight": 1, "queue": "default",
            "queued_when": text(task.queuedAt), "scheduled_when": text(task.scheduledAt), "start_date": text(row.startDate),
            "state": row.state == .none ? nil : .string(row.state.rawValue), "task_display_name": .string(task.taskID),
            "task_id": .string(task.taskID), "try_number": .integer(Int64(row.tryNumber)), "unixname": "leat",
        ]
    }

    static func xcom(_ row: XComRow, _ run: DAGRun, withValue: Bool) -> JSON {
        var members: JSON.Members = [
            "dag_display_name": .string(run.dagID), "dag_id": .string(run.dagID), "key": .string(row.key),
            "logical_date": text(run.logicalDate), "map_index": -1, "run_after": .string(run.runAfter.text), "run_id": .string(run.runID),
            "task_display_name": .string(row.taskID), "task_id": .string(row.taskID), "timestamp": .string(row.timestamp.text),
        ]
        if withValue { members["value"] = row.value }
        return .object(members)
    }

    /// A DAG that is compiled in has one version; its id is made from the DAG's name, so that it is the same after a restart.
    private static func version(_ row: DAGRow) -> JSON.Members {
        func hash(_ basis: UInt64) -> UInt64 { row.dagID.utf8.reduce(basis) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
        let (high, low) = (hash(0xCBF2_9CE4_8422_2325), hash(0x9E37_79B9_7F4A_7C15))
        let hex = [high & 0xFFFF_FFFF_FFFF_0FFF | 0x8000, low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        let digits = Array(hex)
        let id = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
        return [
            "bundle_name": "leat", "bundle_url": nil, "bundle_version": nil, "created_at": .string(row.firstSeen.text),
            "dag_display_name": .string(row.dagID), "dag_id": .string(row.dagID), "id": .string(id), "version_number": 1,
        ]
    }

    private static func text(_ moment: Moment?) -> JSON { moment.map { .string($0.text) } ?? .null }
    private static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    private static func duration(_ start: Moment?, _ end: Moment?) -> JSON {
        guard let start, let end else { return .null }
        return .number(Double(end.microseconds - start.microseconds) / 1e6)
    }

    private static func timeDelta(_ duration: Duration) -> JSON {
        let microseconds = Int64((duration.inSeconds * 1e6).rounded())
        return [
            "__type": "TimeDelta", "days": .integer(microseconds / 86_400_000_000),
            "seconds": .integer(microseconds % 86_400_000_000 / 1_000_000), "microseconds": .integer(microseconds % 1_000_000),
        ]
    }
}
