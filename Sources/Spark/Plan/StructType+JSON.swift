package import IO

/// Spark's JSON form of a schema, `{"type":"struct","fields":[{"name":…,"type":…,"nullable":…,"metadata":{}}]}`.
extension StructType {
    package init(json text: String) throws {
        let value: JSON
        do {
            value = try JSON(parsing: text)
        } catch {
            throw SparkError("INVALID_SCHEMA.PARSE_ERROR", sqlState: "42K07", "Cannot parse the schema: \(error).")
        }
        guard case .structure(let type) = try DataType(json: value) else {
            throw SparkError("INVALID_SCHEMA.NON_STRUCT_TYPE", sqlState: "42K07", "The schema is not a struct: \(text).")
        }
        self = type
    }

    package var json: String { DataType.structure(self).jsonValue.text }
}

extension DataType {
    package init(json value: JSON) throws {
        if let name = value.string {
            self = try DataType(jsonName: name)
            return
        }
        guard let kind = value["type"]?.string else { throw Self.malformed(value) }
        switch kind {
        case "struct":
            guard let fields = value["fields"]?.array else { throw Self.malformed(value) }
            self = .structure(
                StructType(
                    try fields.map { field in
                        guard let name = field["name"]?.string, let type = field["type"] else { throw Self.malformed(field) }
                        var metadata: [String: String] = [:]
                        for member in field["metadata"]?.members ?? [:] {
                            metadata[member.name] = member.value.shown
                        }
                        return StructField(
                            name, try DataType(json: type), nullable: field["nullable"] != .bool(false), metadata: metadata)
                    }))
        case "array":
            guard let element = value["elementType"] else { throw Self.malformed(value) }
            self = .array(try DataType(json: element), containsNull: value["containsNull"] != .bool(false))
        case "map":
            guard let key = value["keyType"], let element = value["valueType"] else { throw Self.malformed(value) }
            self = .map(
                key: try DataType(json: key), value: try DataType(json: element),
                valueContainsNull: value["valueContainsNull"] != .bool(false))
        default: throw Self.malformed(value)
        }
    }

    private init(jsonName name: String) throws {
        switch name {
        case "long": self = .long
        case "integer": self = .integer
        case "short": self = .short
        case "byte": self = .byte
        default: self = try DataType(ddl: name)
        }
    }

    private static func malformed(_ value: JSON) -> SparkError {
        SparkError("INVALID_JSON_DATA_TYPE", sqlState: "2203G", "Failed to read a data type from \(value.text).")
    }

    package var jsonValue: JSON {
        switch self {
        case .structure(let type):
            [
                "type": "struct",
                "fields": .array(
                    type.fields.map { field in
                        [
                            "name": .string(field.name), "type": field.dataType.jsonValue, "nullable": .bool(field.nullable),
                            "metadata": .object(
                                JSON.Members(field.metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
                        ]
                    }),
            ]
        case .array(let element, let containsNull):
            ["type": "array", "elementType": element.jsonValue, "containsNull": .bool(containsNull)]
        case .map(let key, let value, let valueContainsNull):
            [
                "type": "map", "keyType": key.jsonValue, "valueType": value.jsonValue, "valueContainsNull": .bool(valueContainsNull),
            ]
        default: .string(StructType.typeName(self))
        }
    }
}
