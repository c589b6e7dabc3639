/// The numbers of parquet.thrift.
enum ParquetPhysicalType: Int32 {
    case boolean, int32, int64, int96, float, double, byteArray, fixed
}

enum ParquetEncoding: Int32 {
    case plain = 0
    case plainDictionary = 2
    case rle = 3
    case bitPacked = 4
    case deltaBinaryPacked = 5
    case deltaLengthByteArray = 6
    case deltaByteArray = 7
    case rleDictionary = 8
    case byteStreamSplit = 9
}

enum ParquetCodec: Int32 {
    case uncompressed, snappy, gzip, lzo, brotli, lz4, zstd, lz4Raw
}

/// What a column's values mean: parquet.thrift's LogicalType, or the ConvertedType that came before it.
enum ParquetAnnotation: Hashable {
    enum Unit: Int16 {
        case millis = 1
        case micros, nanos
    }

    case string, map, list, date, binary, null
    case decimal(precision: Int, scale: Int)
    case timestamp(isUTC: Bool, Unit)
    case integer(bits: Int, isSigned: Bool)
    case notServed(String)
}

/// One element of the footer's schema, which is a tree written down in depth first.
struct ParquetSchemaElement {
    enum Repetition: Int32 {
        case required, optional, repeated
    }

    var name = ""
    var type: ParquetPhysicalType?
    var length = 0
    var repetition = Repetition.required
    var childCount = 0
    var annotation: ParquetAnnotation?
}

/// Where a column's pages of one row group are.
struct ParquetChunk {
    var type = ParquetPhysicalType.boolean
    var codec: Int32 = 0
    var valueCount: Int64 = 0
    var byteCount: Int64 = 0
    var dataOffset: Int64 = 0
    var dictionaryOffset: Int64?
    var isElsewhere = false
    var isEncrypted = false

    var start: Int64 {
        guard let dictionaryOffset, dictionaryOffset > 0, dictionaryOffset < dataOffset else { return dataOffset }
        return dictionaryOffset
    }
}

struct ParquetRowGroup {
    var chunks: [ParquetChunk] = []
    var rowCount: Int64 = 0
}

/// A file's footer, as far as a reader wants it.
struct ParquetFooter {
    var elements: [ParquetSchemaElement] = []
    var rowGroups: [ParquetRowGroup] = []
    var rowCount: Int64 = 0
    var properties: [String: String] = [:]

    /// Where Spark keeps the schema's own form.
    static let sparkSchema = "org.apache.spark.sql.parquet.row.metadata"

    init(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = ThriftReader(bytes)
        var footer = Self()
        try reader.structure { reader, field in
            switch (field.id, field.kind) {
            case (2, .list): try reader.list { reader, _ in footer.elements.append(try Self.element(&reader)) }
            case (3, .i64): footer.rowCount = try reader.int64()
            case (4, .list): try reader.list { reader, _ in footer.rowGroups.append(try Self.rowGroup(&reader)) }
            case (5, .list):
                try reader.list { reader, _ in
                    var key = "", value = ""
                    try reader.structure { reader, field in
                        switch (field.id, field.kind) {
                        case (1, .binary): key = try reader.string()
                        case (2, .binary): value = try reader.string()
                        default: return false
                        }
                        return true
                    }
                    footer.properties[key] = value
                }
            case (8, _): throw ParquetError.notServed("encrypted columns")
            default: return false
            }
            return true
        }
        self = footer
    }

    private init() {}

    // MARK: Schema

    private static func element(_ reader: inout ThriftReader) throws -> ParquetSchemaElement {
        var element = ParquetSchemaElement()
        var converted: Int32?, scale: Int32 = 0, precision: Int32 = 0
        var logical: ParquetAnnotation?
        try reader.structure { reader, field in
            switch (field.id, field.kind) {
            case (1, .i32):
                let number = try reader.int32()
                guard let type = ParquetPhysicalType(rawValue: number) else {
                    throw ParquetError.malformed("a column has the unknown type \(number)")
                }
                element.type = type
            case (2, .i32): element.length = Int(try reader.int32())
            case (3, .i32):
                guard let repetition = ParquetSchemaElement.Repetition(rawValue: try reader.int32()) else {
                    throw ParquetError.malformed("a column has an unknown repetition")
                }
                element.repetition = repetition
            case (4, .binary): element.name = try reader.string()
            case (5, .i32): element.childCount = Int(try reader.int32())
            case (6, .i32): converted = try reader.int32()
            case (7, .i32): scale = try reader.int32()
            case (8, .i32): precision = try reader.int32()
            case (10, .structure): logical = try annotation(&reader)
            default: return false
            }
            return true
        }
        element.annotation = logical ?? converted.flatMap { annotation(converted: $0, precision: Int(precision), scale: Int(scale)) }
        if case .decimal(let precision, let scale)? = element.annotation {
            guard (1...38).contains(precision), (0...precision).contains(scale) else {
                throw ParquetError.notServed("decimal(\(precision),\(scale)) in the column '\(element.name)'")
            }
        }
        return element
    }

