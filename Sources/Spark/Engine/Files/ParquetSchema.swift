/// A column of a Parquet file, or a part of a nested one: what its values are in Spark's types, and at which levels they are there.
///
/// Levels are those of the Dremel paper: a value's definition level says how many of the optional and repeated nodes above it are there, its
/// repetition level at which list a new element begins. Lists and maps take all of the forms that parquet-format's LogicalTypes.md lists under
/// backward compatibility.
struct ParquetNode {
    indirect enum Kind {
        case leaf(ParquetLeaf)
        case structure([ParquetNode])
        /// The element's own levels begin at the repeated node's.
        case list(ParquetNode)
        case map(key: ParquetNode, value: ParquetNode)
    }

    var name: String
    var type: DataType
    var isOptional: Bool
    /// The definition level from which on the value is there.
    var definition: Int
    /// Of lists and maps: the levels of an element that is there.
    var elementDefinition = 0
    var elementRepetition = 0
    var kind: Kind

    /// The leaf whose levels tell where this node's values are.
    var firstLeaf: Int {
        switch kind {
        case .leaf(let leaf): leaf.ordinal
        case .structure(let children): children[0].firstLeaf
        case .list(let element): element.firstLeaf
        case .map(let key, _): key.firstLeaf
        }
    }

    var leaves: [ParquetLeaf] {
        switch kind {
        case .leaf(let leaf): [leaf]
        case .structure(let children): children.flatMap(\.leaves)
        case .list(let element): element.leaves
        case .map(let key, let value): key.leaves + value.leaves
        }
    }
}

/// A column of values that stand in pages.
struct ParquetLeaf {
    /// How the values become Spark's.
    enum Conversion {
        case none
        case narrow
        case unsigned
        case scaled(multiply: Int64, divide: Int64)
        case decimal
    }

    var name: String
    var ordinal: Int
    var physical: ParquetPhysicalType
    /// Bytes of a value of fixed length.
    var length: Int
    var type: DataType
    var conversion: Conversion
    var definitionMax: Int
    var repetitionMax: Int
}

/// The columns of a file.
struct ParquetSchema {
    let columns: [ParquetNode]
    let leafCount: Int

    private static let depthMax = 32
    /// Levels are kept as bytes.
    private static let levelMax = 255

    init(_ footer: ParquetFooter) throws {
        guard let root = footer.elements.first, root.type == nil else { throw ParquetError.malformed("its schema has no root") }
        var builder = Builder(elements: footer.elements)
        var columns: [ParquetNode] = []
        guard (0..<footer.elements.count).contains(root.childCount) else { throw ParquetError.malformed("its schema is cut off") }
        for _ in 0..<root.childCount { columns.append(try builder.node(definition: 0, repetition: 0, depth: 0)) }
        self.columns = columns
        leafCount = builder.leafCount
    }

    /// The schema in Spark's types: where the file tells Spark's own, those of its columns that fit.
    func structType(_ footer: ParquetFooter) -> StructType {
        let stored = footer.properties[ParquetFooter.sparkSchema].flatMap { try? StructType(json: $0) }
        return StructType(
            columns.map { column in
                let own = stored?.fields.first { $0.name == column.name }
                let type =
                    own.map { column.type.isStored(as: $0.dataType) ? $0.dataType.withNulls : column.type.withNulls }
                    ?? column.type.withNulls
                return StructField(column.name, type, nullable: true, metadata: own?.metadata ?? [:])
            })
    }

    private struct Builder {
        let elements: [ParquetSchemaElement]
        var place = 1
        var leafCount = 0

        mutating func node(definition: Int, repetition: Int, depth: Int) throws -> ParquetNode {
            guard place < elements.count else { throw ParquetError.malformed("its schema is cut off") }
            guard depth < ParquetSchema.depthMax else {
                throw ParquetError.notServed("types nested more than \(ParquetSchema.depthMax) deep")
            }
            let element = elements[place]
            guard element.repetition == .repeated else { return try single(definition: definition, repetition: repetition, depth: depth) }
            // A repeated field that is in no list is a list of its own that is always there.
            let inner = try single(definition: definition + 1, repetition: repetition + 1, depth: depth)
            return ParquetNode(
                name: element.name, type: .array(inner.type, containsNull: false), isOptional: false, definition: definition,
                elementDefinition: definition + 1, elementRepetition: repetition + 1, kind: .list(inner))
        }

