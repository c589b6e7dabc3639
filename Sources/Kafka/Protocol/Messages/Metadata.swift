/// Metadata (key 3): brokers, topics and who leads their partitions.
///
/// v1: null asks for all topics (v0: an empty list), controller, racks. v2: cluster id. v4: auto-creation may be declined.
/// v5: offline replicas. v7: leader epochs. v8: authorised operations (KIP-430). v9: flexible. v10: topic ids. v11: the cluster's
/// operations move to DescribeCluster. v12: topics by id alone. v13: a top-level error.
struct MetadataRequest: KafkaRequest {
    typealias Response = MetadataResponse
    static let key = APIKey.metadata
    static let versions = APIVersions(served: 0...13, flexibleFrom: 9)

    /// nil: all topics.
    var topics: [Topic]?
    var allowAutoTopicCreation = true
    var includeClusterAuthorizedOperations = false
    var includeTopicAuthorizedOperations = false

    struct Topic: WireStruct {
        var id = TopicID.zero
        var name: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            if coder.version >= 10 { try coder.code(&id) }
            try coder.code(&name)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version == 0 {
            var listed = topics ?? []
            try coder.code(&listed)
            topics = listed.isEmpty ? nil : listed
        } else {
            try coder.code(&topics)
        }
        if coder.version >= 4 { try coder.code(&allowAutoTopicCreation) }
        if (8...10).contains(coder.version) { try coder.code(&includeClusterAuthorizedOperations) }
        if coder.version >= 8 { try coder.code(&includeTopicAuthorizedOperations) }
        try coder.tags()
    }
}

struct MetadataResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var brokers: [Broker] = []
    var clusterID: String?
    var controllerID: Int32 = -1
    var topics: [Topic] = []
    /// `Int32.min`: not asked for.
    var clusterAuthorizedOperations: Int32 = .min
    var error = ErrorCode.none

    struct Broker: WireStruct {
        var nodeID: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var rack: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&nodeID)
            try coder.code(&host)
            try coder.code(&port)
            if coder.version >= 1 { try coder.code(&rack) }
            try coder.tags()
        }
    }

    struct Topic: WireStruct {
        var error = ErrorCode.none
        /// nil from v12 on, when an unknown id was asked for.
        var name: String?
        var id = TopicID.zero
        var isInternal = false
        var partitions: [Partition] = []
        var authorizedOperations: Int32 = .min

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            if coder.version < 12, name == nil { name = "" }
            try coder.code(&name)
            if coder.version >= 10 { try coder.code(&id) }
            if coder.version >= 1 { try coder.code(&isInternal) }
            try coder.code(&partitions)
            if coder.version >= 8 { try coder.code(&authorizedOperations) }
            try coder.tags()
        }
    }

    struct Partition: WireStruct {
        var error = ErrorCode.none
        var index: Int32 = 0
        var leaderID: Int32 = -1
        var leaderEpoch: Int32 = -1
        var replicas: [Int32] = []
        var inSyncReplicas: [Int32] = []
        var offlineReplicas: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            try coder.code(&index)
            try coder.code(&leaderID)
            if coder.version >= 7 { try coder.code(&leaderEpoch) }
            try coder.code(&replicas)
            try coder.code(&inSyncReplicas)
            if coder.version >= 5 { try coder.code(&offlineReplicas) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 { try coder.code(&throttleTimeMs) }
        try coder.code(&brokers)
        if coder.version >= 2 { try coder.code(&clusterID) }
        if coder.version >= 1 { try coder.code(&controllerID) }
        try coder.code(&topics)
        if (8...10).contains(coder.version) { try coder.code(&clusterAuthorizedOperations) }
        if coder.version >= 13 { try coder.code(&error) }
        try coder.tags()
    }
}
