internal import GRPCCore
internal import GRPCNIOTransportHTTP2
package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The Spark Connect listener: what PySpark, the console and `leat up` dial to see and steer the engine's queries.
package final class ConnectServer: Sendable {
    private typealias Transport = HTTP2ServerTransport.Posix

    /// The version of Spark whose behaviour is followed, which clients compare with their own.
    package static let sparkVersion = "4.3.0"

    /// The address really bound.
    package let endpoint: IO.Endpoint

    private let server: GRPCServer<Transport>
    private let serving: Task<Void, any Error>
    private let service: ConnectService
    private let grace: Duration

    /// Returns when the port is bound and answers.
    ///
    /// - Parameter engine: Runs plans; without one the server answers to streaming queries' commands alone.
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(
        _ configuration: ConnectConfiguration, queries: StreamingQueries, engine: Engine? = nil, logger: Logger
    ) async throws -> ConnectServer {
        func refusal(_ error: any Error) -> ListenerError {
            ListenerError(box: "engine", endpoint: configuration.endpoint, setting: "--engine.port", underlying: error)
        }
        let address: GRPCNIOTransportHTTP2.SocketAddress
        do {
            address = try resolve(configuration.endpoint)
        } catch {
            throw refusal(error)
        }
        let transport = Transport(
            address: address, transportSecurity: .plaintext,
            config: .defaults { config in
                config.rpc.maxRequestPayloadSize = configuration.requestBytesMax
                config.http2.maxConcurrentStreams = configuration.streamsMax
                // Commands are small and waited for: each answer goes out at once.
                config.connection.flushCoalescing = nil
                // grpcio's own pings would otherwise count as misbehaviour while no call is under way.
                config.connection.keepalive.clientBehavior.allowWithoutCalls = true
                config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(10)
            },
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup)
        let service = ConnectService(limits: configuration.limits, queries: queries, engine: engine, logger: logger)
        let server = GRPCServer(transport: transport, router: ConnectRouter<Transport>(service: service).router)
        let serving = Task { try await server.serve() }
        do {
            let bound = try await transport.listeningAddress
            let host = bound.ipv4?.host ?? bound.ipv6?.host ?? configuration.endpoint.host
            let port = bound.ipv4?.port ?? bound.ipv6?.port ?? configuration.endpoint.port
            let endpoint = IO.Endpoint(host: host, port: port)
            service.listen(host: host, port: port)
            logger.info("Spark Connect answers", metadata: ["endpoint": "\(endpoint)"])
            return ConnectServer(endpoint, server: server, serving: serving, service: service, grace: configuration.grace)
        } catch {
            // The transport's own error is that it does not listen; why is what serving ended with.
            if case .failure(let reason) = await serving.result { throw refusal(innermost(reason)) }
            throw refusal(error)
        }
    }

    private init(
        _ endpoint: IO.Endpoint, server: GRPCServer<Transport>, serving: Task<Void, any Error>, service: ConnectService, grace: Duration
    ) {
        self.endpoint = endpoint
        self.server = server
        self.serving = serving
        self.service = service
        self.grace = grace
    }

    /// Stops accepting, cancels what runs, and returns when the calls under way are answered or the grace time has passed.
    package func stop() async {
        server.beginGracefulShutdown()
        service.close()
        let cutOff = Task { [serving, grace] in
            try await Task.sleep(for: grace)
            serving.cancel()
        }
        _ = await serving.result
        cutOff.cancel()
    }

    private static func resolve(_ endpoint: IO.Endpoint) throws -> GRPCNIOTransportHTTP2.SocketAddress {
        let address = try NIOCore.SocketAddress.makeAddressResolvingHost(endpoint.host, port: endpoint.port)
        let host = address.ipAddress ?? endpoint.host
        switch address.protocol {
        case .inet6: return .ipv6(host: host, port: endpoint.port)
        default: return .ipv4(host: host, port: endpoint.port)
        }
    }

    private static func innermost(_ error: any Error) -> any Error {
        guard let error = error as? RuntimeError, let cause = error.cause else { return error }
        return innermost(cause)
    }
}