        /// The element here as one value; its repetition is its caller's to look at, who passes the levels of a repeated one.
        private mutating func single(definition outer: Int, repetition: Int, depth: Int) throws -> ParquetNode {
            let element = elements[place]
            let isOptional = element.repetition == .optional
            let definition = outer + (isOptional ? 1 : 0)
            guard definition < ParquetSchema.levelMax, repetition < ParquetSchema.levelMax else {
                throw ParquetError.notServed("types nested too deep")
            }
            if let physical = element.type {
                place += 1
                let (type, conversion) = try ParquetSchema.type(element, physical)
                let leaf = ParquetLeaf(
                    name: element.name, ordinal: leafCount, physical: physical, length: element.length, type: type, conversion: conversion,
                    definitionMax: definition, repetitionMax: repetition)
                leafCount += 1
                return ParquetNode(name: element.name, type: type, isOptional: isOptional, definition: definition, kind: .leaf(leaf))
            }
            guard element.childCount > 0, element.childCount < elements.count else {
                throw ParquetError.notServed("the struct '\(element.name)' without fields")
            }
            switch element.annotation {
            case .list? where element.childCount == 1:
                return try list(element, isOptional, definition: definition, repetition: repetition, depth: depth)
            case .map? where element.childCount == 1:
                return try map(element, isOptional, definition: definition, repetition: repetition, depth: depth)
            case .notServed(let what)?: throw ParquetError.notServed("\(what) in the column '\(element.name)'")
            default: break
            }
            place += 1
            var children: [ParquetNode] = []
            for _ in 0..<element.childCount { children.append(try node(definition: definition, repetition: repetition, depth: depth + 1)) }
            let type = StructType(children.map { StructField($0.name, $0.type, nullable: $0.isOptional) })
            return ParquetNode(
                name: element.name, type: .structure(type), isOptional: isOptional, definition: definition, kind: .structure(children))
        }

        private mutating func list(_ element: ParquetSchemaElement, _ isOptional: Bool, definition: Int, repetition: Int, depth: Int) throws
            -> ParquetNode
        {
            place += 1
            guard place < elements.count, elements[place].repetition == .repeated else {
                throw ParquetError.malformed("the list '\(element.name)' has no repeated field")
            }
            let repeated = elements[place]
            let isElement =
                repeated.type != nil || repeated.childCount != 1 || repeated.name == "array" || repeated.name == element.name + "_tuple"
            let inner: ParquetNode
            if isElement {
                inner = try single(definition: definition + 1, repetition: repetition + 1, depth: depth + 1)
            } else {
                place += 1
                inner = try node(definition: definition + 1, repetition: repetition + 1, depth: depth + 1)
            }
            return ParquetNode(
                name: element.name, type: .array(inner.type, containsNull: inner.isOptional), isOptional: isOptional,
                definition: definition,
                elementDefinition: definition + 1, elementRepetition: repetition + 1, kind: .list(inner))
        }

        private mutating func map(_ element: ParquetSchemaElement, _ isOptional: Bool, definition: Int, repetition: Int, depth: Int) throws
            -> ParquetNode
        {
            place += 1
            guard place < elements.count, elements[place].repetition == .repeated, elements[place].childCount == 2 else {
                throw ParquetError.malformed("the map '\(element.name)' has no keys and values")
            }
            place += 1
            let key = try node(definition: definition + 1, repetition: repetition + 1, depth: depth + 1)
            let value = try node(definition: definition + 1, repetition: repetition + 1, depth: depth + 1)
            return ParquetNode(
                name: element.name, type: .map(key: key.type, value: value.type, valueContainsNull: value.isOptional),
                isOptional: isOptional,
                definition: definition, elementDefinition: definition + 1, elementRepetition: repetition + 1,
                kind: .map(key: key, value: value))
        }
    }

