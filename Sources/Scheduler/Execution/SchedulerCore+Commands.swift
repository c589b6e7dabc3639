internal import Foundation
internal import IO

/// What a caller asks of a new run.
struct TriggerRequest: Sendable {
    var dagID: String
    var runID: String?
    var logicalDate: Moment?
    var dataIntervalStart: Moment?
    var dataIntervalEnd: Moment?
    var runAfter: Moment?
    var conf: JSON.Members = [:]
    var note: String?
    var user: String?
}

/// Why a command was refused.
enum CommandError: Error, Equatable {
    case noSuchDAG(String)
    case noSuchRun(dagID: String, runID: String)
    /// A run with that id or logical date exists.
    case exists(dagID: String, runID: String)
    case tooManyQueued(dagID: String, limit: Int)
    /// The id looks like one that the scheduler gives.
    case reserved(runID: String, for: RunType)
    /// The metadata's schema forbids the run.
    case conflict(dagID: String, runID: String, reason: String)
    case storage(String)
}

/// Commands of the API. Each returns when what it changed is on disk.
extension SchedulerCore {
    nonisolated func trigger(_ request: TriggerRequest) async -> Result<DAGRun, CommandError> {
        await perform(
            run: { (try? $0.get()).map { RunKey(dagID: $0.dagID, runID: $0.runID) } }, refused: { .failure($0) }
        ) { core, batch, now in core.trigger(request, &batch, now) }
    }

    private func trigger(_ request: TriggerRequest, _ batch: inout Batch, _ now: Moment) -> Result<DAGRun, CommandError> {
        let dagID = request.dagID
        guard graphs[dagID] != nil else { return .failure(.noSuchDAG(dagID)) }
        if let runID = request.runID, let type = RunType.reserving(runID) { return .failure(.reserved(runID: runID, for: type)) }
        let queued = waiting[dagID, default: []]
        guard queued.count < configuration.queuedRunsMax else {
            return .failure(.tooManyQueued(dagID: dagID, limit: configuration.queuedRunsMax))
        }
        do {
            var runID = request.runID
            if runID == nil {
                // Two triggers within a microsecond get neighbouring ids.
                var moment = request.logicalDate ?? now
                let prefix = RunType.manual.prefix
                while try isTaken(dagID, prefix + moment.offsetText, queued), request.logicalDate == nil { moment.microseconds += 1 }
                runID = prefix + moment.offsetText
            }
            guard let runID, try !isTaken(dagID, runID, queued) else {
                return .failure(.exists(dagID: dagID, runID: runID ?? ""))
            }
            if let date = request.logicalDate {
                if let other = try store.run(dagID: dagID, logicalDate: date) { return .failure(.exists(dagID: dagID, runID: other.runID)) }
                if let other = queued.first(where: { $0.logicalDate == date }) {
                    return .failure(.exists(dagID: dagID, runID: other.runID))
                }
            }
            let run = DAGRun(
                dagID: dagID, runID: runID, type: .manual, logicalDate: request.logicalDate,
                dataIntervalStart: request.dataIntervalStart ?? request.logicalDate,
                dataIntervalEnd: request.dataIntervalEnd ?? request.logicalDate, runAfter: request.runAfter ?? now, queuedAt: now,
                conf: request.conf, note: request.note, triggeredBy: "rest_api", triggeringUser: request.user)
            batch.changes.append(.insertRun(run))
            waiting[dagID, default: []].append(run)
            return .success(run)
        } catch {
            return .failure(.storage("\(error)"))
        }
    }

    /// Looks at the runs of this round too, which are not in the store yet.
    func isTaken(_ dagID: String, _ runID: String, _ queued: [DAGRun]) throws -> Bool {
        if machines[RunKey(dagID: dagID, runID: runID)] != nil || queued.contains(where: { $0.runID == runID }) { return true }
        return try store.run(dagID: dagID, runID: runID) != nil
    }

    nonisolated func setPaused(_ dagID: String, _ isPaused: Bool) async -> Result<DAGRow, CommandError> {
        await perform(refused: { .failure($0) }) { core, batch, now in
            guard var row = core.dags[dagID], let definition = core.graphs[dagID]?.definition else { return .failure(.noSuchDAG(dagID)) }
            guard row.isPaused != isPaused else { return .success(row) }
            row.isPaused = isPaused
            // Ticks that passed while it was paused are made up for only with catch-up.
            if !isPaused, !definition.catchup, definition.schedule != .once, let next = row.nextTick, next <= now {
                let anchor = definition.startDate ?? row.firstSeen.date
                row.nextTick = definition.schedule.next(after: now.date, anchor: anchor).map(Moment.init)
            }
            core.dags[dagID] = row
            batch.changes.append(.dag(row))
            return .success(row)
        }
    }

    /// Ends a run in a state, or changes its note.
    nonisolated func patchRun(_ dagID: String, _ runID: String, state: RunState?, note: String??) async -> Result<Void, CommandError> {
        await perform(refused: { .failure($0) }) { core, batch, now in
            let key = RunKey(dagID: dagID, runID: runID)
            let stored: DAGRun?
            do { stored = try core.store.run(dagID: dagID, runID: runID) } catch { return .failure(.storage("\(error)")) }
            guard stored != nil || core.waiting[dagID, default: []].contains(where: { $0.runID == runID }) else {
                return .failure(.noSuchRun(dagID: dagID, runID: runID))
            }
            if let state, state.isTerminal {
                if core.machines[key] != nil {
                    core.handle(.override(state), key, &batch, now)
                } else if let index = core.waiting[dagID]?.firstIndex(where: { $0.runID == runID }) {
                    guard var run = core.waiting[dagID]?.remove(at: index) else { return .success(()) }
                    run.state = state
                    run.startDate = now
                    run.endDate = now
                    batch.changes.append(.updateRun(run))
                } else if var run = stored, run.state != state {
                    run.state = state
                    batch.changes.append(.updateRun(run))
                }
            }
            if let note {
                if let index = core.waiting[dagID]?.firstIndex(where: { $0.runID == runID }) { core.waiting[dagID]?[index].note = note }
                batch.changes.append(.note(dagID: dagID, runID: runID, note))
                core.machines[key]?.setNote(note)
            }
            return .success(())
        }
    }

    /// Counts and values of a try that runs now; nil when none does.
    func liveEntries(_ key: TaskKey) -> [String: JSON]? { handles[key]?.output.entries }

    func dagRow(_ dagID: String) -> DAGRow? { dags[dagID] }
    func dagRows() -> [String: DAGRow] { dags }
}
