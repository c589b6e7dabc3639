/// One whole number a group, which the operator sets itself: when a key is forgotten, how many rows a limit has let pass.
final class NumberState: Accumulator {
    var values: [Int64] = []

    func grow(to groups: Int) { values.grow(to: groups, 0) }
    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {}
    func carry(from: Int, to: Int) { values[to] = values[from] }
    func result(_ groups: Int) -> Column { Column(.long, count: groups, values: .long(Buffer(Array(values.prefix(groups))))) }
    func save(_ group: Int, into writer: inout StateWriter) { writer.write(number: values[group]) }
    func load(_ group: Int, from reader: inout StateReader) throws { values[group] = try reader.number() }
}
