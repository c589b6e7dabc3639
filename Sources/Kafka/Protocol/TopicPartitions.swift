/// A topic's name and an entry for each of its partitions: the layout in which most messages about partitions are written.
///
/// What stands for a partition is the message's own; some give only its number.
struct TopicPartitions<Partition: WireStruct>: WireStruct {
    var name = ""
    var partitions: [Partition] = []

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&name)
        try coder.code(&partitions)
        try coder.tags()
    }
}

extension Int32: WireStruct {
    mutating func code(_ coder: inout some WireCoder) throws(WireError) { try coder.code(&self) }
}

/// A partition's number and what became of it: all that many answers say of a partition.
struct PartitionError: WireStruct {
    var index: Int32 = 0
    var error = ErrorCode.none

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&index)
        try coder.code(&error)
        try coder.tags()
    }
}

extension [TopicPartitions<PartitionError>] {
    /// The same error for every partition that has none.
    mutating func fail(_ error: ErrorCode) {
        for topic in indices {
            for index in self[topic].partitions.indices where self[topic].partitions[index].error == .none {
                self[topic].partitions[index].error = error
            }
        }
    }
}
