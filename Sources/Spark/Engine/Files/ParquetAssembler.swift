/// Puts columns together from their leaves' levels and values: the record assembly of the Dremel paper, a column at a time.
///
/// A node stands in a frame: the element of the nearest list around it, or the row. The frame's places are those of a leaf's entries that begin
/// an element that is there; at each the node has a value or none.
struct ParquetAssembler {
    let leaves: [Int: ParquetLeafBatch]

    struct Frame {
        var repetition = 0
        var definition = 0
    }

    func column(_ node: ParquetNode, _ frame: Frame = Frame()) throws -> Column {
        switch node.kind {
        case .leaf(let leaf): return try values(leaf, frame)
        case .structure(let children):
            let columns = try children.map { try column($0, frame) }
            let (count, validity) = try places(node, frame)
            guard columns.allSatisfy({ $0.count == count }) else { throw disagreement(node) }
            return Column(node.type, count: count, values: .structure(columns), validity: validity)
        case .list(let element):
            let (offsets, count, validity, elementCount) = try lists(node, frame)
            let elements = try column(element, Frame(repetition: node.elementRepetition, definition: node.elementDefinition))
            guard elements.count == elementCount else { throw disagreement(node) }
            return Column(node.type, count: count, values: .array(offsets: offsets, elements), validity: validity)
        case .map(let key, let value):
            let (offsets, count, validity, elementCount) = try lists(node, frame)
            let inner = Frame(repetition: node.elementRepetition, definition: node.elementDefinition)
            let (keys, values) = (try column(key, inner), try column(value, inner))
            guard keys.count == elementCount, values.count == elementCount else { throw disagreement(node) }
            return Column(node.type, count: count, values: .map(offsets: offsets, keys: keys, values: values), validity: validity)
        }
    }

    private func disagreement(_ node: ParquetNode) -> ParquetError {
        .malformed("the parts of the column '\(node.name)' have different numbers of values")
    }

    private func batch(_ ordinal: Int) throws -> ParquetLeafBatch {
        guard let batch = leaves[ordinal] else { throw ParquetError.malformed("a column is missing in its row group") }
        return batch
    }

    // MARK: Places

    private func places(_ node: ParquetNode, _ frame: Frame) throws -> (count: Int, validity: Bitmap?) {
        let batch = try batch(node.firstLeaf)
        // Without levels every value is there.
        if batch.definitions.isEmpty { return (batch.count, nil) }
        let validity = Bitmap(count: batch.count)
        var count = 0
        var nulls = 0
        eachEntry(batch) { repetition, definition in
            guard repetition <= frame.repetition, definition >= frame.definition else { return }
            if definition >= node.definition { validity[count] = true } else { nulls += 1 }
            count += 1
        }
        return (count, nulls > 0 ? validity : nil)
    }

    private func lists(_ node: ParquetNode, _ frame: Frame) throws -> (Buffer<Int32>, count: Int, validity: Bitmap?, elements: Int) {
        let batch = try batch(node.firstLeaf)
        guard batch.count < Int32.max else { throw ParquetError.notServed("lists of more than \(Int32.max) elements together") }
        let offsets = Buffer<Int32>(count: batch.count + 1)
        let validity = Bitmap(count: batch.count)
        offsets.pointer[0] = 0
        var count = 0
        var nulls = 0
        var elements: Int32 = 0
        var isTorn = false
        eachEntry(batch) { repetition, definition in
            if repetition <= frame.repetition {
                guard definition >= frame.definition else { return }
                if definition >= node.definition { validity[count] = true } else { nulls += 1 }
                count += 1
            }
            if definition >= node.elementDefinition, repetition <= node.elementRepetition { elements += 1 }
            if count == 0 { isTorn = true } else { offsets.pointer[count] = elements }
        }
        guard !isTorn else { throw ParquetError.malformed("the column '\(node.name)' begins in the middle of a list") }
        return (offsets, count, nulls > 0 ? validity : nil, Int(elements))
    }

    @inline(__always) private func eachEntry(_ batch: ParquetLeafBatch, _ body: (Int, Int) -> Void) {
        batch.definitions.withUnsafeBufferPointer { definitions in
            if batch.repetitions.isEmpty {
                for definition in definitions { body(0, Int(definition)) }
            } else {
                batch.repetitions.withUnsafeBufferPointer { repetitions in
                    for index in definitions.indices { body(Int(repetitions[index]), Int(definitions[index])) }
                }
            }
        }
    }

    // MARK: Leaves

    private func values(_ leaf: ParquetLeaf, _ frame: Frame) throws -> Column {
        let batch = try batch(leaf.ordinal)
        if batch.definitions.isEmpty || leaf.type == .null, leaf.repetitionMax == 0 {
            if case .none = batch.values { return Column.nulls(leaf.type, count: batch.count) }
            return Column(leaf.type, count: batch.count, values: batch.values, owners: batch.owners)
        }
        let validity = Bitmap(count: batch.count)
        var count = 0
        var valueCount = 0
        // Where each place's value is; of a null, that of the one before.
        let sources = Buffer<Int32>(count: batch.count)
        eachEntry(batch) { repetition, definition in
            guard definition >= frame.definition else { return }
            if definition == leaf.definitionMax {
                validity[count] = true
                sources.pointer[count] = Int32(truncatingIfNeeded: valueCount)
                valueCount += 1
            } else {
                sources.pointer[count] = Int32(truncatingIfNeeded: max(0, valueCount - 1))
            }
            count += 1
        }
        guard valueCount > 0 else { return Column.nulls(leaf.type, count: count) }
        func spread<T>(_ source: Buffer<T>) -> Buffer<T> {
            if count == valueCount { return source }
            let target = Buffer<T>(count: count)
            for index in 0..<count { target.pointer[index] = source.pointer[Int(sources.pointer[index])] }
            return target
        }
        let values: Column.Values =
            switch batch.values {
            case .boolean(let buffer): .boolean(spread(buffer))
            case .byte(let buffer): .byte(spread(buffer))
            case .short(let buffer): .short(spread(buffer))
            case .integer(let buffer): .integer(spread(buffer))
            case .long(let buffer): .long(spread(buffer))
            case .decimal(let buffer): .decimal(spread(buffer))
            case .float(let buffer): .float(spread(buffer))
            case .double(let buffer): .double(spread(buffer))
            case .bytes(let buffer): .bytes(spread(buffer))
            case .none, .interval, .structure, .array, .map: .none
            }
        return Column(leaf.type, count: count, values: values, validity: count == valueCount ? nil : validity, owners: batch.owners)
    }
}
