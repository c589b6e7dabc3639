internal import IO

/// `spark.connect.DataType` both ways (`types.proto`).
///
/// `char` and `varchar` are read as strings, as their values are; a user-defined type is read as the type that it is stored as.
extension DataType {
    /// Fields whose number is the kind and whose message says no more.
    private static let plainKinds: [Int: DataType] = [
        1: .null, 2: .binary, 3: .boolean, 4: .byte, 5: .short, 6: .integer, 7: .long, 8: .float, 9: .double, 12: .string, 13: .string,
        14: .date, 15: .timestamp, 16: .timestampNTZ, 17: .calendarInterval,
    ]

    private static let refusedKinds: [Int: String] = [
        25: "variant", 26: "geometry", 27: "geography", 28: "time", 29: "timestamp_ntz_nanos", 30: "timestamp_ltz_nanos",
    ]

    init(wire message: ProtobufReader) throws {
        var message = message
        var type: DataType?
        while let number = try message.next() {
            switch number {
            case 10: type = try Self.decimal(message.message())
            case 11: type = try Self.string(message.message())
            case 18: type = try Self.yearMonth(message.message())
            case 19: type = try Self.dayTime(message.message())
            case 20: type = try Self.array(message.message())
            case 21: type = .structure(try StructType(wire: message.message()))
            case 22: type = try Self.map(message.message())
            case 23: type = try Self.userDefined(message.message())
            case 24: type = try Self.unparsed(message.message())
            default:
                if let plain = Self.plainKinds[number] { type = plain }
                if let name = Self.refusedKinds[number] { throw ConnectError.notServed("the data type \(name)") }
            }
        }
        guard let type else { throw ConnectError.invalidPlan("A data type has no kind.") }
        self = type
    }

