internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The scheduler in Airflow's role: it runs DAGs by timetable or trigger, keeps what happened in SQLite, and answers Airflow's
/// REST API v2.
///
/// A run that it has acknowledged survives power loss. A process that dies leaves tasks `running`; the next start takes each of
/// them up as a try that failed, to be retried or failed as its definition and `scheduler.interrupted` say.
package final class SchedulerServer: Sendable {
    /// Held, and locked, until the stop.
    private let folder: NIOLockedValueBox<DataFolder?>
    private let core: SchedulerCore
    private let listener: HTTPListener
    private let advertised: Endpoint?

    private init(folder: DataFolder, core: SchedulerCore, listener: HTTPListener, advertised: Endpoint?) {
        self.folder = NIOLockedValueBox(folder)
        self.core = core
        self.listener = listener
        self.advertised = advertised
    }

    /// The layout of the folder: SQLite file and logs.
    private static let layoutVersion = 1

    /// Returns when the API answers and what the last scheduler left has been taken up.
    ///
    /// - Throws: ``InvalidDAG``, ``DataFolderError``, ``ListenerError``, or what is wrong with the metadata.
    package static func start(_ configuration: SchedulerConfiguration, dags: [DAGDefinition], logger: Logger) async throws
        -> SchedulerServer
    {
        var graphs: [String: DAGGraph] = [:]
        for dag in dags {
            guard graphs.updateValue(try DAGGraph(dag), forKey: dag.id) == nil else {
                throw InvalidDAG(dag: dag.id, reason: "two DAGs have this id")
            }
        }
        let folder = try DataFolder(path: configuration.folder, box: "scheduler", version: layoutVersion)
        let core = SchedulerCore(
            store: try MetadataStore(folder: configuration.folder), graphs: graphs, configuration: configuration, logger: logger)
        let service = APIService(core: core)
        let bytesMax = configuration.requestBytesMax
        let guardian = RequestGuard(box: "scheduler", host: configuration.host, advertised: configuration.advertised)
        let listener: HTTPListener
        do {
            listener = try await HTTPListener.start(
                HTTPListener.Configuration(
                    box: "scheduler", endpoint: Endpoint(host: configuration.host, port: configuration.port),
                    portFlag: "--scheduler.port", connectionsMax: configuration.connectionsMax,
                    connectionIdle: configuration.connectionIdle, stopTimeout: configuration.stopTimeout),
                logger: logger
            ) { request in
                do throws(RequestRefusal) {
                    try guardian.check(request)
                } catch {
                    return response(.json(["detail": .string(error.description)], status: error.status.code))
                }
                return try await respond(request, service, bytesMax)
            }
        } catch {
            core.store.close()
            throw error
        }
        let recovered: Result<Void, any Error> = await core.perform(
            refused: { .failure(MetadataError.unusable(path: configuration.folder + "/" + MetadataStore.fileName, reason: "\($0)")) }
        ) { core, batch, now in
            Result { try core.recover(&batch, now) }
        }
        if case .failure(let error) = recovered {
            await listener.stop()
            await core.stop()
            throw error
        }
        logger.info("the scheduler listens on \(listener.bound) with \(dags.count) DAGs")
        return SchedulerServer(folder: folder, core: core, listener: listener, advertised: configuration.advertised)
    }

    /// The address really bound.
    package var endpoints: [Endpoint] { [listener.bound] }

    /// Where others reach the API: the advertised address, or the bound one.
    package var url: String { "http://\(advertised ?? listener.bound)" }

    /// Starts nothing more, cancels tasks under way and waits for them; the API goes on answering.
    package func drain() async { await core.drain() }

    /// Stops answering, cancels tasks under way and waits for them, and closes the metadata. May be called again.
    package func stop() async {
        await listener.stop()
        await core.stop()
        folder.withLockedValue { $0 = nil }
    }

    private static func respond(_ request: Request, _ service: APIService, _ bytesMax: Int) async throws -> Response {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: bytesMax)
        } catch is NIOTooManyBytesError {
            return response(
                .json(["detail": .string("the body is larger than scheduler.request.bytes.max (\(bytesMax) bytes)")], status: 413))
        }
        return response(
            await service.answer(
                APIRequest(
                    method: request.method.rawValue, target: request.head.path ?? "/", accept: request.headers[.accept] ?? "",
                    authorization: request.headers[.authorization] ?? "", body: body)))
    }

    private static func response(_ answer: APIAnswer) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        headers[.cacheControl] = "no-store"
        if let location = answer.location { headers[.location] = location }
        return Response(status: .init(code: answer.status), headers: headers, body: ResponseBody(byteBuffer: answer.body))
    }
}
