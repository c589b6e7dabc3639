/// What the start page shows: every box's health and, for each active query, the hops that its records take.
///
/// Times are milliseconds since 1970, rates are per second; what is not known is absent from the JSON.
struct FlowSnapshot: Codable, Sendable, Equatable {
    var time: Int64
    var refreshMilliseconds: Int64
    /// In the order of the stack; always all of them.
    var boxes: [BoxHealth]
    /// At least one: where no query runs, what is there of a pipeline.
    var flows: [Flow]

    struct Flow: Codable, Sendable, Equatable {
        /// The query's name, or its id, or the topic's name where nothing reads it.
        var id: String
        var title: String
        var verdict: Verdict
        var source: Source?
        var dag: DAGSnapshot?
        var topic: TopicSnapshot?
        var query: QuerySnapshot?
        var table: TableSnapshot?
        var drops: DropsSnapshot?
    }

    /// One sentence that a person reads first, and what to know beside it.
    struct Verdict: Codable, Sendable, Equatable {
        enum State: String, Codable, Sendable { case good, bad, idle }
        var state: State
        var title: String
        var explanation: String
    }

    /// The API, seen through what the DAG's tasks counted.
    struct Source: Codable, Sendable, Equatable {
        var name: String
        var fetched: Int64?
        var retried: Int64?
        var rate: Double?
        var history: [Double]?
        /// What the newest run's task says that has not succeeded: the API's last failure, as a rule.
        var problem: String?
    }
}

/// A box of the stack, as the console reaches it.
enum BoxID: String, Codable, Sendable, CaseIterable {
    case api, scheduler, broker, registry, engine, store, zookeeper

    var name: String {
        switch self {
        case .api: "RandomUser API"
        case .scheduler: "Scheduler"
        case .broker: "Broker"
        case .registry: "Schema Registry"
        case .engine: "Engine"
        case .store: "Store"
        case .zookeeper: "ZooKeeper"
        }
    }
}

struct BoxHealth: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        case up, down
        /// Asked for the first time, no answer yet.
        case waiting
        /// The configuration names no address.
        case unset
    }

    var id: BoxID
    var name: String
    var address: String
    /// Where a browser sees more, when it can.
    var link: String?
    var state: State
    var error: String?
    var detail: String?
    var latencyMilliseconds: Double?
    var checkedAt: Int64?
}

struct TopicSnapshot: Codable, Sendable, Equatable {
    var name: String
    var partitions: Int
    /// Between the log's start and its end.
    var records: Int64?
    var endOffset: Int64?
    var rate: Double?
    var history: [Double]?
    var newest: [RecordSnapshot] = []
    var problem: String?
}

struct RecordSnapshot: Codable, Sendable, Equatable {
    var partition: Int32
    var offset: Int64
    var timestamp: Int64
    /// Text, cut at `console.value.bytes`; bytes that are no UTF-8 show as replacement characters.
    var key: String?
    var value: String?
    var valueSize: Int
    var headers: [String: String]?
}

struct QuerySnapshot: Codable, Sendable, Equatable {
    var id: String
    var runID: String
    var name: String?
    var isActive: Bool
    var message: String
    var exception: String?
    var sources: [String] = []
    var topics: [String] = []
    var sink: String?
    /// Rows read since the log's start, as far as offsets tell.
    var rows: Int64?
    /// Records in the topic that the query has not read.
    var lag: Int64?
    var rate: Double?
    var history: [Double]?
    /// Newest first.
    var batches: [BatchSnapshot] = []
    var deadLetters: DeadLetterMetrics?
    /// For each topic and partition the offset that the next batch begins with.
    var endOffsets: [String: [String: Int64]] = [:]
}

struct BatchSnapshot: Codable, Sendable, Equatable {
    var id: Int64
    var time: Int64?
    var rows: Int64
    var durationMilliseconds: Double?
    var processedRowsPerSecond: Double?
    var outputRows: Int64?
}

/// What Leat's engine adds to Spark's progress, under `observedMetrics.leat`.
struct DeadLetterMetrics: Codable, Sendable, Equatable {
    var total: Int64
    var topic: String?
    var lastReason: String?
    var lastOffset: String?
}

struct TableSnapshot: Codable, Sendable, Equatable {
    var keyspace: String
    var name: String
    var rows: Int64?
    /// The last count plus the rows that the query has written since.
    var isEstimate: Bool
    var rate: Double?
    var history: [Double]?
    var columns: [String] = []
    /// The newest among a part of the table's rows, not among all.
    var isSample: Bool
    var newest: [RowSnapshot] = []
    var problem: String?
}

struct RowSnapshot: Codable, Sendable, Equatable {
    /// The primary key's values, joined.
    var key: String
    var writtenAt: Int64?
    var values: [String?]
}

struct DropsSnapshot: Codable, Sendable, Equatable {
    /// The dead-letter topic.
    var topic: String
    var count: Int64
    var first: DeadLetterSnapshot?
    var last: DeadLetterSnapshot?
    var problem: String?
}

struct DeadLetterSnapshot: Codable, Sendable, Equatable {
    var partition: Int32
    var offset: Int64
    var timestamp: Int64
    var reason: String?
    /// `topic[partition]@offset` of the record that was dropped.
    var source: String?
    var query: String?
    var key: String?
    var value: String?
}
