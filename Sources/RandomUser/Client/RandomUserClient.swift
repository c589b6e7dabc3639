internal import AsyncHTTPClient
internal import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL

/// Fetches users from any address of the API: an embedded one, or https://randomuser.me/api/.
///
/// A request that fails (an HTTP error, a time-out, a connection that breaks, no results, a body that is not the format, a 429) is
/// tried again after a pause, each failure counted by its reason; when the tries are used up the last reason is thrown. Nothing is
/// swallowed.
package final class RandomUserClient: Sendable {
    let configuration: RandomUserClientConfiguration
    private let http: HTTPClient
    private let logger: Logger
    private let counters = NIOLockedValueBox(Statistics())

    /// - Throws: ``RandomUserClientError`` for a certificate file that cannot be read.
    package init(_ configuration: RandomUserClientConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        var options = HTTPClient.Configuration()
        if let file = configuration.caFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            } catch {
                throw RandomUserClientError(url: configuration.url, failure: .certificates(file: file, reason: "\(error)"), attempts: 0)
            }
            options.tlsConfiguration = tls
        }
        options.timeout.connect = .nanoseconds(Int64(configuration.connectTimeout.inSeconds * 1e9))
        options.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(2, configuration.inFlightMax)
        // A connection that fails is a failed try here, counted and retried as every other.
        options.connectionPool.retryConnectionEstablishment = false
        options.decompression = .enabled(limit: .size(configuration.responseBytesMax))
        http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: options)
    }

    package var statistics: Statistics { counters.withLockedValue { $0 } }

    /// Closes the connections. The client cannot be used afterwards.
    package func close() async { try? await http.shutdown() }

    /// At least one and at most `results` users, in as many requests as the API's page size asks for.
    ///
    /// - Throws: ``RandomUserClientError`` when the tries are used up, `CancellationError`.
    package func fetch(results: Int) async throws -> [User] {
        var users: [User] = []
        while users.count < results {
            let page = try await fetchPage(min(results - users.count, configuration.resultsMax))
            if users.isEmpty { users = page } else { users += page }
        }
        return users
    }

    /// Users at a steady pace: `rate` a second for as long as `duration`, whatever the API and the consumer do in between.
    package func poll(rate: Double, for duration: Duration) -> UserPoll { UserPoll(client: self, rate: rate, duration: duration) }

    /// One request's worth of users, with retries.
    func fetchPage(_ results: Int) async throws -> [User] {
        var backoff = configuration.retry
        var attempts = 0
        while true {
            attempts += 1
            let failure: Failure
            do throws(Failure) {
                let users = try await attempt(results)
                counters.withLockedValue {
                    $0.requests += 1
                    $0.users += users.count
                }
                return users.count > results ? Array(users.prefix(results)) : users
            } catch {
                failure = error
            }
            try Task.checkCancellation()
            counters.withLockedValue { $0.record(failure) }
            var pause = backoff.next()
            if case .throttled(let after) = failure, let after { pause = max(pause, after) }
            guard attempts < configuration.attemptsMax, pause <= configuration.retryAfterMax else {
                throw RandomUserClientError(url: configuration.url, failure: failure, attempts: attempts)
            }
            logger.debug("the RandomUser API: \(failure.text); try \(attempts + 1) follows in \(pause.text)")
            try await Task.sleep(for: pause)
        }
    }

    func countSkipped(_ users: Int) { counters.withLockedValue { $0.skipped += users } }

    // MARK: one try

    private func attempt(_ results: Int) async throws(Failure) -> [User] {
        let body: ByteBuffer
        let status: UInt
        let retryAfter: Duration?
        do {
            var request = HTTPClientRequest(url: url(results))
            request.headers.add(name: "Accept", value: "application/json")
            request.headers.add(name: "User-Agent", value: "leat")
            let deadline = NIODeadline.now() + .nanoseconds(Int64(configuration.requestTimeout.inSeconds * 1e9))
            let response = try await http.execute(request, deadline: deadline)
            status = response.status.code
            retryAfter = response.headers.first(name: "Retry-After").flatMap { RetryAfter.pause($0) }
            body = try await response.body.collect(upTo: configuration.responseBytesMax)
        } catch let error as HTTPClientError {
            throw [.deadlineExceeded, .connectTimeout, .readTimeout].contains(error) ? .timeout : .connection("\(error)")
        } catch {
            throw .connection("\(error)")
        }
        if status == 429 { throw .throttled(retryAfter: retryAfter) }
        let answer: UserReader.Answer
        do throws(MalformedJSON) {
            answer = try Self.read(body)
        } catch {
            throw status == 200 ? .malformed("\(error)") : .http(status: status, message: nil)
        }
        guard status == 200, answer.error == nil else { throw .http(status: status, message: answer.error) }
        guard !answer.users.isEmpty else { throw .empty }
        return answer.users
    }

    private static func read(_ body: ByteBuffer) throws(MalformedJSON) -> UserReader.Answer {
        let result: Result<UserReader.Answer, MalformedJSON> = body.withUnsafeReadableBytes { bytes in
            Result { () throws(MalformedJSON) in try UserReader.read(bytes) }
        }
        return try result.get()
    }

    private func url(_ results: Int) -> String {
        configuration.url + (configuration.url.contains("?") ? "&" : "?") + "results=\(results)"
    }
}

