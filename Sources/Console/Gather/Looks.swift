internal import IO

/// What one box gave when it was last looked at: what it said then, and how it fares now.
///
/// When a box falls silent the last content stays, so that the page shows where things stood beside the error.
struct Look<Content: Sendable>: Sendable {
    var content: Content?
    var detail: String?
    var error: String?
    var latencyMilliseconds: Double?
    var checkedAt: Int64?

    var isUp: Bool { checkedAt != nil && error == nil }
}

/// The last look at each box; nil stands for a box without an address.
struct Looks: Sendable {
    var api: Look<Void> = Look()
    var scheduler: Look<SchedulerLook> = Look()
    var broker: Look<BrokerLook> = Look()
    var registry: Look<Void> = Look()
    var engine: Look<EngineLook> = Look()
    var store: Look<StoreLook> = Look()
    var zookeeper: Look<Void> = Look()
}

struct SchedulerLook: Sendable {
    var dags: [DAGSnapshot]
}

struct BrokerLook: Sendable {
    var brokers: Int
    /// All topics but internal ones, by name; `newest` only for those asked for.
    var topics: [TopicSnapshot]
    /// For each topic and partition its end.
    var endOffsets: [String: [String: Int64]]
    var startOffsets: [String: [String: Int64]]
    /// By the topic whose records were dropped.
    var drops: [String: DropsSnapshot]

    func topic(_ name: String) -> TopicSnapshot? { topics.first { $0.name == name } }
}

struct EngineLook: Sendable {
    var queries: [QuerySnapshot]
}

struct StoreLook: Sendable {
    var release: String
    /// `keyspace.table` of every table that is not Cassandra's own.
    var tables: [String]
    /// Those that were asked for.
    var shown: [String: TableSnapshot]
    /// Where the last count is some seconds old: the query's rows at that time, to estimate the rows since.
    var rowsReadAtCount: [String: Int64]
}

/// What the flows want of broker and store, as known when a round begins.
struct Interest: Sendable {
    /// Topics whose records are shown, each with its dead-letter topic.
    var topics: [String: String] = [:]
    var sinks: [SinkInterest] = []
}

/// A query's sink, in whose description `keyspace.table` is looked for.
struct SinkInterest: Sendable {
    var description: String
    /// Newest records of the query's topics: their keys name the table's newest rows.
    var records: [RecordSnapshot]
    /// The rows that the query has read.
    var rowsRead: Int64?
}

/// How the console asks the boxes: one closure each, nil where no address is configured.
struct Boxes: Sendable {
    struct Probe<Content: Sendable>: Sendable {
        var address: String
        var link: String?
        /// The content, and what the box says of itself in a few words.
        var look: @Sendable (Interest) async throws -> (Content, detail: String)
    }

    var api: Probe<Void>?
    var scheduler: Probe<SchedulerLook>?
    var broker: Probe<BrokerLook>?
    var registry: Probe<Void>?
    var engine: Probe<EngineLook>?
    var store: Probe<StoreLook>?
    var zookeeper: Probe<Void>?
}
