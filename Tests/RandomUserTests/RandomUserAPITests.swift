import AsyncHTTPClient
import IO
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import RandomUser

/// The API over the wire.
@Suite("RandomUser API") struct RandomUserAPITests {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Starts the API on a free port with these settings, and stops it afterwards.
    static func withAPI<R>(_ settings: [String: String] = [:], _ body: (RandomUserAPI) async throws -> R) async throws -> R {
        var values = SettingValues(RandomUserConfiguration.settings)
        try values.set("api.port", to: "0", from: .builtIn)
        for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
        let api = try await RandomUserAPI.start(RandomUserConfiguration(values: values), logger: logger)
        do {
            let result = try await body(api)
            await api.stop()
            return result
        } catch {
            await api.stop()
            throw error
        }
    }

    static func get(_ url: String) async throws -> (status: Int, type: String, body: String, headers: [String: String]) {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
        let body = String(buffer: try await response.body.collect(upTo: 64 << 20))
        let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
        return (Int(response.status.code), headers["content-type"] ?? "", body, headers)
    }

    @Test func answersAtItsThreePaths() async throws {
        try await Self.withAPI { api in
            let base = "http://\(api.endpoints[0])"
            for path in ["/", "/api/", "/api", "/api/1.4/?seed=x"] {
                let answer = try await Self.get(base + path)
                #expect(answer.status == 200)
                #expect(answer.type == "application/json; charset=utf-8")
                #expect(answer.body.hasPrefix(#"{"results":[{"gender":""#))
                #expect(answer.body.contains(#""version":"1.4"}"#))
            }
            let lost = try await Self.get(base + "/api/1.2/")
            #expect(lost.status == 404 && lost.body.contains(#"{"error":"there is nothing at /api/1.2"#))
        }
    }

    @Test func parametersThatMeanNothingAreRefusedByName() async throws {
        try await Self.withAPI(["api.results.max": "100"]) { api in
            for (query, word) in [
                ("results=101", "results: '101'"), ("results=x", "results: 'x'"), ("nat=xx", "nat: 'xx'"), ("gender=robot", "gender"),
                ("format=xml", "xml is not served"), ("format=yaml", "yaml is not served"), ("inc=nme", "inc: 'nme'"),
                ("page=0", "page: '0'"),
            ] {
                let answer = try await Self.get("\(api.url)?\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(answer.body.hasPrefix(#"{"error":""#) && answer.body.contains(word), "\(answer.body)")
            }
            #expect(try await Self.get("\(api.url)?results=100&unheard=of").status == 200)
        }
    }

    @Test func seedIsShownAndEscaped() async throws {
        try await Self.withAPI { api in
            let answer = try await Self.get("\(api.url)?seed=a%22b&noinfo")
            #expect(!answer.body.contains("info"))
            #expect(try await Self.get("\(api.url)?seed=a%22b").body.contains(#""seed":"a\"b""#))
            let csv = try await Self.get("\(api.url)?format=csv&results=2")
            #expect(csv.type == "text/csv; charset=utf-8")
        }
    }

    @Test func replayGoesRoundTheRecordedOnes() async throws {
        let recorded = try Fixture.users()
        try await Self.withAPI(["api.replay": Fixture.path]) { api in
            let client = try RandomUserClient(RandomUserClientConfiguration(url: api.url), logger: Self.logger)
            let first = try await client.fetch(results: 30)
            #expect(first == Array(recorded[..<30]))
            let next = try await client.fetch(results: 100)
            #expect(next == (30..<130).map { recorded[$0 % recorded.count] })
            #expect(try await Self.get("\(api.url)?results=2&page=2").body.contains(recorded[2].login.uuid))
            #expect(try await Self.get("\(api.url)?format=csv").status == 400)
            await client.close()
        }
    }

    @Test func replayFilesThatAreNoneAreRefused() async throws {
        for text in [#"{"results":[]}"#, "[1]", #"{"results":[{"a":1}"#, "hello"] {
            let path = try TemporaryFile.write(text)
            let error = await #expect(throws: RecordedResponsesError.self) {
                try await Self.withAPI(["api.replay": path]) { _ in }
            }
            #expect(error?.place?.hasPrefix(path) == true)
        }
    }

    @Test func recordScanDoesNotMindWhereChunksEnd() throws {
        let text = #" {"info":{"results":[{}]},"results":[ {"a":"}]\"{"} , {"b":[{"c":1}]}]}  {"results":[{"d":2}]}"#
        let bytes = Array(text.utf8)
        var whole = RecordScan()
        #expect(bytes.withUnsafeBytes { whole.feed($0, at: 0) } == nil)
        #expect(whole.records.map { String(decoding: bytes[$0], as: UTF8.self) } == [#"{"a":"}]\"{"}"#, #"{"b":[{"c":1}]}"#, #"{"d":2}"#])
        var single = RecordScan()
        for (index, byte) in bytes.enumerated() { #expect(withUnsafeBytes(of: byte) { single.feed($0, at: index) } == nil) }
        #expect(single.records == whole.records && single.isComplete)
    }

    @Test func aTakenPortIsNamed() async throws {
        try await Self.withAPI { api in
            let error = await #expect(throws: ListenerError.self) {
                try await Self.withAPI(["api.port": "\(api.endpoints[0].port)"]) { _ in }
            }
            #expect(error?.description.contains("--api.port") == true)
        }
    }

    @Test func fiveThousandUsersAreOneAnswer() async throws {
        try await Self.withAPI { api in
            let client = try RandomUserClient(RandomUserClientConfiguration(url: api.url + "?seed=big"), logger: Self.logger)
            let users = try await client.fetch(results: 5_000)
            #expect(users.count == 5_000)
            #expect(Set(users.map(\.login.uuid)).count == 5_000)
            await client.close()
        }
    }
}

enum TemporaryFile {
    static func write(_ text: String) throws -> String {
        let path = "/tmp/leat-\(UInt64.random(in: 0...UInt64.max)).json"
        try DurableFile.replace(path, with: Array(text.utf8))
        return path
    }
}
