import IO
import Testing

@testable import Scheduler

@Suite("DAG validation") struct DAGGraphTests {
    private func task(_ id: String, _ upstream: [String] = []) -> TaskDefinition { TaskDefinition(id: id, upstream: upstream) { _ in } }

    @Test func upstreamComesFirst() throws {
        let graph = try DAGGraph(DAGDefinition(id: "d", tasks: [task("c", ["a", "b"]), task("b", ["a"]), task("a")]))
        #expect(graph.order.map { graph.definition.tasks[$0].id } == ["a", "b", "c"])
    }

    @Test func whatIsWrongIsNamed() {
        func reason(_ tasks: [TaskDefinition], id: String = "d") -> String {
            do {
                _ = try DAGGraph(DAGDefinition(id: id, tasks: tasks))
                return ""
            } catch { return error.description }
        }
        #expect(reason([task("a"), task("a")]).contains("'a' is given twice"))
        #expect(
            reason([task("load", ["fetsh"]), task("fetch")]).contains("waits for 'fetsh', which is no task of it; did you mean 'fetch'?"))
        #expect(reason([task("a", ["c"]), task("b", ["a"]), task("c", ["b"]), task("d", ["c"])]).contains("circle"))
        #expect(reason([task("a", ["a"])]).contains("a ← a"))
        #expect(reason([]).contains("no task"))
        #expect(reason([task("a b")]).contains("'a b'"))
        #expect(reason([task("a")], id: "x/y").contains("DAG x/y"))
    }
}

@Suite("Run machine") struct RunMachineTests {
    struct Fixed: RandomNumberGenerator {
        mutating func next() -> UInt64 { .max }
    }

    /// Drives a machine by a clock that the test sets.
    struct Bench {
        var machine: RunMachine
        var now = Moment(microseconds: 1_000_000_000)
        var random = Fixed()

        init(_ tasks: [TaskDefinition], maxActiveTasks: Int = 16, interruption: RunMachine.InterruptionPolicy = .policy) throws {
            let graph = try DAGGraph(DAGDefinition(id: "d", maxActiveTasks: maxActiveTasks, tasks: tasks))
            let run = DAGRun(dagID: "d", runID: "r", type: .manual, runAfter: now, queuedAt: now)
            machine = RunMachine(graph: graph, run: run, interruption: interruption) { "id" }
        }

        mutating func send(_ event: RunMachine.Event) -> [RunMachine.Action] { machine.handle(event, at: now, using: &random) }
        mutating func succeed(_ task: String, _ tryNumber: Int = 1) -> [RunMachine.Action] {
            send(.finished(task: task, tryNumber: tryNumber, .success(note: nil)))
        }
        mutating func fail(_ task: String, _ tryNumber: Int = 1) -> [RunMachine.Action] {
            send(.finished(task: task, tryNumber: tryNumber, .failed(reason: "no")))
        }
        func state(_ task: String) -> TaskState { machine.tasks.first { $0.taskID == task }!.state }
    }

    private func task(_ id: String, _ upstream: [String] = [], rule: TriggerRule = .allSuccess, retries: Int = 0) -> TaskDefinition {
        TaskDefinition(
            id: id, upstream: upstream, triggerRule: rule, retries: retries, retryDelay: .seconds(10), retryExponentialBackoff: true,
            maxRetryDelay: .seconds(35)
        ) { _ in }
    }

    @Test func aDiamondRunsInOrder() throws {
        var bench = try Bench([task("a"), task("b", ["a"]), task("c", ["a"]), task("d", ["b", "c"])])
        #expect(bench.send(.begin) == [.start(task: "a", tryNumber: 1)])
        #expect(bench.succeed("a") == [.start(task: "b", tryNumber: 1), .start(task: "c", tryNumber: 1)])
        #expect(bench.succeed("c") == [])
        #expect(bench.succeed("b") == [.start(task: "d", tryNumber: 1)])
        #expect(bench.succeed("d") == [.ended(.success)])
        #expect(bench.machine.run.endDate == bench.now)
    }

    @Test func retriesBackOffAndThenFail() throws {
        var bench = try Bench([task("a", retries: 3), task("b", ["a"])])
        _ = bench.send(.begin)
        for (tryNumber, delay) in [(1, 10), (2, 20), (3, 35)] {
            #expect(bench.fail("a", tryNumber) == [])
            #expect(bench.state("a") == .upForRetry)
            #expect(bench.machine.wakeAt == bench.now + .seconds(delay))
            bench.now = bench.now + .seconds(delay) + .microseconds(-1)
            #expect(bench.send(.tick) == [])
            bench.now = bench.now + .microseconds(1)
            #expect(bench.send(.tick) == [.start(task: "a", tryNumber: tryNumber + 1)])
        }
        #expect(bench.fail("a", 4) == [.ended(.failed)])
        #expect(bench.state("b") == .upstreamFailed)
        #expect(bench.machine.wakeAt == nil)
    }

    @Test func failureAndSkipGoAllTheWayDown() throws {
        var bench = try Bench([task("a"), task("b", ["a"]), task("c", ["b"]), task("always", ["c"], rule: .allDone)])
        _ = bench.send(.begin)
        #expect(bench.fail("a") == [.start(task: "always", tryNumber: 1)])
        #expect(bench.state("c") == .upstreamFailed)
        // The leaf decides.
        #expect(bench.succeed("always") == [.ended(.success)])

        bench = try Bench([task("a"), task("b", ["a"]), task("c", ["b"])])
        _ = bench.send(.begin)
        #expect(bench.send(.finished(task: "a", tryNumber: 1, .skipped(reason: "nothing to do"))) == [.ended(.success)])
        #expect(bench.state("c") == .skipped)
    }