    private static func decimal(_ message: ProtobufReader) throws -> DataType {
        var message = message
        var precision: Int32 = 10, scale: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: scale = try message.int32()
            case 2: precision = try message.int32()
            default: break
            }
        }
        guard (1...38).contains(precision), (0...precision).contains(scale) else {
            throw SparkError(
                "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", sqlState: "22003",
                "Decimal precision \(precision) with scale \(scale) exceeds max precision 38.")
        }
        return .decimal(precision: Int(precision), scale: Int(scale))
    }

    private static func string(_ message: ProtobufReader) throws -> DataType {
        var message = message
        while let number = try message.next() {
            guard number == 2 else { continue }
            let collation = try message.string()
            guard collation.isEmpty || collation.equalsIgnoringCase("UTF8_BINARY") else {
                throw ConnectError.notServed("the collation \(collation)")
            }
        }
        return .string
    }

    private static func fields(_ message: ProtobufReader) throws -> (start: Int32?, end: Int32?) {
        var message = message
        var start: Int32?, end: Int32?
        while let number = try message.next() {
            switch number {
            case 1: start = try message.int32()
            case 2: end = try message.int32()
            default: break
            }
        }
        return (start, end)
    }

    private static func yearMonth(_ message: ProtobufReader) throws -> DataType {
        let (start, end) = try fields(message)
        let first = YearMonthField(rawValue: Int(start ?? 0))
        let last = YearMonthField(rawValue: Int(end ?? start ?? 1))
        guard let first, let last else { throw ConnectError.invalidPlan("A year-month interval has unknown fields.") }
        return .yearMonthInterval(YearMonthField.Range(first, last))
    }

    private static func dayTime(_ message: ProtobufReader) throws -> DataType {
        let (start, end) = try fields(message)
        let first = DayTimeField(rawValue: Int(start ?? 0))
        let last = DayTimeField(rawValue: Int(end ?? start ?? 3))
        guard let first, let last else { throw ConnectError.invalidPlan("A day-time interval has unknown fields.") }
        return .dayTimeInterval(DayTimeField.Range(first, last))
    }

    private static func array(_ message: ProtobufReader) throws -> DataType {
        var message = message
        var element: DataType?
        var containsNull = false
        while let number = try message.next() {
            switch number {
            case 1: element = try DataType(wire: message.message())
            case 2: containsNull = try message.bool()
            default: break
            }
        }
        guard let element else { throw ConnectError.invalidPlan("An array type has no element type.") }
        return .array(element, containsNull: containsNull)
    }

    private static func map(_ message: ProtobufReader) throws -> DataType {
        var message = message
        var key: DataType?, value: DataType?
        var valueContainsNull = false
        while let number = try message.next() {
            switch number {
            case 1: key = try DataType(wire: message.message())
            case 2: value = try DataType(wire: message.message())
            case 3: valueContainsNull = try message.bool()
            default: break
            }
        }
        guard let key, let value else { throw ConnectError.invalidPlan("A map type lacks the type of its keys or values.") }
        return .map(key: key, value: value, valueContainsNull: valueContainsNull)
    }

    private static func userDefined(_ message: ProtobufReader) throws -> DataType {
        var message = message
        var stored: DataType?
        while let number = try message.next() {
            if number == 5 { stored = try DataType(wire: message.message()) }
        }
        guard let stored else { throw ConnectError.notServed("a user-defined type without the SQL type that it is stored as") }
        return stored
    }

    private static func unparsed(_ message: ProtobufReader) throws -> DataType {
        var message = message
        var text = ""
        while let number = try message.next() {
            if number == 1 { text = try message.string() }
        }
        return try DataType(schemaText: text)
    }

    /// A type as clients give it in text: DDL, JSON, or a struct's fields without `struct<>` round them (Spark, `DataType.parseTypeWithFallback`).
    init(schemaText text: String) throws {
        let trimmed = text.drop(while: \.isWhitespace)
        if trimmed.hasPrefix("{") || trimmed.hasPrefix("\"") {
            do {
                self = try DataType(json: JSON(parsing: text))
            } catch let error as MalformedJSON {
                throw SparkError("INVALID_JSON_DATA_TYPE", sqlState: "2203G", "Failed to read a data type from \(text): \(error).")
            }
            return
        }
        do {
            self = try DataType(ddl: text)
        } catch {
            // A text of more than one word means a schema: its error is the one to tell.
            guard trimmed.contains(where: \.isWhitespace) else { throw error }
            self = .structure(try StructType(ddl: text))
        }
    }

    func write(wire writer: inout ProtobufWriter) {
        func empty(_ number: Int) { writer.write(number) { _ in } }
        switch self {
        case .null: empty(1)
        case .binary: empty(2)
        case .boolean: empty(3)
        case .byte: empty(4)
        case .short: empty(5)
        case .integer: empty(6)
        case .long: empty(7)
        case .float: empty(8)
        case .double: empty(9)
        case .decimal(let precision, let scale):
            writer.write(10) { body in
                body.write(1, optional: Int64(scale))
                body.write(2, optional: Int64(precision))
            }
        case .string: writer.write(11) { $0.write(2, "UTF8_BINARY") }
        case .date: empty(14)
        case .timestamp: empty(15)
        case .timestampNTZ: empty(16)
        case .calendarInterval: empty(17)
        case .yearMonthInterval(let range):
            writer.write(18) { body in
                body.write(1, optional: Int64(range.start.rawValue))
                body.write(2, optional: Int64(range.end.rawValue))
            }
        case .dayTimeInterval(let range):
            writer.write(19) { body in
                body.write(1, optional: Int64(range.start.rawValue))
                body.write(2, optional: Int64(range.end.rawValue))
            }
        case .array(let element, let containsNull):
            writer.write(20) { body in
                body.write(1) { element.write(wire: &$0) }
                body.write(2, containsNull)
            }
        case .structure(let type): writer.write(21) { type.write(wire: &$0) }
        case .map(let key, let value, let valueContainsNull):
            writer.write(22) { body in
                body.write(1) { key.write(wire: &$0) }
                body.write(2) { value.write(wire: &$0) }
                body.write(3, valueContainsNull)
            }
        }
    }
}

extension StructType {
    init(wire message: ProtobufReader) throws {
        var message = message
        var fields: [StructField] = []
        while let number = try message.next() {
            if number == 1 { fields.append(try Self.field(message.message())) }
        }
        self.init(fields)
    }

    private static func field(_ message: ProtobufReader) throws -> StructField {
        var message = message
        var name = ""
        var type: DataType?
        var nullable = false
        var metadata: [String: String] = [:]
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: type = try DataType(wire: message.message())
            case 3: nullable = try message.bool()
            case 4:
                let text = try message.string()
                for member in (try? JSON(parsing: text))?.members ?? [:] {
                    metadata[member.name] = member.value.shown
                }
            default: break
            }
        }
        guard let type else { throw ConnectError.invalidPlan("The field \(name) of a struct has no type.") }
        return StructField(name, type, nullable: nullable, metadata: metadata)
    }

    func write(wire writer: inout ProtobufWriter) {
        for field in fields {
            writer.write(1) { body in
                body.write(1, field.name)
                body.write(2) { field.dataType.write(wire: &$0) }
                body.write(3, field.nullable)
                if !field.metadata.isEmpty { body.write(4, optional: field.metadataJSON) }
            }
        }
    }
}

extension StructField {
    /// A note whose text is itself a JSON number or structure goes out as that, which is how it came in.
    fileprivate var metadataJSON: String {
        JSON.object(
            JSON.Members(
                metadata.sorted { $0.key < $1.key }.map { name, text in
                    let parsed = try? JSON(parsing: text)
                    switch parsed {
                    case .integer, .number, .bool, .array, .object: return (name, parsed ?? .null)
                    default: return (name, .string(text))
                    }
                })
        ).text
    }
}
