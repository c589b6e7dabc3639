package import IO

/// Where the console listens, where the boxes are that it shows, and how much of each it asks for.
package struct ConsoleConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("console.host", .text, default: "127.0.0.1", "The address that the console binds."),
        Setting("console.port", .integer(0...65_535), default: "9021", "The port of the console's pages; 0 takes any free one."),
        Setting(
            "console.advertised", .text, default: "",
            "The host:port that people type to reach the console; empty: the bound one. Requests that name another host are refused."),
        Setting("console.kafka", .text, default: "127.0.0.1:9092", "The Kafka brokers to show, as bootstrap servers; empty: none."),
        Setting("console.store", .text, default: "127.0.0.1:9042", "The Cassandra contact points to show; empty: none."),
        Setting("console.store.username", .text, default: "", "The user for a store that wants one."),
        Setting("console.store.password", .text, default: "", "The password for a store that wants one."),
        Setting("console.engine", .text, default: "127.0.0.1:15002", "The Spark Connect server to show; empty: none."),
        Setting("console.scheduler", .text, default: "http://127.0.0.1:8080", "The Airflow REST API to show; empty: none."),
        Setting("console.scheduler.username", .text, default: "", "The user for an Airflow that wants one."),
        Setting("console.scheduler.password", .text, default: "", "The password for an Airflow that wants one."),
        Setting("console.registry", .text, default: "http://127.0.0.1:8081", "The Schema Registry to show; empty: none."),
        Setting("console.api", .text, default: "http://127.0.0.1:8088/api/", "The RandomUser API to show; empty: none."),
        Setting("console.zookeeper", .text, default: "127.0.0.1:2181", "The ZooKeeper to show; empty: none."),
        Setting("console.refresh", .duration, default: "1s", "How often the boxes are asked while somebody looks."),
        Setting("console.timeout", .duration, default: "2s", "How long one box may take to answer before it is shown as down."),
        Setting("console.records", .integer(1...500), default: "20", "Last records of a topic that are shown."),
        Setting("console.rows", .integer(1...500), default: "12", "Newest rows of a table that are shown."),
        Setting("console.batches", .integer(1...100), default: "60", "Last batches of a query that are shown."),
        Setting("console.runs", .integer(1...100), default: "12", "Last runs of a DAG that are shown."),
        Setting("console.value.bytes", .bytes, default: "4KiB", "How much of a record's or column's value a page is given."),
        Setting("console.answer.bytes", .bytes, default: "4MiB", "The largest answer that is read from a box over HTTP."),
        Setting("console.flows", .integer(1...50), default: "10", "Flows that are shown, one for each active query."),
        Setting("console.topics", .integer(1...10_000), default: "1000", "Topics whose offsets are asked for."),
        Setting("console.dags", .integer(1...1_000), default: "50", "DAGs that are shown."),
        Setting(
            "console.count.interval", .duration, default: "1s",
            "The least time between two counts of a table's rows; a count that takes long is repeated more rarely."),
        Setting("console.count.timeout", .duration, default: "5s", "How long a count of a table's rows may take."),
        Setting("console.history", .integer(10...3_600), default: "60", "Points of each small chart, one for each refresh."),
        Setting("console.listeners", .integer(1...10_000), default: "64", "Pages that may follow the events at one time."),
        Setting("console.stop.timeout", .duration, default: "3s", "How long open requests may take to end when the console stops."),
    ]

    package var host: String
    package var port: Int
    package var advertised: Endpoint?
    var kafka: [Endpoint]
    var store: [Endpoint]
    var storeCredentials: Credentials?
    var engine: Endpoint?
    var scheduler: String?
    var schedulerCredentials: Credentials?
    var registry: String?
    var api: String?
    var zookeeper: Endpoint?
    var refresh: Duration
    var timeout: Duration
    var recordsMax: Int
    var rowsMax: Int
    var batchesMax: Int
    var runsMax: Int
    var valueBytesMax: Int
    var answerBytesMax: Int
    var flowsMax: Int
    var topicsMax: Int
    var dagsMax: Int
    var countInterval: Duration
    var countTimeout: Duration
    var historyMax: Int
    var listenersMax: Int
    var stopTimeout: Duration

    struct Credentials: Sendable {
        var username: String
        var password: String
    }

    /// - Parameter folder: ignored; the console keeps no state.
    /// - Throws: ``InvalidEndpoint`` for an address that is none.
    package init(values: SettingValues, folder: String = "") throws {
        host = values.text("console.host")
        port = values.integer("console.port")
        advertised = try Self.endpoint(values.text("console.advertised"), defaultPort: 80)
        kafka = try Endpoint.list(parsing: values.text("console.kafka"), defaultPort: 9_092)
        store = try Endpoint.list(parsing: values.text("console.store"), defaultPort: 9_042)
        storeCredentials = Self.credentials(values, "console.store")
        engine = try Self.endpoint(values.text("console.engine"), defaultPort: 15_002)
        scheduler = Self.url(values.text("console.scheduler"))
        schedulerCredentials = Self.credentials(values, "console.scheduler")
        registry = Self.url(values.text("console.registry"))
        api = Self.url(values.text("console.api"))
        zookeeper = try Self.endpoint(values.text("console.zookeeper"), defaultPort: 2_181)
        refresh = values.duration("console.refresh")
        timeout = values.duration("console.timeout")
        recordsMax = values.integer("console.records")
        rowsMax = values.integer("console.rows")
        batchesMax = values.integer("console.batches")
        runsMax = values.integer("console.runs")
        valueBytesMax = values.bytes("console.value.bytes")
        answerBytesMax = values.bytes("console.answer.bytes")
        flowsMax = values.integer("console.flows")
        topicsMax = values.integer("console.topics")
        dagsMax = values.integer("console.dags")
        countInterval = values.duration("console.count.interval")
        countTimeout = values.duration("console.count.timeout")
        historyMax = values.integer("console.history")
        listenersMax = values.integer("console.listeners")
        stopTimeout = values.duration("console.stop.timeout")
        guard refresh >= .milliseconds(50) else {
            throw SettingError.malformed(
                key: "console.refresh", text: refresh.text, complaint: "at least 50ms is wanted",
                origin: values.origin(of: "console.refresh"))
        }
    }

    private static func endpoint(_ text: String, defaultPort: Int) throws -> Endpoint? {
        text.isEmpty ? nil : try Endpoint(parsing: text, defaultPort: defaultPort)
    }

    private static func credentials(_ values: SettingValues, _ key: String) -> Credentials? {
        values.isSet("\(key).username")
            ? Credentials(username: values.text("\(key).username"), password: values.text("\(key).password")) : nil
    }

    /// An address as `host:port` or as a URL; without a slash at its end, except where a path follows.
    private static func url(_ text: String) -> String? {
        guard !text.isEmpty else { return nil }
        let url = text.contains("://") ? text : "http://" + text
        let afterScheme = url[(url.firstRange(of: "://")?.upperBound ?? url.startIndex)...]
        return afterScheme.hasSuffix("/") && afterScheme.dropLast().firstIndex(of: "/") == nil ? String(url.dropLast()) : url
    }
}