    @Test func triggerRules() {
        let rules: [(TriggerRule, [TaskState], TriggerRule.Verdict)] = [
            (.allSuccess, [.success, .running], .wait), (.allSuccess, [.success, .failed], .upstreamFailed), (.allSuccess, [], .start),
            (.allSuccess, [.success, .skipped], .skip), (.allFailed, [.failed, .upstreamFailed], .start), (.allFailed, [.success], .skip),
            (.allDone, [.failed, .running], .wait), (.allDone, [.failed, .skipped], .start), (.oneSuccess, [.running, .success], .start),
            (.oneSuccess, [.failed], .upstreamFailed), (.oneFailed, [.running, .failed], .start), (.oneFailed, [.success], .skip),
            (.noneFailed, [.skipped, .success], .start), (.noneFailed, [.failed, .running], .upstreamFailed), (.always, [.running], .start),
        ]
        for (rule, upstream, verdict) in rules { #expect(rule.verdict(upstream) == verdict, "\(rule) \(upstream)") }
    }

    @Test func noMoreTasksRunThanMay() throws {
        var bench = try Bench((0..<4).map { task("t\($0)") }, maxActiveTasks: 2)
        #expect(bench.send(.begin).count == 2)
        #expect(bench.state("t2") == .scheduled)
        #expect(bench.succeed("t1") == [.start(task: "t2", tryNumber: 1)])
    }

    @Test func aLateReportOfAGivenUpTryChangesNothing() throws {
        var bench = try Bench([task("a", retries: 1)])
        _ = bench.send(.begin)
        _ = bench.send(.finished(task: "a", tryNumber: 1, .timedOut(reason: "late")))
        #expect(bench.succeed("a", 1) == [])
        bench.now = bench.now + .seconds(60)
        #expect(bench.send(.tick) == [.start(task: "a", tryNumber: 2)])
        #expect(bench.succeed("a", 1) == [])
        #expect(bench.state("a") == .running)
    }

    @Test func interruptedTriesFollowThePolicy() throws {
        let interrupted = RunMachine.Event.finished(task: "a", tryNumber: 1, .interrupted(reason: "died"))
        var bench = try Bench([task("a")])
        _ = bench.send(.begin)
        #expect(bench.send(interrupted) == [.ended(.failed)])
        bench = try Bench([task("a", retries: 1)])
        _ = bench.send(.begin)
        #expect(bench.send(interrupted) == [] && bench.state("a") == .upForRetry)
        bench = try Bench([task("a")], interruption: .retry)
        _ = bench.send(.begin)
        #expect(bench.send(interrupted) == [.start(task: "a", tryNumber: 2)])
        bench = try Bench([task("a", retries: 5)], interruption: .fail)
        _ = bench.send(.begin)
        #expect(bench.send(interrupted) == [.ended(.failed)])
    }

    @Test func aTryThatAStopCutOffGoesOnAtOnceAndCostsNoTry() throws {
        let stopped = RunMachine.Event.finished(task: "a", tryNumber: 1, .stopped(reason: "stopped"))
        var bench = try Bench([task("a", retries: 1)])
        _ = bench.send(.begin)
        _ = bench.machine.takeChanges()
        bench.machine.isDraining = true
        #expect(bench.send(stopped) == [] && bench.state("a") == .scheduled)
        #expect(bench.machine.takeChanges().tries.map(\.state) == [.failed])
        bench.machine.isDraining = false
        #expect(bench.send(.begin) == [.start(task: "a", tryNumber: 2)])
        // The one retry that it has is still to come.
        #expect(bench.fail("a", 2) == [] && bench.state("a") == .upForRetry)
        bench = try Bench([task("a", retries: 1)], interruption: .fail)
        _ = bench.send(.begin)
        #expect(bench.send(stopped) == [.ended(.failed)])
    }

    @Test func anEndedTryIsWrittenThoughTheNextHasBegun() throws {
        var bench = try Bench([task("a")], interruption: .retry)
        _ = bench.send(.begin)
        _ = bench.machine.takeChanges()
        _ = bench.send(.finished(task: "a", tryNumber: 1, .interrupted(reason: "died")))
        let tries = bench.machine.takeChanges().tries
        #expect(tries.map(\.tryNumber) == [1, 2] && tries.map(\.state) == [.failed, .running])
    }

    @Test func drainingStartsNothing() throws {
        var bench = try Bench([task("a"), task("b", ["a"])])
        _ = bench.send(.begin)
        bench.machine.isDraining = true
        #expect(bench.succeed("a") == [])
        #expect(bench.state("b") == .scheduled)
        bench.machine.isDraining = false
        #expect(bench.send(.begin) == [.start(task: "b", tryNumber: 1)])
    }

    @Test func aRunThatIsEndedCancelsWhatRuns() throws {
        var bench = try Bench([task("a"), task("b", ["a"])])
        _ = bench.send(.begin)
        #expect(bench.send(.override(.failed)) == [.cancel(task: "a"), .ended(.failed)])
        #expect(bench.state("a") == .failed && bench.state("b") == .skipped)
        #expect(bench.succeed("a") == [])
    }

    @Test func changesAreHandedOutOnce() throws {
        var bench = try Bench([task("a"), task("b", ["a"])])
        _ = bench.send(.begin)
        let first = bench.machine.takeChanges()
        #expect(first.run?.state == .running && first.tasks.map(\.taskID) == ["a", "b"])
        let second = bench.machine.takeChanges()
        #expect(second.run == nil && second.tasks.isEmpty)
        _ = bench.succeed("a")
        #expect(bench.machine.takeChanges().tasks.map(\.state) == [.success, .running])
    }
}