    // MARK: Types

    private static func type(_ element: ParquetSchemaElement, _ physical: ParquetPhysicalType) throws -> (DataType, ParquetLeaf.Conversion)
    {
        func mismatch() -> ParquetError { .malformed("the column '\(element.name)' is annotated as what its type \(physical) cannot be") }
        if case .notServed(let what)? = element.annotation { throw ParquetError.notServed("\(what) in the column '\(element.name)'") }
        if physical == .fixed {
            guard (1...(1 << 20)).contains(element.length) else {
                throw ParquetError.malformed("the column '\(element.name)' has values of \(element.length) bytes")
            }
        }
        switch (physical, element.annotation) {
        case (.boolean, _): return (.boolean, .none)
        case (.float, _): return (.float, .none)
        case (.double, _): return (.double, .none)
        // The Julian day and the nanoseconds of the day, as Impala and Spark wrote timestamps.
        case (.int96, _): return (.timestamp, .none)
        case (.int32, nil), (.int32, .integer(bits: 32, isSigned: true)): return (.integer, .none)
        case (.int32, .date): return (.date, .none)
        case (.int32, .integer(bits: 8, isSigned: true)): return (.byte, .narrow)
        case (.int32, .integer(bits: 16, isSigned: true)), (.int32, .integer(bits: 8, isSigned: false)): return (.short, .narrow)
        case (.int32, .integer(bits: 16, isSigned: false)): return (.integer, .none)
        case (.int32, .integer(bits: 32, isSigned: false)): return (.long, .unsigned)
        case (.int64, nil), (.int64, .integer(bits: 64, isSigned: true)): return (.long, .none)
        case (.int64, .integer(bits: 64, isSigned: false)): return (.decimal(precision: 20, scale: 0), .unsigned)
        case (.int64, .timestamp(let isUTC, let unit)):
            let type = isUTC ? DataType.timestamp : .timestampNTZ
            switch unit {
            case .millis: return (type, .scaled(multiply: 1_000, divide: 1))
            case .micros: return (type, .none)
            case .nanos: return (type, .scaled(multiply: 1, divide: 1_000))
            }
        case (.int32, .decimal(let precision, let scale)), (.int64, .decimal(let precision, let scale)),
            (.byteArray, .decimal(let precision, let scale)), (.fixed, .decimal(let precision, let scale)):
            return (.decimal(precision: precision, scale: scale), .decimal)
        case (.byteArray, .string): return (.string, .none)
        case (.byteArray, nil), (.byteArray, .binary), (.fixed, nil), (.fixed, .binary): return (.binary, .none)
        case (_, .null): return (.null, .none)
        default: throw mismatch()
        }
    }
}

extension DataType {
    /// Whether values that a file holds under this type are those of Spark's type, which the file's types may not be able to tell.
    func isStored(as other: DataType) -> Bool {
        switch (self, other) {
        case (.integer, .yearMonthInterval), (.long, .dayTimeInterval), (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp): true
        case (.binary, .string), (.string, .binary): true
        case (.array(let own, _), .array(let wanted, _)): own.isStored(as: wanted)
        case (.map(let key, let value, _), .map(let wantedKey, let wantedValue, _)):
            key.isStored(as: wantedKey) && value.isStored(as: wantedValue)
        case (.structure(let own), .structure(let wanted)):
            own.fields.count == wanted.fields.count
                && zip(own.fields, wanted.fields).allSatisfy { $0.name == $1.name && $0.dataType.isStored(as: $1.dataType) }
        default: self == other
        }
    }

    /// What is read from files may be absent everywhere.
    var withNulls: DataType {
        switch self {
        case .structure(let type):
            .structure(
                StructType(type.fields.map { StructField($0.name, $0.dataType.withNulls, nullable: true, metadata: $0.metadata) }))
        case .array(let element, _): .array(element.withNulls, containsNull: true)
        case .map(let key, let value, _): .map(key: key.withNulls, value: value.withNulls, valueContainsNull: true)
        default: self
        }
    }
}
