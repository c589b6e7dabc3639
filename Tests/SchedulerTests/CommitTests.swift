import Foundation
import GRDB
import IO
import Testing

@testable import Scheduler

@Suite("Writing of the metadata") struct CommitTests {
    private func core(_ dag: DAGDefinition, settings: [String: String] = [:]) async throws -> SchedulerCore {
        let folder = SchedulerHarness.temporaryFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var values = SettingValues(SchedulerConfiguration.settings)
        for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
        let core = SchedulerCore(
            store: try MetadataStore(folder: folder), graphs: [dag.id: try DAGGraph(dag)],
            configuration: try SchedulerConfiguration(values: values, folder: folder), logger: SchedulerHarness.logger)
        let recovered: Result<Void, any Error> = await core.perform(refused: { .failure($0) }) { core, batch, now in
            Result { try core.recover(&batch, now) }
        }
        try recovered.get()
        return core
    }

    private func remove(_ core: SchedulerCore) { try? FileManager.default.removeItem(atPath: core.configuration.folder) }

    @Test func aChangeThatTheSchemaForbidsIsDroppedAloneAndItsCallerTold() async throws {
        let begun = Counter()
        let core = try await core(DAGDefinition(id: "d", tasks: [TaskDefinition(id: "t") { _ in begun.increment() }]))
        defer { remove(core) }
        _ = try await core.trigger(TriggerRequest(dagID: "d", runID: "same")).get()
        // In one round: a run whose id is on disk already, made past the check, and one that nothing is wrong with.
        async let doubled: Result<DAGRun, CommandError> = core.perform(
            run: { _ in RunKey(dagID: "d", runID: "same") }, refused: { .failure($0) }
        ) { core, batch, now in
            let run = DAGRun(dagID: "d", runID: "same", type: .manual, runAfter: now, queuedAt: now + .seconds(1))
            batch.changes.append(.insertRun(run))
            core.waiting["d", default: []].append(run)
            return .success(run)
        }
        async let other = core.trigger(TriggerRequest(dagID: "d", runID: "other"))
        guard case .failure(.conflict(_, "same", _)) = await doubled else {
            Issue.record("the doubled run was not refused")
            return
        }
        #expect(try await other.get().runID == "other")
        #expect(await core.commitFailure == nil)
        _ = try await eventually { try core.store.unfinishedRuns().isEmpty ? true : nil }
        #expect(begun.value == 2)
        await core.stop()
    }

    @Test func aStopEndsThoughTheDiskIsFullAndWhoeverWaitsIsTold() async throws {
        let core = try await core(
            DAGDefinition(id: "d", isPausedUponCreation: true, tasks: [TaskDefinition(id: "t") { _ in }]),
            settings: ["scheduler.stop.write": "50ms", "scheduler.commit.retry": "10ms"])
        defer { remove(core) }
        // The database may not grow: SQLite answers as it does on a full disk.
        try await core.store.database.writeWithoutTransaction { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
        }
        async let large = core.trigger(
            TriggerRequest(dagID: "d", conf: ["large": .string(String(repeating: "x", count: 1 << 20))]))
        _ = try await eventually { await core.commitFailure }
        await core.stop()
        guard case .failure(.storage(let reason)) = await large else {
            Issue.record("a run that is not on disk was acknowledged")
            return
        }
        #expect(reason.contains("full"))
    }

    @Test func aTickWhoseIDIsTakenIsPassedOver() async throws {
        let now = Moment.now()
        let tick = Moment(microseconds: (now.microseconds / 1_000_000 - 1) * 1_000_000)
        let core = try await core(
            DAGDefinition(
                id: "d", schedule: .interval(.seconds(3_600)), startDate: tick.date, tasks: [TaskDefinition(id: "t") { _ in }]))
        defer { remove(core) }
        await core.perform(refused: { _ in }) { core, batch, _ in
            // As a scheduler without the check could have left it.
            batch.changes.append(
                .insertRun(DAGRun(dagID: "d", runID: "scheduled__\(tick.offsetText)", type: .manual, runAfter: now, queuedAt: now)))
        }
        await core.perform(refused: { _ in }) { core, _, _ in core.dags["d"]?.nextTick = tick }
        await core.perform(refused: { _ in }) { _, _, _ in }
        #expect(await core.dagRow("d")?.nextTick.map { $0 > now } == true)
        #expect(try core.store.runs(RunFilter()).total == 1)
        #expect(await core.commitFailure == nil)
        await core.stop()
    }
}
