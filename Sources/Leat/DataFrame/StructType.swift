internal import Spark

/// A schema: the columns of a frame, or the fields of a struct.
///
///     StructType("id STRING NOT NULL, age INT")
///     StructType([StructField("id", .string, nullable: false), StructField("age", .integer)])
///     StructType().add("id", .string, nullable: false).add("age", .integer)
public struct StructType: Hashable, Sendable {
    /// The fields in order; none when the text that the schema was made from is malformed.
    public private(set) var fields: [StructField]
    /// Why the text is no schema; thrown where the schema is used.
    private var malformed: SparkError?

    /// A schema of these fields.
    public init(_ fields: [StructField] = []) {
        self.fields = fields
    }

    /// Reads a schema in Spark's DDL form (`id STRING NOT NULL, age INT`), or in its JSON form when the text begins with `{`.
    ///
    /// A malformed text is an error where the schema is used, with the line and position.
    public init(_ text: String) {
        do {
            fields = Self.fields(of: try Spark.StructType(ddl: text))
        } catch {
            fields = []
            malformed = error as? SparkError ?? SparkError("INVALID_SCHEMA", sqlState: "42K07", "\(error)")
        }
    }

    init(_ type: Spark.StructType) {
        fields = Self.fields(of: type)
    }

    private static func fields(of type: Spark.StructType) -> [StructField] {
        // A field that is always NULL has no type to name; text can hold it.
        type.fields.map { StructField($0.name, DataType($0.dataType) ?? .string, nullable: $0.nullable, metadata: $0.metadata) }
    }

    /// The schema with one more field at its end.
    public func add(_ name: String, _ dataType: DataType, nullable: Bool = true) -> StructType {
        var type = self
        type.fields.append(StructField(name, dataType, nullable: nullable))
        return type
    }

    /// The schema with one more field, its type as text (`"INT"`, `"ARRAY<STRING>"`).
    public func add(_ name: String, _ dataType: String, nullable: Bool = true) -> StructType {
        var type = self
        do {
            let parsed = try Spark.DataType(ddl: dataType)
            type.fields.append(StructField(name, DataType(parsed) ?? .string, nullable: nullable))
        } catch {
            type.malformed = error as? SparkError ?? SparkError("INVALID_SCHEMA", sqlState: "42K07", "\(error)")
        }
        return type
    }

    /// The fields' names in order.
    public var fieldNames: [String] { fields.map(\.name) }

    /// The tree that `printSchema()` prints.
    public var treeString: String { (try? plan.treeString) ?? "" }

    /// The schema in the plan's vocabulary.
    var plan: Spark.StructType {
        get throws {
            if let malformed { throw malformed }
            return Spark.StructType(
                try fields.map { Spark.StructField($0.name, try $0.dataType.plan, nullable: $0.nullable, metadata: $0.metadata) })
        }
    }
}

/// One field of a struct or one column of a frame.
public struct StructField: Hashable, Sendable {
    /// The name, compared without regard to case.
    public var name: String
    /// The type.
    public var dataType: DataType
    /// Whether the field may be NULL.
    public var nullable: Bool
    /// Notes that Spark carries along, `comment` among them.
    public var metadata: [String: String]

    /// A field; it may be NULL unless told otherwise.
    public init(_ name: String, _ dataType: DataType, nullable: Bool = true, metadata: [String: String] = [:]) {
        self.name = name
        self.dataType = dataType
        self.nullable = nullable
        self.metadata = metadata
    }
}
