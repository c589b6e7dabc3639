import IO
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import Testing

@testable import Console

@Suite("Looking at the boxes")
struct FlowGathererTests {
    @Test("events come once a refresh in the stream's form, the same to every listener, and stop when nobody listens")
    func events() async throws {
        try await withConsole(["refresh": "60ms"]) { console in
            #expect(await console.server.activity.rounds == 0)
            async let other = console.events(3)
            let events = try await console.events(3)
            #expect(events.count == 3)
            #expect(try await other.count == 3)
            let times = events.compactMap { $0["time"]?.integer }
            #expect(times.count == 3 && times == times.sorted() && Set(times).count == 3)
            #expect(events[0]["boxes"]?.elements.map { $0["id"]?.string } == BoxID.allCases.map(\.rawValue))
            #expect(try await eventually { await console.server.activity.listeners == 0 })
            let rounds = await console.server.activity.rounds
            try await Task.sleep(for: .milliseconds(200))
            #expect(await console.server.activity.rounds == rounds)
        }
    }

    @Test("listeners have a bound")
    func bound() async throws {
        let gatherer = FlowGatherer(boxes: Boxes(), configuration: try configuration(["listeners": "2"]), logger: quiet)
        let streams = [try await gatherer.listen(), try await gatherer.listen()]
        await #expect(throws: ConsoleError.tooManyListeners(2)) { _ = try await gatherer.listen() }
        await gatherer.stop()
        for stream in streams { for await _ in stream {} }
        await #expect(throws: ConsoleError.stopping) { _ = try await gatherer.listen() }
    }

    @Test("a box that refuses, one that is silent and one that is unset are each shown as such, and the rest goes on")
    func unreachable() async throws {
        let closed = try await closedPort()
        try await withSilentPort { silent in
            let settings = [
                "registry": "http://\(closed)", "scheduler": "http://\(silent)", "zookeeper": "\(silent)", "timeout": "300ms",
                "refresh": "100ms",
            ]
            try await withConsole(settings) { console in
                let started = ContinuousClock.now
                let first = try await console.events(1)[0]
                // The first event waits for half a refresh, not for the silent box's time-out.
                #expect(ContinuousClock.now - started < .seconds(5))
                #expect(first["boxes"]?.elements.count == BoxID.allCases.count)
                var boxes: [String: JSON] = [:]
                #expect(
                    try await eventually {
                        for box in try await console.events(1)[0]["boxes"]?.elements ?? [] { boxes[box["id"]?.string ?? ""] = box }
                        return ["registry", "scheduler", "zookeeper"].allSatisfy { boxes[$0]?["state"]?.string == "down" }
                    })
                #expect(boxes["registry"]?["error"]?.string?.contains("connection refused") == true)
                #expect(boxes["registry"]?["error"]?.string?.contains("\(closed)") == true)
                #expect(boxes["store"]?["state"]?.string == "unset")
                let verdict = try await console.events(1)[0]["flows"]?.elements.first?["verdict"]
                #expect(verdict?["state"]?.string == "bad")
                #expect(verdict?["title"]?.string?.contains("do not answer") == true)
            }
        }
    }

    @Test("a box that never answers is late, is asked once at a time, and holds up no event")
    func late() async throws {
        let asked = NIOLockedValueBox(0)
        var boxes = Boxes()
        boxes.registry = .init(address: "registry:8081") { _ in
            asked.withLockedValue { $0 += 1 }
            try await Task.sleep(for: .seconds(3_600))
            return ((), detail: "")
        }
        boxes.api = .init(address: "api:8088") { _ in ((), detail: "version 1.4") }
        let gatherer = FlowGatherer(
            boxes: boxes, configuration: try configuration(["timeout": "150ms", "refresh": "50ms"]), logger: quiet)
        let events = try await gatherer.listen()
        var seen: FlowSnapshot?
        for await _ in events {
            let snapshot = await gatherer.snapshot()
            seen = snapshot
            if snapshot.boxes.first(where: { $0.id == .registry })?.state == .down { break }
        }
        let registry = seen?.boxes.first { $0.id == .registry }
        #expect(registry?.error == "registry:8081 did not answer within 150ms")
        #expect(seen?.boxes.first { $0.id == .api }?.state == .up)
        #expect(asked.withLockedValue { $0 } == 1)
        await gatherer.stop()
    }

    @Test("what records hold reaches the page as JSON text, whatever it looks like")
    func escaping() async throws {
        let nasty = #"</script><img src=x onerror="alert(1)">"# + "\u{2028}\n\ndata: forged\u{0}"
        try await withConsole(
            hops: { hops in
                hops.boxes.broker = .init(address: "broker:9092") { _ in
                    let record = RecordSnapshot(
                        partition: 0, offset: 0, timestamp: 0, key: nasty, value: nasty, valueSize: nasty.utf8.count)
                    let topic = TopicSnapshot(name: "t", partitions: 1, records: 1, endOffset: 1, newest: [record])
                    return (
                        BrokerLook(brokers: 1, topics: [topic], endOffsets: ["t": ["0": 1]], startOffsets: ["t": ["0": 0]], drops: [:]),
                        detail: nasty
                    )
                }
            }
        ) { console in
            let event = try await console.events(1)[0]
            let record = event["flows"]?.elements.first?["topic"]?["newest"]?.elements.first
            #expect(record?["value"]?.string == nasty)
            let answer = try await console.ask("/api/flow")
            #expect(answer.headers.first(name: "content-type") == "application/json; charset=utf-8")
            #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
            #expect(try answer.json["flows"]?.elements.first?["topic"]?["newest"]?.elements.first?["value"]?.string == nasty)
        }
    }
}
