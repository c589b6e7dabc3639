/// The kinds of request that this module knows, by their numbers on the wire.
package enum APIKey: Int16, Sendable, CaseIterable, CustomStringConvertible {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case initProducerID = 22
    case describeConfigs = 32
    case createPartitions = 37
    case deleteGroups = 42
    case describeCluster = 60

    /// Kafka's name for it.
    package var description: String {
        switch self {
        case .produce: "Produce"
        case .fetch: "Fetch"
        case .listOffsets: "ListOffsets"
        case .metadata: "Metadata"
        case .offsetCommit: "OffsetCommit"
        case .offsetFetch: "OffsetFetch"
        case .findCoordinator: "FindCoordinator"
        case .joinGroup: "JoinGroup"
        case .heartbeat: "Heartbeat"
        case .leaveGroup: "LeaveGroup"
        case .syncGroup: "SyncGroup"
        case .describeGroups: "DescribeGroups"
        case .listGroups: "ListGroups"
        case .apiVersions: "ApiVersions"
        case .createTopics: "CreateTopics"
        case .deleteTopics: "DeleteTopics"
        case .initProducerID: "InitProducerId"
        case .describeConfigs: "DescribeConfigs"
        case .createPartitions: "CreatePartitions"
        case .deleteGroups: "DeleteGroups"
        case .describeCluster: "DescribeCluster"
        }
    }

    /// The request that carries this key: the one list from which versions, headers and the ApiVersions answer are derived.
    var request: any KafkaRequest.Type {
        switch self {
        case .produce: ProduceRequest.self
        case .fetch: FetchRequest.self
        case .listOffsets: ListOffsetsRequest.self
        case .metadata: MetadataRequest.self
        case .offsetCommit: OffsetCommitRequest.self
        case .offsetFetch: OffsetFetchRequest.self
        case .findCoordinator: FindCoordinatorRequest.self
        case .joinGroup: JoinGroupRequest.self
        case .heartbeat: HeartbeatRequest.self
        case .leaveGroup: LeaveGroupRequest.self
        case .syncGroup: SyncGroupRequest.self
        case .describeGroups: DescribeGroupsRequest.self
        case .listGroups: ListGroupsRequest.self
        case .apiVersions: APIVersionsRequest.self
        case .createTopics: CreateTopicsRequest.self
        case .deleteTopics: DeleteTopicsRequest.self
        case .initProducerID: InitProducerIDRequest.self
        case .describeConfigs: DescribeConfigsRequest.self
        case .createPartitions: CreatePartitionsRequest.self
        case .deleteGroups: DeleteGroupsRequest.self
        case .describeCluster: DescribeClusterRequest.self
        }
    }

    var versions: APIVersions { request.versions }
}

/// The versions of one request.
struct APIVersions: Sendable, Equatable {
    /// Those that both ends here read and write.
    var served: ClosedRange<Int16>
    /// Those that the broker names in its ApiVersions answer.
    var advertised: ClosedRange<Int16>
    /// The first flexible version (KIP-482).
    var flexibleFrom: Int16

    init(served: ClosedRange<Int16>, advertised: ClosedRange<Int16>? = nil, flexibleFrom: Int16) {
        self.served = served
        self.advertised = advertised ?? served
        self.flexibleFrom = flexibleFrom
    }

    func isFlexible(_ version: Int16) -> Bool { version >= flexibleFrom }
}
