/// FindCoordinator (key 10): the broker that coordinates a group or a transactional id.
///
/// v1: key types. v3: flexible. v4: many keys at once (KIP-699). v6: share groups, which are refused here.
/// librdkafka 2.0 joins groups only where v0 is advertised.
struct FindCoordinatorRequest: KafkaRequest {
    typealias Response = FindCoordinatorResponse
    static let key = APIKey.findCoordinator
    static let versions = APIVersions(served: 0...6, flexibleFrom: 3)

    static let groupKey: Int8 = 0
    static let transactionKey: Int8 = 1

    /// One key up to v3.
    var keys: [String] = []
    var keyType: Int8 = groupKey

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version <= 3 {
            var key = keys.first ?? ""
            try coder.code(&key)
            keys = [key]
        }
        if coder.version >= 1 { try coder.code(&keyType) }
        if coder.version >= 4 { try coder.code(&keys) }
        try coder.tags()
    }
}

struct FindCoordinatorResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    /// One up to v3, whose key is not on the wire.
    var coordinators: [Coordinator] = []

    struct Coordinator: WireStruct {
        var key = ""
        var nodeID: Int32 = -1
        var host = ""
        var port: Int32 = -1
        var error = ErrorCode.none
        var errorMessage: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&key)
            try coder.code(&nodeID)
            try coder.code(&host)
            try coder.code(&port)
            try coder.code(&error)
            try coder.code(&errorMessage)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        if coder.version >= 4 {
            try coder.code(&coordinators)
        } else {
            var coordinator = coordinators.first ?? Coordinator()
            try coder.code(&coordinator.error)
            if coder.version >= 1 { try coder.code(&coordinator.errorMessage) }
            try coder.code(&coordinator.nodeID)
            try coder.code(&coordinator.host)
            try coder.code(&coordinator.port)
            coordinators = [coordinator]
        }
        try coder.tags()
    }
}