    private static func annotation(_ reader: inout ThriftReader) throws -> ParquetAnnotation? {
        var result: ParquetAnnotation?
        try reader.structure { reader, field in
            guard field.kind == .structure else { return false }
            var numbers: [Int16: Int] = [:]
            var unit: ParquetAnnotation.Unit?
            try reader.structure { reader, inner in
                switch inner.kind {
                case .i32: numbers[inner.id] = Int(try reader.int32())
                case .byte: numbers[inner.id] = Int(Int8(bitPattern: try reader.byte()))
                case .yes, .no: numbers[inner.id] = inner.isTrue ? 1 : 0
                case .structure:
                    try reader.structure { reader, choice in
                        unit = ParquetAnnotation.Unit(rawValue: choice.id)
                        return false
                    }
                default: return false
                }
                return true
            }
            switch field.id {
            case 1, 4, 12: result = .string
            case 2: result = .map
            case 3: result = .list
            case 5: result = .decimal(precision: numbers[2] ?? 0, scale: numbers[1] ?? 0)
            case 6: result = .date
            case 7: result = .notServed("a time of day")
            case 8: result = unit.map { .timestamp(isUTC: numbers[1] == 1, $0) } ?? .notServed("a timestamp of an unknown unit")
            case 10: result = .integer(bits: numbers[1] ?? 0, isSigned: numbers[2] == 1)
            case 11: result = .null
            case 13, 14: result = .binary
            case 15: result = .notServed("half-precision numbers")
            case 16: result = .notServed("variants")
            default: result = .notServed("a logical type of number \(field.id)")
            }
            return true
        }
        return result
    }

    private static func annotation(converted: Int32, precision: Int, scale: Int) -> ParquetAnnotation? {
        switch converted {
        case 0, 4, 19: .string
        case 1, 2: .map
        case 3: .list
        case 5: .decimal(precision: precision, scale: scale)
        case 6: .date
        case 7, 8: .notServed("a time of day")
        case 9: .timestamp(isUTC: true, .millis)
        case 10: .timestamp(isUTC: true, .micros)
        case 11...14: .integer(bits: 8 << Int(converted - 11), isSigned: false)
        case 15...18: .integer(bits: 8 << Int(converted - 15), isSigned: true)
        case 20: .binary
        case 21: .notServed("intervals of months, days and milliseconds")
        default: nil
        }
    }

    // MARK: Row groups

    private static func rowGroup(_ reader: inout ThriftReader) throws -> ParquetRowGroup {
        var group = ParquetRowGroup()
        try reader.structure { reader, field in
            switch (field.id, field.kind) {
            case (1, .list): try reader.list { reader, _ in group.chunks.append(try chunk(&reader)) }
            case (3, .i64): group.rowCount = try reader.int64()
            default: return false
            }
            return true
        }
        return group
    }

    private static func chunk(_ reader: inout ThriftReader) throws -> ParquetChunk {
        var chunk = ParquetChunk()
        try reader.structure { reader, field in
            switch (field.id, field.kind) {
            case (1, .binary): chunk.isElsewhere = try !reader.binary().isEmpty
            case (3, .structure):
                try reader.structure { reader, field in
                    switch (field.id, field.kind) {
                    case (1, .i32):
                        guard let type = ParquetPhysicalType(rawValue: try reader.int32()) else {
                            throw ParquetError.malformed("a column chunk has an unknown type")
                        }
                        chunk.type = type
                    case (4, .i32): chunk.codec = try reader.int32()
                    case (5, .i64): chunk.valueCount = try reader.int64()
                    case (7, .i64): chunk.byteCount = try reader.int64()
                    case (9, .i64): chunk.dataOffset = try reader.int64()
                    case (11, .i64): chunk.dictionaryOffset = try reader.int64()
                    default: return false
                    }
                    return true
                }
            case (8, .structure):
                chunk.isEncrypted = true
                return false
            default: return false
            }
            return true
        }
        return chunk
    }
}

/// A page's header.
struct ParquetPageHeader {
    enum Kind: Int32 {
        case data, index, dictionary, dataV2
    }

    var kind = Kind.index
    var unpackedCount = 0
    var packedCount = 0
    var valueCount = 0
    var encoding: Int32 = 0
    var definitionEncoding: Int32 = ParquetEncoding.rle.rawValue
    var repetitionEncoding: Int32 = ParquetEncoding.rle.rawValue
    /// Of version 2, whose levels stand unpacked before the values.
    var definitionCount = 0
    var repetitionCount = 0
    var isPacked = true

    init(_ reader: inout ThriftReader) throws {
        var header = Self()
        try reader.structure { reader, field in
            switch (field.id, field.kind) {
            case (1, .i32):
                let number = try reader.int32()
                guard let kind = Kind(rawValue: number) else { throw ParquetError.malformed("a page has the unknown type \(number)") }
                header.kind = kind
            case (2, .i32): header.unpackedCount = Int(try reader.int32())
            case (3, .i32): header.packedCount = Int(try reader.int32())
            case (5, .structure), (7, .structure):
                try reader.structure { reader, field in
                    guard field.kind == .i32 else { return false }
                    switch field.id {
                    case 1: header.valueCount = Int(try reader.int32())
                    case 2: header.encoding = try reader.int32()
                    case 3: header.definitionEncoding = try reader.int32()
                    case 4: header.repetitionEncoding = try reader.int32()
                    default: return false
                    }
                    return true
                }
            case (8, .structure):
                try reader.structure { reader, field in
                    switch (field.id, field.kind) {
                    case (1, .i32): header.valueCount = Int(try reader.int32())
                    case (4, .i32): header.encoding = try reader.int32()
                    case (5, .i32): header.definitionCount = Int(try reader.int32())
                    case (6, .i32): header.repetitionCount = Int(try reader.int32())
                    case (7, .no): header.isPacked = false
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        guard header.unpackedCount >= 0, header.packedCount >= 0, header.valueCount >= 0, header.definitionCount >= 0,
            header.repetitionCount >= 0
        else { throw ParquetError.malformed("a page's header has a negative count") }
        self = header
    }

    private init() {}
}
