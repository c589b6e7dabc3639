import GRPCCore
import GRPCNIOTransportHTTP2
import IO
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Spark

/// The engine's settings as a whole, whether or not it lists the listener's among its own.
private let settingsOfEngineAndConnect: [Setting] = {
    let engine = EngineConfiguration.settings
    return engine + ConnectConfiguration.settings.filter { setting in !engine.contains { $0.key == setting.key } }
}()

/// A server over queries that the test makes up.
struct ConnectFixture {
    let server: ConnectServer
    let queries: StreamingQueries

    static func run<R>(_ settings: [String: String] = [:], _ body: (ConnectFixture) async throws -> R) async throws -> R {
        var values = SettingValues(settingsOfEngineAndConnect)
        try values.set("engine.port", to: "0", from: .builtIn)
        for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
        let queries = StreamingQueries { _ in throw CancellationError() }
        let server = try await ConnectServer.start(ConnectConfiguration(values: values), queries: queries, logger: quiet)
        do {
            let result = try await body(ConnectFixture(server: server, queries: queries))
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A query that "runs" until it is stopped.
    func addQuery(name: String?) throws -> StreamingQueryHandle {
        let handle = StreamingQueryHandle(id: StreamingQueryID(randomUUID()), runID: randomUUID(), name: name)
        try queries.register(handle)
        let queries = queries
        handle.attach(
            Task {
                try? await Task.sleep(for: .seconds(60))
                handle.finish(nil)
                queries.ended(handle)
            })
        return handle
    }

    /// A report of a batch of ten rows.
    static func progress(_ batch: Int64, of handle: StreamingQueryHandle) -> StreamingQueryProgress {
        StreamingQueryProgress(
            id: handle.id, runID: handle.runID, name: handle.name, startMicros: 1_700_000_000_000_000, batchID: batch, rows: 10,
            intervalSeconds: 1, durationSeconds: 0.01, durations: [("triggerExecution", 10)], sources: [], sinkDescription: "memory",
            outputRows: 10, deadLetters: 0, deadLettersTotal: 0)
    }

    func client() -> SparkConnectClient {
        SparkConnectClient(endpoint: server.endpoint, logger: Self.quiet)
    }

    /// One call by hand.
    func call(_ method: String, _ message: ByteBuffer) async throws -> [ByteBuffer] {
        try await withGRPCClient(
            transport: .http2NIOPosix(
                target: .ipv4(address: server.endpoint.host, port: server.endpoint.port), transportSecurity: .plaintext)
        ) { client in
            try await client.serverStreaming(
                request: ClientRequest(message: message),
                descriptor: MethodDescriptor(service: SparkConnectMethod.service, method: method), serializer: RawBytes(),
                deserializer: RawBytes(), options: .defaults
            ) { response in
                var answers: [ByteBuffer] = []
                for try await answer in response.messages { answers.append(answer) }
                return answers
            }
        }
    }
}

@Suite("Spark Connect's server")
struct ConnectServerTests {
    @Test("the client sees what runs: active queries, status, progress, exception; and stops it")
    func queries() async throws {
        try await ConnectFixture.run { fixture in
            let handle = try fixture.addQuery(name: "users")
            handle.update("Processing new data", isDataAvailable: true, isTriggerActive: true)
            for batch in Int64(0)..<3 { handle.report(ConnectFixture.progress(batch, of: handle)) }
            let client = fixture.client()
            let active = try await client.activeQueries()
            #expect(active == [ConnectStreamingQuery(id: handle.id.text, runID: handle.runID, name: "users")])
            let status = try await client.status(active[0].id)
            #expect(
                status == StreamingQueryStatus(message: "Processing new data", isDataAvailable: true, isTriggerActive: true, isActive: true)
            )
            let reports = try await client.recentProgress(active[0].id)
            #expect(reports.count == 3)
            for (batch, report) in reports.enumerated() { #expect(report.contains("\"batchId\":\(batch)")) }
            #expect(try await client.lastProgress(active[0].id) == reports.last)
            #expect(try await client.exception(active[0].id) == nil)
            try await client.stop(active[0].id)
            #expect(try await client.activeQueries().isEmpty)
            #expect(try await client.status(active[0].id).message == "Stopped")
            #expect(try await client.sparkVersion() == ConnectServer.sparkVersion)
            await client.close()
        }
    }

    @Test("a failed query's exception arrives whole")
    func exception() async throws {
        try await ConnectFixture.run { fixture in
            let handle = try fixture.addQuery(name: nil)
            let client = fixture.client()
            #expect(try await client.activeQueries().count == 1)
            let failure = StreamingQueryException(
                message: "[STREAM_FAILED] Query [id = x] terminated with exception: no such table", errorClass: "STREAM_FAILED",
                stackTrace: "cause")
            handle.finish(failure)
            #expect(try await client.exception(handle.id.text) == failure)
            await client.close()
        }
    }

    @Test("a query that is not there is an error that names it")
    func unknownQuery() async throws {
        try await ConnectFixture.run { fixture in
            let client = fixture.client()
            let error = await #expect(throws: SparkConnectClientError.self) { try await client.status("nothing") }
            #expect(error?.description.contains("nothing") == true)
            await client.close()
        }
    }

    @Test("the client goes on when the server has forgotten its session")
    func forgottenSession() async throws {
        try await ConnectFixture.run { fixture in
            _ = try fixture.addQuery(name: "users")
            let session = SessionReference(sessionID: randomUUID())
            // A released session stays closed for its id; the client must come back with another.
            _ = try await fixture.call("Config", ConfigRequest(session: session, operation: .getAll(prefix: nil)).encoded)
            _ = try await fixture.call("ReleaseSession", ReleaseSessionRequest(session: session).encoded)
            let error = await #expect(throws: RPCError.self) {
                try await fixture.call("Config", ConfigRequest(session: session, operation: .getAll(prefix: nil)).encoded)
            }
            #expect(error?.message.contains("INVALID_HANDLE.SESSION_CLOSED") == true)
        }
    }

    @Test("the client fails at once while nothing listens, and comes back when something does")
    func reconnects() async throws {
        var values = SettingValues(settingsOfEngineAndConnect)
        try values.set("engine.port", to: "0", from: .builtIn)
        let queries = StreamingQueries { _ in throw CancellationError() }
        let first = try await ConnectServer.start(ConnectConfiguration(values: values), queries: queries, logger: ConnectFixture.quiet)
        let client = SparkConnectClient(endpoint: first.endpoint, logger: ConnectFixture.quiet)
        #expect(try await client.activeQueries().isEmpty)
        await first.stop()
        await #expect(throws: SparkConnectClientError.self) { try await client.activeQueries() }
        try values.set("engine.port", to: "\(first.endpoint.port)", from: .builtIn)
        let second = try await ConnectServer.start(ConnectConfiguration(values: values), queries: queries, logger: ConnectFixture.quiet)
        let deadline = ContinuousClock.now + .seconds(10)
        var isBack = false
        while !isBack, ContinuousClock.now < deadline {
            isBack = (try? await client.activeQueries()) != nil
            if !isBack { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(isBack)
        await client.close()
        await second.stop()
    }

    @Test("what is not served is refused in Spark's form, with the name of the message and details to fetch")
    func refusals() async throws {
        try await ConnectFixture.run { fixture in
            let session = SessionReference(sessionID: randomUUID(), userID: "me")
            var writer = ProtobufWriter()
            session.write(into: &writer)
            writer.write(3) { $0.write(2) { $0.write(18) { _ in } } }
            let request = writer.buffer
            let error = await #expect(throws: RPCError.self) { try await fixture.call("ExecutePlan", request) }
            let thrown = try #require(error)
            #expect(thrown.code == .internalError)
            #expect(thrown.message.contains("Command.execute_external_command"))
            let details = try #require(thrown.metadata[binaryValues: "grpc-status-details-bin"].first { _ in true })
            let status = try ErrorStatus(decoding: ByteBuffer(bytes: details))
            #expect(status.code == 13)
            #expect(status.message == thrown.message)
            #expect(status.domain == "org.apache.spark")
            #expect(status.metadata["sqlState"] == "0A000")
            #expect(status.metadata["classes"]?.contains("java.lang.UnsupportedOperationException") == true)
            let id = try #require(status.metadata["errorId"])
            let answer = try await fixture.call("FetchErrorDetails", FetchErrorDetailsRequest(session: session, errorID: id).encoded)
            let fetched = try FetchErrorDetailsResponse(decoding: try #require(answer.first))
            #expect(fetched.message == thrown.message)
            #expect(fetched.errorClass == "UNSUPPORTED_FEATURE.SPARK_CONNECT_MESSAGE")
        }
    }

    @Test("artifacts are kept when their check sum is right, and a cloned session has them")
    func artifacts() async throws {
        try await ConnectFixture.run { fixture in
            let session = SessionReference(sessionID: randomUUID(), userID: "me")
            // The CRC-32 of "abc" is 0x352441C2.
            func artifact(_ name: String, crc: Int64) -> (inout ProtobufWriter) -> Void {
                { writer in
                    writer.write(1, name)
                    writer.write(2) { piece in
                        piece.write(1, "abc")
                        piece.write(2, crc)
                    }
                }
            }
            var writer = ProtobufWriter()
            session.write(into: &writer)
            writer.write(3) { batch in
                batch.write(1, artifact("cache/good", crc: 0x3524_41C2))
                batch.write(1, artifact("cache/bad", crc: 1))
            }
            _ = try await fixture.call("AddArtifacts", writer.buffer)
            func statuses(_ session: SessionReference) async throws -> ByteBuffer? {
                var writer = ProtobufWriter()
                session.write(into: &writer)
                writer.write(4, repeated: ["cache/good", "cache/bad"])
                return try await fixture.call("ArtifactStatus", writer.buffer).first
            }
            func exists(_ answer: ByteBuffer?) throws -> [String: Bool] {
                var reader = ProtobufReader(try #require(answer))
                var result: [String: Bool] = [:]
                while let number = try reader.next() {
                    guard number == 1 else { continue }
                    var entry = try reader.message()
                    var name = "", isThere = false
                    while let number = try entry.next() {
                        if number == 1 { name = try entry.string() }
                        if number == 2 {
                            var status = try entry.message()
                            while let number = try status.next() { if number == 1 { isThere = try status.bool() } }
                        }
                    }
                    result[name] = isThere
                }
                return result
            }
            #expect(try exists(try await statuses(session)) == ["cache/good": true, "cache/bad": false])
            let clone = randomUUID()
            var request = ProtobufWriter()
            session.write(into: &request)
            request.write(4, clone)
            let answer = try CloneSessionResponse(decoding: try #require(try await fixture.call("CloneSession", request.buffer).first))
            #expect(answer.newSessionID == clone)
            #expect(
                try exists(try await statuses(SessionReference(sessionID: clone, userID: "me"))) == [
                    "cache/good": true, "cache/bad": false,
                ])
        }
    }

    @Test("bytes that are no message are refused, and the connection and the server go on", arguments: ["Config", "ExecutePlan"])
    func malformedMessages(method: String) async throws {
        try await ConnectFixture.run { fixture in
            let error = await #expect(throws: RPCError.self) {
                try await fixture.call(method, ByteBuffer(bytes: [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]))
            }
            #expect(error?.message.contains("CONNECT_INVALID_PLAN.CANNOT_PARSE") == true)
            let client = fixture.client()
            let active = try await client.activeQueries()
            #expect(active.isEmpty)
            await client.close()
        }
    }

    @Test("bytes that are no HTTP/2 close their connection and no other")
    func malformedConnection() async throws {
        try await ConnectFixture.run { fixture in
            let client = fixture.client()
            _ = try await client.activeQueries()
            for text in ["GET / HTTP/1.1\r\nHost: 127.0.0.1:15002\r\n\r\n", "\u{0}\u{1}\u{2}garbage that is long enough to be no preface"] {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: fixture.server.endpoint.host, port: fixture.server.endpoint.port).get()
                try await channel.writeAndFlush(ByteBuffer(string: text))
                let giveUp = channel.eventLoop.scheduleTask(in: .seconds(10)) { channel.close(promise: nil) }
                try await channel.closeFuture.get()
                // A timer that can still be cancelled has not fired: it was the server that closed.
                let begin = giveUp.futureResult
                giveUp.cancel()
                await #expect(throws: (any Error).self) { try await begin.get() }
            }
            #expect(try await client.activeQueries().isEmpty)
            await client.close()
        }
    }

    @Test("a session id that is no UUID is refused; one that the server does not know any more is told so")
    func sessionHandles() async throws {
        try await ConnectFixture.run { fixture in
            func refusal(_ session: SessionReference) async -> String {
                do {
                    _ = try await fixture.call("Config", ConfigRequest(session: session, operation: .getAll(prefix: nil)).encoded)
                    return ""
                } catch {
                    return (error as? RPCError)?.message ?? "\(error)"
                }
            }
            #expect(await refusal(SessionReference(sessionID: "me")).contains("INVALID_HANDLE.FORMAT"))
            let stale = SessionReference(sessionID: randomUUID(), observedServerSideID: randomUUID())
            #expect(await refusal(stale).contains("INVALID_HANDLE.SESSION_CHANGED"))
        }
    }

    @Test("a long command gives signs of life, is ended for a reattach, and goes on from the last response seen")
    func reattach() async throws {
        try await ConnectFixture.run(["engine.connect.heartbeat": "5ms", "engine.connect.stream.duration": "50ms"]) { fixture in
            let handle = try fixture.addQuery(name: "users")
            let session = SessionReference(sessionID: randomUUID())
            let operation = randomUUID()
            let wait = StreamingQueryCommand(
                query: QueryInstanceID(id: handle.id.text, runID: handle.runID), .awaitTermination(timeoutMilliseconds: nil))
            let request = ExecutePlanRequest(
                session: session, plan: .command(.streamingQuery(wait)), operationID: operation, isReattachable: true)
            let first = try await fixture.call("ExecutePlan", request.encoded).map { try ExecutePlanResponse(decoding: $0) }
            #expect(!first.isEmpty)
            #expect(first.allSatisfy { $0.content == .progress && $0.operationID == operation })
            let last = try #require(first.last).responseID
            let release = ReleaseExecuteRequest(session: session, operationID: operation, untilResponseID: last)
            _ = try await fixture.call("ReleaseExecute", release.encoded)
            async let stopping: Void = handle.stop()
            var rest: [ExecutePlanResponse] = []
            var seen = last
            let deadline = ContinuousClock.now + .seconds(10)
            while rest.last?.content != .resultComplete, ContinuousClock.now < deadline {
                let reattach = ReattachExecuteRequest(session: session, operationID: operation, lastResponseID: seen)
                rest += try await fixture.call("ReattachExecute", reattach.encoded).map { try ExecutePlanResponse(decoding: $0) }
                seen = rest.last?.responseID ?? seen
            }
            await stopping
            #expect(rest.last?.content == .resultComplete)
            let results = rest.compactMap { response -> StreamingQueryCommandResult.Content? in
                guard case .streamingQuery(let result) = response.content else { return nil }
                return result.content
            }
            #expect(results == [.awaitTermination(isTerminated: true)])
            #expect(Set((first + rest).map(\.responseID)).count == first.count + rest.count, "no response came twice")

            _ = try await fixture.call(
                "ReleaseExecute", ReleaseExecuteRequest(session: session, operationID: operation, untilResponseID: nil).encoded)
            let gone = await #expect(throws: RPCError.self) {
                try await fixture.call(
                    "ReattachExecute", ReattachExecuteRequest(session: session, operationID: operation, lastResponseID: seen).encoded)
            }
            #expect(gone?.message.contains("INVALID_HANDLE.OPERATION_NOT_FOUND") == true)
        }
    }

    @Test("an interrupt ends what waits, by tag, and says what it ended")
    func interrupt() async throws {
        try await ConnectFixture.run(["engine.connect.heartbeat": "5ms"]) { fixture in
            let handle = try fixture.addQuery(name: "users")
            let session = SessionReference(sessionID: randomUUID())
            let operation = randomUUID()
            let wait = StreamingQueryCommand(
                query: QueryInstanceID(id: handle.id.text, runID: handle.runID), .awaitTermination(timeoutMilliseconds: nil))
            let request = ExecutePlanRequest(
                session: session, plan: .command(.streamingQuery(wait)), operationID: operation, tags: ["mine"], isReattachable: true)
            async let waiting = fixture.call("ExecutePlan", request.encoded)
            func interrupt(_ tag: String) async throws -> [String] {
                let answer = try await fixture.call("Interrupt", InterruptRequest(session: session, target: .tag(tag)).encoded)
                return try InterruptResponse(decoding: try #require(answer.first)).interruptedIDs
            }
            let deadline = ContinuousClock.now + .seconds(10)
            var ended: [String] = []
            while ended.isEmpty, ContinuousClock.now < deadline {
                let others = try await interrupt("another")
                #expect(others.isEmpty)
                ended = try await interrupt("mine")
            }
            #expect(ended == [operation])
            do {
                _ = try await waiting
                Issue.record("the call went on")
            } catch let error as RPCError {
                #expect(error.message.contains("OPERATION_CANCELED"))
            }
            #expect(handle.isActive, "the query itself runs on")
            await handle.stop()
        }
    }

    @Test("a taken port is an error that names the port and the setting")
    func takenPort() async throws {
        try await ConnectFixture.run { fixture in
            let error = await #expect(throws: ListenerError.self) {
                try await ConnectFixture.run(["engine.port": "\(fixture.server.endpoint.port)"]) { _ in }
            }
            #expect(error?.description.contains("\(fixture.server.endpoint.port)") == true)
            #expect(error?.description.contains("engine.port") == true)
            #expect(error?.description.contains("another process listens there") == true)
        }
    }

    @Test("a request longer than the old gRPC limit of 4 MiB is taken")
    func longRequest() async throws {
        try await ConnectFixture.run { fixture in
            let session = SessionReference(sessionID: randomUUID())
            let value = String(repeating: "x", count: 6 << 20)
            _ = try await fixture.call(
                "Config", ConfigRequest(session: session, operation: .set([KeyValue("long", value)], isSilent: false)).encoded)
            let answer = try await fixture.call("Config", ConfigRequest(session: session, operation: .isModifiable(["long"])).encoded)
            #expect(try ConfigResponse(decoding: try #require(answer.first)).pairs == [KeyValue("long", "true")])
        }
    }

    @Test("sessions are bounded: an idle one gives way, one in use does not")
    func sessionLimit() throws {
        var values = SettingValues(settingsOfEngineAndConnect)
        try values.set("engine.connect.sessions.max", to: "2", from: .builtIn)
        try values.set("engine.connect.session.idle", to: "0s", from: .builtIn)
        let idle = ConnectSessions(limits: try ConnectConfiguration(values: values).limits)
        for _ in 0..<5 { _ = try idle.session(SessionReference(sessionID: randomUUID())) }
        #expect(idle.count == 2)
        try values.set("engine.connect.session.idle", to: "1h", from: .builtIn)
        let busy = ConnectSessions(limits: try ConnectConfiguration(values: values).limits)
        for _ in 0..<2 { _ = try busy.session(SessionReference(sessionID: randomUUID())) }
        #expect(throws: ConnectError.self) { try busy.session(SessionReference(sessionID: randomUUID())) }
    }
}
