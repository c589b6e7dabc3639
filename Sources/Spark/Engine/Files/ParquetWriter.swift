/// Writes rows as a Parquet file: pages of version 1, plain values, levels in runs, a row group whenever enough bytes have come together.
///
/// The footer carries Spark's own schema beside Parquet's, as Spark's files do, so that both read back the same types.
final class ParquetWriter: FileEncoder {
    private let layout: ParquetLayout
    private let packer: ParquetPacker
    private let groupBytes: Int
    private let leaves: [ParquetLeafWriter]
    private var offset: Int64 = 0
    private var rowsInGroup: Int64 = 0
    private var rowCount: Int64 = 0
    private var groups: [(inout ThriftWriter) -> Void] = []
    private static let magic = Array("PAR1".utf8)

    init(_ layout: ParquetLayout, codec: ParquetCodec, groupBytes: Int) {
        self.layout = layout
        self.groupBytes = groupBytes
        packer = ParquetPacker(codec)
        leaves = layout.leaves.map(ParquetLeafWriter.init)
    }

    // MARK: Rows

    func append(_ batch: ResultBatch, to file: PartFile) throws {
        guard batch.count > 0 else { return }
        for (column, node) in zip(batch.columns, layout.columns) {
            try shred(column, node, ParquetPlaces(rows: nil, count: batch.count), 0)
        }
        for leaf in leaves { try leaf.closePage(packer, isLast: false) }
        rowsInGroup += Int64(batch.count)
        if leaves.reduce(0, { $0 + $1.byteCount }) >= groupBytes { try closeGroup(file) }
    }

    private func shred(_ column: Column, _ node: ParquetLayout.Node, _ places: ParquetPlaces, _ repetition: UInt8) throws {
        switch node.kind {
        case .leaf(let index): try leaves[index].append(column, places)
        case .structure(let children):
            let inner = there(column, node, places)
            guard case .structure(let columns) = column.values else {
                for child in children { try shred(.nulls(child.type, count: column.count), child, inner, repetition) }
                return
            }
            for (child, childNode) in zip(columns, children) {
                try shred(child ?? .nulls(childNode.type, count: column.count), childNode, inner, repetition)
            }
        case .list(let element):
            guard case .array(let offsets, let elements) = column.values else {
                return try shred(.nulls(element.type, count: 0), element, there(column, node, places), repetition + 1)
            }
            try shred(elements, element, spread(column, node, places, offsets, repetition + 1), repetition + 1)
        case .map(let key, let value):
            guard case .map(let offsets, let keys, let values) = column.values else {
                let inner = there(column, node, places)
                try shred(.nulls(key.type, count: 0), key, inner, repetition + 1)
                return try shred(.nulls(value.type, count: 0), value, inner, repetition + 1)
            }
            let inner = spread(column, node, places, offsets, repetition + 1)
            try shred(keys, key, inner, repetition + 1)
            try shred(values, value, inner, repetition + 1)
        }
    }

    /// The places where a struct's fields have values; those of a null struct end one level before its own.
    private func there(_ column: Column, _ node: ParquetLayout.Node, _ places: ParquetPlaces) -> ParquetPlaces {
        guard column.validity != nil || column.isAllNull else { return places }
        var inner = ParquetPlaces(rows: [], repetitions: places.repetitions, count: places.count)
        var rows: [Int32] = []
        rows.reserveCapacity(places.count)
        inner.definitions.reserveCapacity(places.count)
        let absent = UInt8(node.definition - 1)
        for index in 0..<places.count {
            let row = places.rows?[index] ?? Int32(truncatingIfNeeded: index)
            let isThere = row >= 0 && !column.isNull(Int(row))
            rows.append(isThere ? row : -1)
            inner.definitions.append(row < 0 ? places.definitions[index] : absent)
        }
        inner.rows = rows
        return inner
    }

    /// The places of a list's elements; an empty list is a place that ends at the list's level, a null one before it.
    private func spread(
        _ column: Column, _ node: ParquetLayout.Node, _ places: ParquetPlaces, _ offsets: Buffer<Int32>, _ repetition: UInt8
    ) -> ParquetPlaces {
        var rows: [Int32] = []
        var inner = ParquetPlaces(rows: nil, count: 0)
        let (empty, absent) = (UInt8(node.definition), UInt8(node.definition - 1))
        for index in 0..<places.count {
            let row = places.rows?[index] ?? Int32(truncatingIfNeeded: index)
            let first = places.repetitions.isEmpty ? 0 : places.repetitions[index]
            func end(_ level: UInt8) {
                rows.append(-1)
                inner.definitions.append(level)
                inner.repetitions.append(first)
            }
            guard row >= 0 else {
                end(places.definitions[index])
                continue
            }
            guard !column.isNull(Int(row)) else {
                end(absent)
                continue
            }
            let (start, stop) = (offsets.pointer[Int(row) * column.stride], offsets.pointer[Int(row) * column.stride + 1])
            guard stop > start else {
                end(empty)
                continue
            }
            for element in start..<stop {
                rows.append(element)
                inner.definitions.append(0)
                inner.repetitions.append(element == start ? first : repetition)
            }
        }
        inner.count = rows.count
        inner.rows = rows
        return inner
    }

    // MARK: File

    private func write(_ bytes: UnsafeRawBufferPointer, _ file: PartFile) throws {
        try file.write(bytes)
        offset += Int64(bytes.count)
    }

    private func begin(_ file: PartFile) throws {
        if offset == 0 { try Self.magic.withUnsafeBytes { try write($0, file) } }
    }

    private func closeGroup(_ file: PartFile) throws {
        guard rowsInGroup > 0 else { return }
        try begin(file)
        let start = offset
        var chunks: [(inout ThriftWriter) -> Void] = []
        var unpacked = 0
        for leaf in leaves {
            try leaf.closePage(packer, isLast: true)
            unpacked += leaf.unpackedCount
            let place = offset
            try write(leaf.pages.bytes, file)
            chunks.append(leaf.close(at: place, packer.codec))
        }
        let (rows, packed) = (rowsInGroup, offset - start)
        groups.append { writer in
            writer.list(1, .structure, chunks) { writer, chunk in writer.nested(chunk) }
            writer.write(2, long: Int64(unpacked))
            writer.write(3, long: rows)
            writer.write(5, long: start)
            writer.write(6, long: packed)
        }
        rowCount += rowsInGroup
        rowsInGroup = 0
    }

    func finish(_ file: PartFile) throws {
        try closeGroup(file)
        try begin(file)
        var footer = ThriftWriter()
        footer.nested { footer in
            footer.write(1, Int32(1))
            layout.write(&footer)
            footer.write(3, long: rowCount)
            footer.list(4, .structure, groups) { writer, group in writer.nested(group) }
            footer.list(5, .structure, [(ParquetFooter.sparkSchema, layout.schema.json)]) { writer, pair in
                writer.nested {
                    $0.write(1, pair.0)
                    $0.write(2, pair.1)
                }
            }
            footer.write(6, "Leat")
            footer.list(7, .structure, layout.leaves) { writer, _ in writer.nested { $0.structure(1) { _ in } } }
        }
        var bytes = footer.bytes
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { bytes += $0 }
        bytes += Self.magic
        try bytes.withUnsafeBytes { try write($0, file) }
    }
}
