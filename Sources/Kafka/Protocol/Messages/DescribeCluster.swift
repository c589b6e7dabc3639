/// DescribeCluster (key 60): the cluster's id and brokers.
///
/// v0: flexible from the start. v1: endpoint type (KIP-919). v2: fenced brokers.
struct DescribeClusterRequest: KafkaRequest {
    typealias Response = DescribeClusterResponse
    static let key = APIKey.describeCluster
    static let versions = APIVersions(served: 0...2, flexibleFrom: 0)

    static let brokersEndpoint: Int8 = 1

    var includeClusterAuthorizedOperations = false
    var endpointType = brokersEndpoint
    var includeFencedBrokers = false

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&includeClusterAuthorizedOperations)
        if coder.version >= 1 { try coder.code(&endpointType) }
        if coder.version >= 2 { try coder.code(&includeFencedBrokers) }
        try coder.tags()
    }
}

struct DescribeClusterResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var errorMessage: String?
    var endpointType = DescribeClusterRequest.brokersEndpoint
    var clusterID = ""
    var controllerID: Int32 = -1
    var brokers: [Broker] = []
    var clusterAuthorizedOperations: Int32 = .min

    struct Broker: WireStruct {
        var nodeID: Int32 = 0
        var host = ""
        var port: Int32 = 0
        var rack: String?
        var isFenced = false

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&nodeID)
            try coder.code(&host)
            try coder.code(&port)
            try coder.code(&rack)
            if coder.version >= 2 { try coder.code(&isFenced) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&error)
        try coder.code(&errorMessage)
        if coder.version >= 1 { try coder.code(&endpointType) }
        try coder.code(&clusterID)
        try coder.code(&controllerID)
        try coder.code(&brokers)
        try coder.code(&clusterAuthorizedOperations)
        try coder.tags()
    }
}
