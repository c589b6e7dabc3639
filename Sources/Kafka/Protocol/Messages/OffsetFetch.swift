/// OffsetFetch (key 9): a group's committed offsets.
///
/// v2: null asks for all partitions, group-level error. v5: leader epochs. v6: flexible. v7: only stable offsets (KIP-447).
/// v8: many groups at once (KIP-709). v9: member and epoch (KIP-848). v10 names topics by id and is not offered.
struct OffsetFetchRequest: KafkaRequest {
    typealias Response = OffsetFetchResponse
    static let key = APIKey.offsetFetch
    static let versions = APIVersions(served: 1...9, flexibleFrom: 6)

    /// One up to v7.
    var groups: [Group] = []
    var requireStable = false

    struct Group: WireStruct {
        var id = ""
        var memberID: String?
        var memberEpoch: Int32 = -1
        /// nil: all that the group has committed.
        var topics: [Topic]?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            if coder.version >= 9 {
                try coder.code(&memberID)
                try coder.code(&memberEpoch)
            }
            try coder.code(&topics)
            try coder.tags()
        }
    }

    typealias Topic = TopicPartitions<Int32>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 8 {
            try coder.code(&groups)
        } else {
            var group = groups.first ?? Group()
            try coder.code(&group.id)
            try coder.code(&group.topics)
            groups = [group]
        }
        if coder.version >= 7 { try coder.code(&requireStable) }
        try coder.tags()
    }
}

struct OffsetFetchResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    /// One up to v7, whose id is not on the wire.
    var groups: [Group] = []

    struct Group: WireStruct {
        var id = ""
        var topics: [Topic] = []
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            try coder.code(&topics)
            try coder.code(&error)
            try coder.tags()
        }
    }

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        /// -1: nothing committed.
        var committedOffset: Int64 = -1
        var committedLeaderEpoch: Int32 = -1
        var metadata: String?
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&committedOffset)
            if coder.version >= 5 { try coder.code(&committedLeaderEpoch) }
            try coder.code(&metadata)
            try coder.code(&error)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 { try coder.code(&throttleTimeMs) }
        if coder.version >= 8 {
            try coder.code(&groups)
        } else {
            var group = groups.first ?? Group()
            try coder.code(&group.topics)
            if coder.version >= 2 { try coder.code(&group.error) }
            groups = [group]
        }
        try coder.tags()
    }
}
