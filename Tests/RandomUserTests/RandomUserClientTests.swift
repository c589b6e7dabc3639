import IO
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import RandomUser

@Suite("RandomUser client") struct RandomUserClientTests {
    static let logger = RandomUserAPITests.logger

    static func configuration(
        _ url: String, attempts: Int = 200, requestTimeout: Duration = .seconds(30)
    ) -> RandomUserClientConfiguration {
        var configuration = RandomUserClientConfiguration(url: url)
        configuration.retry = Backoff(initial: .milliseconds(1), maximum: .milliseconds(5))
        configuration.attemptsMax = attempts
        configuration.requestTimeout = requestTimeout
        return configuration
    }

    @Test(arguments: ["error", "timeout", "empty", "malformed"])
    func faultsAreRetriedAndCounted(kind: String) async throws {
        let settings = ["api.fault.rate": "50", "api.fault.kinds": kind, "api.fault.hold": "300ms"]
        // Only the fault that is a time-out meets one, however slow the machine.
        let configuration: @Sendable (String) -> RandomUserClientConfiguration = {
            kind == "timeout" ? Self.configuration($0, requestTimeout: .milliseconds(150)) : Self.configuration($0)
        }
        try await RandomUserAPITests.withAPI(settings) { api in
            let client = try RandomUserClient(configuration(api.url), logger: Self.logger)
            for _ in 0..<12 { #expect(try await client.fetch(results: 1).count == 1) }
            let statistics = client.statistics
            #expect(statistics.requests == 12 && statistics.users == 12)
            let reason = kind == "error" ? "http" : kind
            #expect(statistics.failures.keys.sorted() == [reason])
            #expect(statistics.failures[reason]! > 0)
            #expect(statistics.lastFailure != nil)
            await client.close()
        }
    }

    @Test func retryAfterIsHonoured() async throws {
        try await RandomUserAPITests.withAPI(["api.fault.rate": "100", "api.fault.kinds": "throttle"]) { api in
            let client = try RandomUserClient(Self.configuration(api.url, attempts: 2), logger: Self.logger)
            let start = ContinuousClock.now
            let error = await #expect(throws: RandomUserClientError.self) { try await client.fetch(results: 1) }
            #expect(ContinuousClock.now - start >= .seconds(1))
            #expect(error?.attempts == 2)
            #expect(client.statistics.failures == ["throttled": 2])
            await client.close()
        }
    }

    @Test func aLongerRetryAfterThanIsWaitedForIsAnError() async throws {
        let settings = ["api.fault.rate": "100", "api.fault.kinds": "throttle", "api.fault.retry-after": "1h"]
        try await RandomUserAPITests.withAPI(settings) { api in
            let client = try RandomUserClient(Self.configuration(api.url), logger: Self.logger)
            let error = await #expect(throws: RandomUserClientError.self) { try await client.fetch(results: 1) }
            #expect(error?.problem.contains("429") == true && error?.attempts == 1)
            await client.close()
        }
    }

    @Test func nobodyListeningIsAnErrorThatSaysSo() async throws {
        let client = try RandomUserClient(Self.configuration("http://127.0.0.1:1/api/", attempts: 3), logger: Self.logger)
        let error = await #expect(throws: RandomUserClientError.self) { try await client.fetch(results: 1) }
        #expect(error?.description.hasPrefix("http://127.0.0.1:1/api/: ") == true)
        #expect(client.statistics.failures == ["connection": 3])
        await client.close()
    }

    @Test func refusedParametersAreGivenInTheServersWords() async throws {
        try await RandomUserAPITests.withAPI { api in
            let client = try RandomUserClient(Self.configuration(api.url + "?nat=xx", attempts: 1), logger: Self.logger)
            let error = await #expect(throws: RandomUserClientError.self) { try await client.fetch(results: 1) }
            #expect(error?.problem.contains("nat: 'xx'") == true)
            await client.close()
        }
    }

    @Test func pollGivesEveryDueUser() async throws {
        try await RandomUserAPITests.withAPI(["api.fault.rate": "20", "api.fault.kinds": "error,empty,malformed"]) { api in
            let client = try RandomUserClient(Self.configuration(api.url), logger: Self.logger)
            let start = ContinuousClock.now
            var count = 0
            for try await user in client.poll(rate: 5_000, for: .seconds(1)) {
                #expect(!user.login.uuid.isEmpty)
                count += 1
            }
            #expect(count == 5_000)
            #expect(ContinuousClock.now - start >= .milliseconds(900))
            #expect(client.statistics.skipped == 0)
            await client.close()
        }
    }

    @Test func tlsTrustsTheNamedAuthorityAndNoOther() async throws {
        let server = try await TLSServer.start()
        let ca = try TemporaryFile.write(TestCertificates.authority)
        var configuration = Self.configuration("https://127.0.0.1:\(server.port)/api/", attempts: 1)
        configuration.requestTimeout = .seconds(5)
        let stranger = try RandomUserClient(configuration, logger: Self.logger)
        let error = await #expect(throws: RandomUserClientError.self) { try await stranger.fetch(results: 1) }
        #expect(error?.description.contains("CERTIFICATE_VERIFY_FAILED") == true)
        #expect(error?.nextStep?.contains("api.ca_file") == true)
        await stranger.close()

        configuration.caFile = ca
        let client = try RandomUserClient(configuration, logger: Self.logger)
        let user = try await client.fetch(results: 1)[0]
        #expect(user.first == "Ada" && user.location.postcode == "0815")
        await client.close()
        try await server.channel.close()
    }

    @Test func aMissingCertificateFileIsNamed() {
        var configuration = Self.configuration("https://127.0.0.1:1/")
        configuration.caFile = "/nonexistent.pem"
        #expect(throws: RandomUserClientError.self) { try RandomUserClient(configuration, logger: Self.logger) }
    }
}

@Suite("Poll schedule") struct PollScheduleTests {
    private func schedule(rate: Double, seconds: Int = 60, backlog: Duration = .seconds(10)) -> PollSchedule {
        PollSchedule(rate: rate, duration: .seconds(seconds), backlog: backlog, resultsMax: 5_000, requestsPerSecondMax: 20)
    }

