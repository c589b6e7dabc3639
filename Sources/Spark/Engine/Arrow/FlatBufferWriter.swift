/// Writes a FlatBuffer, as far as Arrow's metadata needs: tables, vectors of tables and of structs, strings.
///
/// A FlatBuffer is built from its end, so that every offset points forward to what has been written; here the bytes are kept in
/// reverse until the end. Positions count from the end of the finished buffer. (FlatBuffers, "Internals".)
struct FlatBufferWriter {
    enum Field {
        case byte(Int, UInt8)
        case short(Int, Int16)
        case int(Int, Int32)
        case long(Int, Int64)
        /// A table, vector or string by its position.
        case reference(Int, Int)

        var id: Int {
            switch self {
            case .byte(let id, _), .short(let id, _), .int(let id, _), .long(let id, _), .reference(let id, _): id
            }
        }

        var size: Int {
            switch self {
            case .byte: 1
            case .short: 2
            case .int, .reference: 4
            case .long: 8
            }
        }
    }

    private var reversed: [UInt8] = []

    private mutating func pad(to alignment: Int, after count: Int) {
        while (reversed.count + count) % alignment != 0 { reversed.append(0) }
    }

    private mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            reversed.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// The distance from here to a position, as an offset of four bytes that is written next.
    private mutating func append(reference position: Int) {
        append(UInt32(reversed.count + 4 - position))
    }

    mutating func string(_ text: String) -> Int {
        let bytes = Array(text.utf8)
        pad(to: 4, after: bytes.count + 1)
        reversed.append(0)
        reversed.append(contentsOf: bytes.reversed())
        append(UInt32(bytes.count))
        return reversed.count
    }

    mutating func vector(_ references: [Int]) -> Int {
        pad(to: 4, after: references.count * 4)
        for position in references.reversed() { append(reference: position) }
        append(UInt32(references.count))
        return reversed.count
    }

    /// Structs of two longs, Arrow's `FieldNode` and `Buffer`.
    mutating func vector(_ pairs: [(Int64, Int64)]) -> Int {
        pad(to: 8, after: pairs.count * 16)
        for pair in pairs.reversed() {
            append(pair.1)
            append(pair.0)
        }
        append(UInt32(pairs.count))
        return reversed.count
    }

    mutating func table(_ fields: [Field]) -> Int {
        var places: [Int: Int] = [:]
        let before = reversed.count
        for field in fields.sorted(by: { $0.size > $1.size }) {
            pad(to: field.size, after: field.size)
            switch field {
            case .byte(_, let value): append(value)
            case .short(_, let value): append(value)
            case .int(_, let value): append(value)
            case .long(_, let value): append(value)
            case .reference(_, let position): append(reference: position)
            }
            places[field.id] = reversed.count
        }
        pad(to: 4, after: 4)
        let slots = (fields.map(\.id).max() ?? -1) + 1
        // The vtable comes right before the table.
        append(Int32(4 + 2 * slots))
        let table = reversed.count
        for id in (0..<slots).reversed() { append(UInt16(places[id].map { table - $0 } ?? 0)) }
        append(UInt16(table - before))
        append(UInt16(4 + 2 * slots))
        return table
    }

    /// The bytes with a table as their root, a multiple of eight long.
    mutating func finish(_ root: Int) -> [UInt8] {
        pad(to: 8, after: 4)
        append(reference: root)
        return reversed.reversed()
    }
}
