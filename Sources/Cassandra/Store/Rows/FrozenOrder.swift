internal import NIOCore

/// Sets and maps that are kept as one value: in the order of their elements, each once, whatever order a client wrote them in. Two equal
/// sets are then equal bytes, as keys of partitions have to be.
///
/// Those whose elements are cells of their own need none of it: a cell's path is its element.
struct FrozenOrder: Sendable {
    /// The most that is looked into: deeper types are not parsed.
    private let type: CQLType

    /// Nil where values of the type have nothing to order.
    ///
    /// - Parameter isWhole: whether a set or map at the top is kept as one value; otherwise only what is within it is.
    init?(_ type: CQLType, isWhole: Bool) {
        let isFrozen = isWhole || type.isFrozen
        guard Self.hasOrder(type.unfrozen, isTop: true, isFrozen: isFrozen) else { return nil }
        self.type = type.unfrozen
    }

    private static func hasOrder(_ type: CQLType, isTop: Bool, isFrozen: Bool) -> Bool {
        switch type.unfrozen {
        case .set(let element): !isTop || isFrozen || hasOrder(element, isTop: false, isFrozen: true)
        case .map(let key, let value):
            !isTop || isFrozen || hasOrder(key, isTop: false, isFrozen: true) || hasOrder(value, isTop: false, isFrozen: true)
        case .list(let element): hasOrder(element, isTop: false, isFrozen: true)
        case .tuple(let types): types.contains { hasOrder($0, isTop: false, isFrozen: true) }
        default: false
        }
    }

    /// The value in order, appended to `output`.
    ///
    /// - Throws: ``CQLError`` where the bytes are no value of the type.
    func append(_ value: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CQLError) {
        guard value.count > 0 else { return }
        try Self.append(value, type, to: &output)
    }

    private static func append(_ value: UnsafeRawBufferPointer, _ type: CQLType, to output: inout ByteBuffer) throws(CQLError) {
        let type = type.unfrozen
        guard hasOrder(type, isTop: false, isFrozen: true) else {
            output.writeBytes(value)
            return
        }
        var reader = ValueReader(value)
        switch type {
        case .list(let element):
            let count = try reader.count(type)
            output.writeInteger(count)
            for _ in 0..<count { try appendElement(try reader.element(type), element, to: &output) }
        case .set(let element):
            var items: [Item] = []
            let order = try OrderedEncoding(element)
            for _ in 0..<(try reader.count(type)) { items.append(try Item(try reader.element(type), element, order)) }
            // Of equal ones the first stays.
            write(unique(items), to: &output)
        case .map(let key, let mapped):
            var items: [Item] = []
            let order = try OrderedEncoding(key)
            for _ in 0..<(try reader.count(type)) {
                var item = try Item(try reader.element(type), key, order)
                try appendElement(try reader.element(type), mapped, to: &item.bytes)
                items.append(item)
            }
            // Of equal keys the last one's value stays.
            write(unique(items.reversed()), to: &output)
        case .tuple(let types):
            for element in types where !reader.isAtEnd {
                if let field = try reader.optionalElement(type) {
                    try appendElement(field, element, to: &output)
                } else {
                    output.writeInteger(Int32(-1))
                }
            }
        default: break
        }
        guard reader.isAtEnd else { throw .invalid("Unexpected extraneous bytes after \(type) value") }
    }

    private static func appendElement(
        _ value: UnsafeRawBufferPointer, _ type: CQLType, to output: inout ByteBuffer
    ) throws(CQLError) {
        let lengthAt = output.writerIndex
        output.writeInteger(Int32(0))
        try append(value, type, to: &output)
        output.setInteger(Int32(output.writerIndex - lengthAt - 4), at: lengthAt)
    }

    /// An element of a set, or a key of a map with its value behind it.
    private struct Item {
        let order: [UInt8]
        var bytes = ByteBuffer()

        init(_ value: UnsafeRawBufferPointer, _ type: CQLType, _ encoding: OrderedEncoding) throws(CQLError) {
            try FrozenOrder.appendElement(value, type, to: &bytes)
            let arena = ByteArena()
            // What is written is in order already, so that equal elements have equal order.
            let failed: CQLError? = bytes.withUnsafeReadableBytes { bytes in
                do throws(CQLError) { try encoding.encode(UnsafeRawBufferPointer(rebasing: bytes[4...]), to: arena) } catch { return error }
                return nil
            }
            if let failed { throw failed }
            order = arena.array
        }
    }

    private static func unique(_ items: [Item]) -> [Item] {
        var seen: Set<[UInt8]> = []
        return items.filter { seen.insert($0.order).inserted }.sorted { $0.order.lexicographicallyPrecedes($1.order) }
    }

    private static func write(_ items: [Item], to output: inout ByteBuffer) {
        output.writeInteger(Int32(items.count))
        for item in items { output.writeImmutableBuffer(item.bytes) }
    }
}

extension BoundValues {
    /// The values with those in order that have a ``FrozenOrder``; the bytes are copied only where there is one.
    func ordered(_ orders: [FrozenOrder?]) throws(CQLError) -> BoundValues {
        var output = ByteBuffer()
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for (index, order) in orders.enumerated() {
            let entry = self[index]
            guard entry.length >= 0, let slice = slice(at: index) else {
                entries.append(entry)
                continue
            }
            let start = output.writerIndex
            if let order {
                let failed: CQLError? = slice.withUnsafeReadableBytes { bytes in
                    do throws(CQLError) { try order.append(bytes, to: &output) } catch { return error }
                    return nil
                }
                if let failed { throw failed }
            } else {
                output.writeImmutableBuffer(slice)
            }
            entries.append(Entry(start: Int32(start), length: Int32(output.writerIndex - start)))
        }
        return BoundValues(buffer: output, entries: entries)
    }
}