    @Test func oneASecondIsOneRequestASecond() {
        var schedule = schedule(rate: 1, seconds: 3)
        #expect(schedule.next(at: .zero) == .fetch(1))
        #expect(schedule.next(at: .milliseconds(1)) == .wait(until: .milliseconds(50)))
        #expect(schedule.next(at: .milliseconds(50)) == .wait(until: .seconds(1)))
        #expect(schedule.next(at: .seconds(1)) == .fetch(1))
        #expect(schedule.next(at: .seconds(2)) == .fetch(1))
        #expect(schedule.next(at: .seconds(2)) == .finished)
    }

    @Test func aLateSchedulerCatchesUp() {
        var schedule = schedule(rate: 100)
        #expect(schedule.next(at: .zero) == .fetch(1))
        #expect(schedule.next(at: .seconds(2)) == .fetch(200))
        #expect(schedule.skipped == 0)
    }

    @Test func aStallBeyondTheBacklogIsGivenUpAndCounted() {
        var schedule = schedule(rate: 100, backlog: .seconds(1))
        #expect(schedule.next(at: .zero) == .fetch(1))
        #expect(schedule.next(at: .seconds(30)) == .fetch(100))
        #expect(schedule.skipped == 2_900)
        #expect(schedule.next(at: .seconds(60)) == .fetch(100))
        #expect(schedule.next(at: .seconds(60)) == .finished)
    }

    @Test func highRatesUseFullPagesWithoutWaiting() {
        var schedule = schedule(rate: 100_000, seconds: 1)
        #expect(schedule.next(at: .milliseconds(120)) == .fetch(5_000))
        #expect(schedule.next(at: .milliseconds(120)) == .fetch(5_000))
        #expect(schedule.next(at: .milliseconds(120)) == .wait(until: .milliseconds(170)))
    }

    @Test func usersThatDidNotComeAreStillOwed() {
        var schedule = schedule(rate: 10, seconds: 1)
        #expect(schedule.next(at: .seconds(5)) == .fetch(10))
        schedule.fellShort(by: 4)
        #expect(schedule.next(at: .seconds(6)) == .fetch(4))
        #expect(schedule.next(at: .seconds(6)) == .finished)
    }
}

@Suite("Reading users") struct UserReaderTests {
    private func read(_ text: String) throws -> UserReader.Answer {
        try Array(text.utf8).withUnsafeBytes { try UserReader.read($0) }
    }

    @Test func recordedUsersAreReadWhole() throws {
        let users = try Fixture.users()
        #expect(users.count == 42)
        #expect(users.allSatisfy { !$0.login.uuid.isEmpty && !$0.picture.medium.isEmpty && !$0.location.postcode.isEmpty })
        #expect(users.contains { $0.identityValue == nil } && users.contains { $0.identityValue != nil })
    }

    @Test(arguments: [
        #"{"results":[{"gender":5}]}"#, #"{"results":{}}"#, #"{"info":{}}"#, "[]", "null", #"{"results":[]} x"#,
        #"{"results":[{"dob":{"age":1.5}}]}"#, #"{"results":[{"email":"\x"}]}"#,
    ]) func wrongShapesAreMalformed(text: String) {
        #expect(throws: MalformedJSON.self) { try read(text) }
    }
}

/// An HTTPS server that gives one user, with a certificate of the tests' own authority.
struct TLSServer {
    let channel: any Channel
    let port: Int

    static func start() async throws -> TLSServer {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(TestCertificates.server.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(TestCertificates.serverKey.utf8), format: .pem)))
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(OneUser())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return TLSServer(channel: channel, port: channel.localAddress!.port!)
    }

    private final class OneUser: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let body = ByteBuffer(string: #"{"results":[{"name":{"first":"Ada"},"location":{"postcode":"0815"}}]}"#)
            let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)"]
            context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