extension RandomUserClient {
    /// Why a request failed.
    package enum Failure: Error, Sendable {
        case http(status: UInt, message: String?)
        case timeout
        case connection(String)
        case empty
        case malformed(String)
        case throttled(retryAfter: Duration?)
        case certificates(file: String, reason: String)

        /// The name that failures of this kind are counted under.
        package var reason: String {
            switch self {
            case .http: "http"
            case .timeout: "timeout"
            case .connection: "connection"
            case .empty: "empty"
            case .malformed: "malformed"
            case .throttled: "throttled"
            case .certificates: "certificates"
            }
        }

        package var text: String {
            switch self {
            case .http(let status, let message): "it answered \(status)" + (message.map { ": \($0)" } ?? "")
            case .timeout: "it did not answer in time"
            case .connection(let text): "the connection failed: \(text)"
            case .empty: "it answered without users"
            case .malformed(let text): "its answer is not the API's format: \(text)"
            case .throttled(let after): "it answered 429 (too many requests)" + (after.map { ", wait \($0.text)" } ?? "")
            case .certificates(let file, let reason): "the certificates in \(file) cannot be used: \(reason)"
            }
        }
    }

    /// What the client has done since it was made.
    package struct Statistics: Sendable {
        /// Requests answered with users.
        package var requests = 0
        package var users = 0
        /// Failed tries by ``Failure/reason``.
        package var failures: [String: Int] = [:]
        package var lastFailure: String?
        /// Users of a poll that were given up because the stall was longer than the backlog that is caught up.
        package var skipped = 0

        package var failureCount: Int { failures.values.reduce(0, +) }

        mutating func record(_ failure: Failure) {
            failures[failure.reason, default: 0] += 1
            lastFailure = failure.text
        }
    }
}

/// A request whose tries are used up, or a client that cannot be set up.
package struct RandomUserClientError: DescribedError {
    package let url: String
    package let failure: RandomUserClient.Failure
    package let attempts: Int

    package var place: String? { url }
    package var problem: String {
        "no users came from the RandomUser API: \(failure.text)" + (attempts > 1 ? " (the last of \(attempts) tries)" : "")
    }
    package var nextStep: String? {
        switch failure {
        case .certificates: "name a PEM file with api.ca_file"
        case .throttled: "ask less often, or wait as long as it says"
        case .connection(let text) where text.contains("CERTIFICATE_VERIFY_FAILED"): "name the certificates to trust with api.ca_file"
        default: "open the address in a browser; api.use names another one, `embedded` the one built in"
        }
    }
}
