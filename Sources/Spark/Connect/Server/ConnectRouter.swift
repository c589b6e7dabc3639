internal import GRPCCore
internal import NIOCore

/// Joins gRPC's side to the service: bytes to messages, errors to statuses.
struct ConnectRouter<Transport: ServerTransport> {
    private let service: ConnectService
    private(set) var router = RPCRouter<Transport>()

    init(service: ConnectService) {
        self.service = service
        unary("Config", session: \ConfigRequest.session) { try service.config($0) }
        unary("AnalyzePlan", session: \AnalyzePlanRequest.session) { try await service.analyze($0) }
        unary("Interrupt", session: \InterruptRequest.session) { try service.interrupt($0) }
        unary("ReleaseExecute", session: \ReleaseExecuteRequest.session) { try service.release($0) }
        unary("ReleaseSession", session: \ReleaseSessionRequest.session) { await service.releaseSession($0) }
        unary("CloneSession", session: \CloneSessionRequest.session) { try service.cloneSession($0) }
        unary("GetStatus", session: \GetStatusRequest.session) { try service.status($0) }
        unary("ArtifactStatus", session: \ArtifactStatusesRequest.session) { try service.artifactStatuses($0) }
        unary("FetchErrorDetails", session: \FetchErrorDetailsRequest.session) { try service.errorDetails($0) }
        streaming("ExecutePlan", session: \ExecutePlanRequest.session) { try await service.execute($0, $1) }
        streaming("ReattachExecute", session: \ReattachExecuteRequest.session) { try await service.reattach($0, $1) }
        addArtifacts()
    }

    private func descriptor(_ method: String) -> MethodDescriptor {
        MethodDescriptor(service: SparkConnectMethod.service, method: method)
    }

    private mutating func unary<Request: ProtobufMessage>(
        _ method: String, session: any KeyPath<Request, SessionReference> & Sendable,
        _ handle: @escaping @Sendable (Request) async throws -> some ProtobufMessage
    ) {
        let service = service
        router.registerHandler(forMethod: descriptor(method), deserializer: RawBytes(), serializer: RawBytes()) { request, _ in
            var reference: SessionReference?
            do {
                let message: Request = try await Self.decode(request)
                reference = message[keyPath: session]
                return StreamingServerResponse(single: ServerResponse(message: try await handle(message).encoded))
            } catch {
                let kept = service.keep(error, for: reference)
                throw kept.error.rpcError(id: kept.id)
            }
        }
    }

    private mutating func streaming<Request: ProtobufMessage>(
        _ method: String, session: any KeyPath<Request, SessionReference> & Sendable,
        _ handle: @escaping @Sendable (Request, (ExecutePlanResponse) async throws -> Void) async throws -> Void
    ) {
        let service = service
        router.registerHandler(forMethod: descriptor(method), deserializer: RawBytes(), serializer: RawBytes()) { request, _ in
            StreamingServerResponse { writer in
                var reference: SessionReference?
                do {
                    let message: Request = try await Self.decode(request)
                    reference = message[keyPath: session]
                    try await handle(message) { try await writer.write($0.encoded) }
                    return [:]
                } catch {
                    let kept = service.keep(error, for: reference)
                    throw kept.error.rpcError(id: kept.id)
                }
            }
        }
    }

    /// The one call whose requests are a stream.
    private mutating func addArtifacts() {
        let service = service
        router.registerHandler(forMethod: descriptor("AddArtifacts"), deserializer: RawBytes(), serializer: RawBytes()) { request, _ in
            do {
                let requests = request.messages.map { bytes in
                    do throws(ProtobufError) {
                        return try AddArtifactsRequest(decoding: bytes)
                    } catch {
                        throw ConnectError.malformed("AddArtifactsRequest", error)
                    }
                }
                return StreamingServerResponse(single: ServerResponse(message: try await service.addArtifacts(requests).encoded))
            } catch {
                throw ConnectError(error).rpcError(id: nil)
            }
        }
    }

    private static func decode<Request: ProtobufMessage>(_ request: StreamingServerRequest<ByteBuffer>) async throws -> Request {
        for try await bytes in request.messages {
            do {
                return try Request(decoding: bytes)
            } catch {
                throw ConnectError.malformed("\(Request.self)", error)
            }
        }
        throw ConnectError.malformed("\(Request.self)", .truncated)
    }
}

enum SparkConnectMethod {
    static let service = ServiceDescriptor(package: "spark.connect", service: "SparkConnectService")
}
