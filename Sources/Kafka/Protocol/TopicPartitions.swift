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
