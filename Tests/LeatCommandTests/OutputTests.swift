import Foundation
import Leat
import Testing

@testable import LeatCommand

@Suite struct OutputTests {
    @Test func aReaderThatHasGoneIsTold() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        #expect(throws: OutputClosed.self) { try ViewOutput(descriptor: ends[1]).write("line\n") }
        var buffer = OutputBuffer(descriptor: ends[1])
        try buffer.append("line\n")
        #expect(throws: OutputClosed.self) { try buffer.flush() }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func whatAFullDiskDoesNotTakeIsCounted() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let output = ViewOutput(descriptor: full)
        #expect(output.loss == nil)
        try output.write("one\n")
        try output.write("two\n")
        #expect(output.loss == "2 lines of output could not be written: No space left on device")
    }

    private func status() throws -> PipelineStatus {
        let text = """
            {"pipeline": "users", "at": "", "uptimeSeconds": 1, "memoryMiB": 1, "problems": [],
             "users": {"fetched": 0, "retried": 0, "tryNumber": 0}, "topic": {"name": "users_created", "records": 0},
             "query": {"name": "users", "status": "", "isActive": true, "rows": 0, "batch": 0, "batchMilliseconds": 0, "lag": 0},
             "table": {"name": "k.t", "rows": 0}}
            """
        return try JSONDecoder().decode(PipelineStatus.self, from: Data(text.utf8))
    }

    /// What the view has written since the last look.
    private func drawn(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private func view(height: Int?, _ descriptor: CInt) -> LiveView {
        LiveView(
            addresses: (0..<8).map { .init(name: "Box \($0)", address: "127.0.0.1:\($0)") }, startup: .seconds(1), logPath: "",
            style: .plain, output: ViewOutput(descriptor: descriptor), size: { (80, height) })
    }

    @Test func aLowTerminalIsDrawnOverAndNotScrolled() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let low = view(height: 10, ends[1])
        try low.show(status())
        #expect(drawn(ends[0]).split(separator: "\n", omittingEmptySubsequences: false).count - 1 == 9)
        try low.show(status())
        #expect(drawn(ends[0]).hasPrefix("\u{1B}[9A\u{1B}[J"))
        try low.summary(status())
        #expect(drawn(ends[0]).contains("Stopped after"), "the last picture is whole")
    }

    @Test func whyAQueryEndedIsShownWhole() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var dead = try status()
        dead.query?.exception =
            "[STREAM_FAILED] Query [name = users] [id = 1, runId = 2] terminated with exception: the topic was deleted and created anew"
        dead.users.retried = 3
        dead.users.note = "no users came from the RandomUser API"
        try view(height: nil, ends[1]).show(dead)
        let words = drawn(ends[0]).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("ended with an error: the topic was deleted and created anew"))
        #expect(words.contains("the API failed 3 times") && words.contains("no users came from the RandomUser API"))
    }
}

@Suite struct CommandSettingsTests {
    let keys: Set<String> = ["data", "store.use", "broker.use"]

    @Test func aFlagIsNotTakenForTheValueBeforeIt() throws {
        let flags = SettingFlags(arguments: ["up", "--data", "--json"], keys: keys)
        #expect(flags.rest == ["up", "--json"] && flags.missing == ["data"])
        let error = #expect(throws: SettingFlagError.self) { try flags.check() }
        #expect(error?.problem == "--data wants a value")
    }

    @Test func aSettingThatACommandDoesNotReadIsRefused() throws {
        let flags = SettingFlags(arguments: ["cql", "--broker.use", "kafka:1"], keys: keys)
        let error = #expect(throws: SettingFlagError.self) { try flags.pairs(readBy: "leat cql", ["store.use"]) }
        #expect(error?.problem == "the setting broker.use has no effect on leat cql")
        #expect(try SettingFlags(arguments: ["--store.use", "a:1"], keys: keys).pairs(readBy: "leat cql", ["store.use"]).count == 1)
    }

    @Test func theBeginningOfASettingsNameIsSuggestedToo() {
        let keys = ["pipeline.rate", "pipeline.for", "broker.log.flush"]
        #expect(ConfigCommand.nearest(to: "pipline", among: keys) == "pipeline")
        #expect(ConfigCommand.nearest(to: "broker.lgo", among: keys) == "broker.log")
        #expect(ConfigCommand.nearest(to: "zzzzzz", among: keys) == nil)
    }
}
