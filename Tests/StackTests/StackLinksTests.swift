import Foundation
import IO
import Testing

@testable import Stack

@Suite struct StackLinksTests {
    private func linked(_ flags: [(key: String, text: String)]) throws -> [String: (value: String, from: String)] {
        Dictionary(try StackConfiguration(flags: flags).linkedSettings().map { ($0.key, ($0.value, $0.from)) }) { $1 }
    }

    @Test func whatABoxDialsIsWhereTheOtherListensAndWhatABrowserIsSentToIsAdvertised() throws {
        let links = try linked([
            ("store.advertised", "outside:1"), ("broker.advertised", "outside:2"), ("console.advertised", "outside:3"),
            ("scheduler.advertised", "outside:4"), ("api.advertised", "outside:5"), ("store.port", "19042"),
        ])
        #expect(links["engine.cassandra.contact"]?.value == "127.0.0.1:19042")
        #expect(links["console.store"]?.value == "127.0.0.1:19042")
        // Kafka's clients are sent on to what a listener advertises.
        #expect(links["engine.kafka.bootstrap"]?.value == "127.0.0.1:29092")
        #expect(links["engine.kafka.bootstrap"]?.from == "broker.container.port")
        #expect(
            try linked([("broker.advertised", "a:1"), ("broker.container.advertised", "b:1")])["console.kafka"]?.value == "127.0.0.1:9092")
        #expect(links["console.scheduler"]?.value == "http://127.0.0.1:8080")
        #expect(links["console.api"]?.value == "http://127.0.0.1:8088/api/")
        #expect(links["scheduler.console"]?.value == "http://outside:3/dags")
    }

    @Test func aLinkSaysWhichSettingItComesFrom() throws {
        let links = try linked([("broker.use", "kafka-1:9092,kafka-2:9092"), ("console.store", "mine:1")])
        #expect(links["registry.kafka"]?.value == "kafka-1:9092,kafka-2:9092")
        #expect(links["registry.kafka"]?.from == "broker.use")
        #expect(links["console.engine"]?.from == "engine.port")
        #expect(links["console.store"] == nil, "what is set stands")
    }

    @Test func theConsoleIsGivenTheSchedulersPassword() throws {
        #expect(try linked([])["console.scheduler.password"] == nil)
        let links = try linked([("scheduler.password", "secret")])
        #expect(links["console.scheduler.username"]?.value == "airflow")
        #expect(links["console.scheduler.password"]?.value == "secret")
    }

    @Test func twoBoxesOnOnePortAreNamed() throws {
        let configuration = try StackConfiguration(flags: [("store.port", "9092")])
        let conflict = #expect(throws: PortConflict.self) { try configuration.checkPorts(of: Set(Box.allCases)) }
        #expect(conflict?.problem == "broker.port and store.port are both 9092")
        // A box that runs elsewhere takes none, and any free one is free.
        try StackConfiguration(flags: [("store.port", "9092"), ("broker.use", "kafka:1")]).checkPorts(of: Set(Box.allCases))
        try StackConfiguration(flags: Box.allCases.map { ("\($0.rawValue).port", "0") }).checkPorts(of: Set(Box.allCases))
    }

    @Test(arguments: [("api.use", "nonsense"), ("api.use", "ftp://host/"), ("broker.use", "kafka:port"), ("engine.use", ":")])
    func anAddressThatCanBeNoneIsRefused(key: String, text: String) {
        let error = #expect(throws: SettingError.self) { try StackConfiguration(flags: [(key, text)]) }
        #expect(error?.description.contains("'\(text)' is no value for \(key)") == true)
    }

    @Test func aNameThatStandsTwiceIsFoundWhereItStandsTheSecondTime() {
        let yaml = "api: embedded\nbroker:\n  port: 1\n  log:\n    port: 2\n  port: 3\n"
        let error = #expect(throws: ConfigurationFileError.self) { try ConfigurationFile(name: "leat.yaml", yaml: yaml) }
        #expect(error?.line == 6 && error?.problem.contains("'port' stands there twice") == true)
    }

    @Test func aLogFileIsPutAsideWhenItIsFull() throws {
        let folder = NSTemporaryDirectory() + "leat-log-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/leat.log"
        let output = try LogOutput(path: path, bytesMax: 100)
        for number in 0..<25 {
            var line = "line \(number) of ten bytes or so\n"
            line.withUTF8 { output.write(UnsafeRawBufferPointer($0)) }
        }
        let (now, before) = (try String(contentsOfFile: path, encoding: .utf8), try String(contentsOfFile: path + ".1", encoding: .utf8))
        #expect(now.utf8.count <= 100 && before.utf8.count <= 100)
        #expect(now.hasSuffix("line 24 of ten bytes or so\n"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
    }
}
