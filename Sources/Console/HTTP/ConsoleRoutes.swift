internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import NIOCore

/// The console's addresses: the pages, their files, and the JSON API that they (and anybody's scripts) read.
struct ConsoleRoutes: Sendable {
    let configuration: ConsoleConfiguration
    let gatherer: FlowGatherer
    let scheduler: SchedulerHop?
    let topics: TopicReader?

    /// What the API answers, for `/api` and the documentation.
    static let listing: [(path: String, about: String)] = [
        ("GET /api/flow", "Every box's health and each flow's hops."),
        ("GET /api/flow/events", "The same as server-sent events named flow, one a refresh while somebody listens."),
        ("GET /api/boxes", "Every box's health."),
        ("GET /api/topics", "The topics with their counts."),
        ("GET /api/topics/{topic}/records?partition=&offset=&limit=", "Records of a topic; the last ones where no offset is named."),
        ("GET /api/queries", "The streaming queries with their last batches."),
        ("GET /api/queries/{query}", "One query, by its id or its name."),
        ("GET /api/tables", "The tables that queries write, with their newest rows."),
        ("GET /api/dags", "The scheduler's DAGs with their last runs."),
        ("GET /api/dags/{dag}/runs/{run}", "A run's tasks."),
        ("GET /api/dags/{dag}/runs/{run}/tasks/{task}/log?try=", "The log of one try of a task."),
        ("POST /api/dags/{dag}/runs", "Triggers a run; the body is JSON and may hold conf, an object."),
    ]

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: GuardedAnswers(host: configuration.host, advertised: configuration.advertised))
        for file in StaticFile.all {
            router.get(RouterPath(file.path)) { request, _ in file.response(to: request) }
            router.head(RouterPath(file.path)) { request, _ in
                var response = file.response(to: request)
                response.body = ResponseBody()
                return response
            }
        }
        router.get("favicon.ico") { _, _ in Response(status: .movedPermanently, headers: [.location: "/static/icon.svg"]) }
        router.get("dags/**") { _, _ in Response(status: .found, headers: [.location: "/dags"]) }
        addFlow(to: router.group("api"))
        addDAGs(to: router.group("api/dags"))
        router.get("**") { request, _ -> Response in throw ConsoleError.notFound("page \(request.uri.path)") }
        return router
    }

    private struct Listing: Encodable {
        var path: String
        var about: String
    }

    private struct List<Element: Encodable>: Encodable {
        var time: Int64
        var list: [Element]
    }

    private func addFlow(to api: RouterGroup<BasicRequestContext>) {
        let gatherer = gatherer
        api.get { _, _ in JSONAnswer.response(Self.listing.map { Listing(path: $0.path, about: $0.about) }) }
        api.get("flow") { _, _ in JSONAnswer.response(await gatherer.snapshot()) }
        api.get("flow/events") { _, _ in EventStream.response(try await gatherer.listen()) }
        api.get("boxes") { _, _ in
            let snapshot = await gatherer.snapshot()
            return JSONAnswer.response(List(time: snapshot.time, list: snapshot.boxes))
        }
        api.get("topics") { _, _ in
            let looks = await gatherer.looked(.broker)
            try Self.check(looks.broker, .broker)
            return JSONAnswer.response(List(time: Timestamp.now, list: looks.broker.content?.topics ?? []))
        }
        api.get("topics/:topic/records") { [configuration, topics] request, context in
            guard let topics else { throw ConsoleError.notConfigured(box: "broker", setting: "console.kafka") }
            let range = TopicReader.Range(
                partition: try Self.number(request, "partition", 0...Int64(Int32.max)).map(Int32.init),
                offset: try Self.number(request, "offset", 0...Int64.max),
                limit: Int(try Self.number(request, "limit", 1...500) ?? Int64(configuration.recordsMax)))
            let records = try await topics.records(try Self.parameter(context, "topic"), range)
            return JSONAnswer.response(List(time: Timestamp.now, list: records))
        }
        api.get("queries") { _, _ in
            let snapshot = await gatherer.snapshot()
            return JSONAnswer.response(List(time: snapshot.time, list: snapshot.flows.compactMap(\.query)))
        }
        api.get("queries/:query") { _, context in
            let wanted = try Self.parameter(context, "query")
            let snapshot = await gatherer.snapshot()
            guard let query = snapshot.flows.compactMap(\.query).first(where: { $0.id == wanted || $0.name == wanted }) else {
                throw ConsoleError.notFound("query \(wanted)")
            }
            return JSONAnswer.response(query)
        }
        api.get("tables") { _, _ in
            let snapshot = await gatherer.snapshot()
            return JSONAnswer.response(List(time: snapshot.time, list: snapshot.flows.compactMap(\.table)))
        }
    }

    private func addDAGs(to api: RouterGroup<BasicRequestContext>) {
        let gatherer = gatherer
        let scheduler = scheduler
        let hop: @Sendable () throws(ConsoleError) -> SchedulerHop = { () throws(ConsoleError) in
            guard let scheduler else { throw .notConfigured(box: "scheduler", setting: "console.scheduler") }
            return scheduler
        }
        api.get { _, _ in
            let address = try hop().address
            let looks = await gatherer.looked(.scheduler)
            return JSONAnswer.response(
                DAGsAnswer(
                    time: Timestamp.now, address: address,
                    problem: looks.scheduler.error ?? (looks.scheduler.checkedAt == nil ? "no answer in time" : nil),
                    dags: looks.scheduler.content?.dags ?? []))
        }
        api.get(":dag/runs/:run") { _, context in
            let tasks = try await hop().tasks(dag: Self.parameter(context, "dag"), run: Self.parameter(context, "run"))
            return JSONAnswer.response(TasksAnswer(tasks: tasks))
        }
        api.get(":dag/runs/:run/tasks/:task/log") { request, context in
            let tryNumber = try Self.number(request, "try", 1...10_000) ?? 1
            let lines = try await hop().log(
                dag: Self.parameter(context, "dag"), run: Self.parameter(context, "run"), task: Self.parameter(context, "task"),
                tryNumber: Int(tryNumber))
            return JSONAnswer.response(LogAnswer(lines: lines))
        }
        api.post(":dag/runs") { request, context in
            let body = String(buffer: try await request.body.collect(upTo: 64 << 10))
            let json: JSON
            do {
                json = try body.isEmpty ? [:] : JSON(parsing: body)
            } catch {
                throw ConsoleError.malformed("the body is not JSON: \(error)")
            }
            guard case .object(let members) = json else { throw ConsoleError.malformed("the body has to be a JSON object") }
            let run = try await hop().trigger(dag: Self.parameter(context, "dag"), conf: members["conf"])
            return JSONAnswer.response(run)
        }
    }

    private static func parameter(_ context: BasicRequestContext, _ name: String) throws(ConsoleError) -> String {
        // The router hands on a path's parts as they came, encoded.
        guard let text = context.parameters.get(name).flatMap(HTTPProbe.decoded(part:)), !text.isEmpty, text.utf8.count <= 1_000 else {
            throw .malformed("the path's \(name) is missing, too long or not percent-encoded UTF-8")
        }
        return text
    }

    private static func number(
        _ request: Request, _ name: String, _ range: ClosedRange<Int64>
    ) throws(ConsoleError) -> Int64? {
        guard let text = request.uri.queryParameters[Substring(name)], !text.isEmpty else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw .malformed("\(name) has to be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func check<Content>(_ look: Look<Content>, _ box: BoxID) throws(ConsoleError) {
        if let error = look.error ?? (look.checkedAt == nil ? "no answer in time" : nil) {
            throw .unreachable(box: box.name.lowercased(), reason: error)
        }
    }
}
