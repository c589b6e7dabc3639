internal import IO
internal import NIOCore

/// Relations without an input: reads, ranges, rows that came along, SQL.
extension PlanDecoder {
    func read(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var table: UnresolvedTable?
        var source: DataSourceRead?
        var isStreaming = false
        while let number = try message.next() {
            switch number {
            case 1: table = try namedTable(message.message())
            case 2: source = try dataSource(message.message())
            case 3: isStreaming = try message.bool()
            default: break
            }
        }
        if var table {
            table.isStreaming = isStreaming
            // A view stands for its plan from here on, wherever the plan then goes.
            let name = table.name.joined(separator: ".")
            if let view = context.view(name) { return .alias(table.name.last ?? name, columns: [], view) }
            return .table(table)
        }
        guard var source else { throw ConnectError.invalidPlan("Read names neither a table nor a data source.") }
        source.isStreaming = isStreaming
        return .read(source)
    }

    private func namedTable(_ message: ProtobufReader) throws -> UnresolvedTable {
        var message = message
        var name = ""
        var options: [String: String] = [:]
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2:
                let entry = try message.mapEntry()
                options[entry.key] = entry.value
            default: break
            }
        }
        return UnresolvedTable(Expression.nameParts(name), options: Options(options))
    }

    private func dataSource(_ message: ProtobufReader) throws -> DataSourceRead {
        var message = message
        var read = DataSourceRead(format: "parquet", isStreaming: false)
        var paths: [String] = []
        while let number = try message.next() {
            switch number {
            case 1: read.format = try message.string()
            case 2:
                let text = try message.string()
                if !text.isEmpty { read.schema = try StructType(schemaText: text) }
            case 3:
                let entry = try message.mapEntry()
                read.options[entry.key] = entry.value
            case 4: paths.append(try message.string())
            case 5: throw ConnectError.notServed("Read.DataSource.predicates")
            default: break
            }
        }
        // As Spark hands several paths on: a JSON list in the option `paths`.
        if paths.count == 1 { read.options["path"] = paths[0] }
        if paths.count > 1 { read.options["paths"] = JSON.array(paths.map { .string($0) }).text }
        return read
    }

    func range(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var start: Int64 = 0, end: Int64 = 0, step: Int64 = 0
        while let number = try message.next() {
            switch number {
            case 1: start = try message.int64()
            case 2: end = try message.int64()
            case 3: step = try message.int64()
            default: break
            }
        }
        guard step != 0 else {
            throw ConnectError(
                classes: ["java.lang.IllegalArgumentException", "java.lang.RuntimeException", "java.lang.Exception"],
                message: "requirement failed: step (0) cannot be 0")
        }
        return .range(start: start, end: end, step: step)
    }

    func localRelation(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var data: ByteBuffer?
        var schema: StructType?
        while let number = try message.next() {
            switch number {
            case 1: data = try message.bytes()
            case 2:
                let text = try message.string()
                if !text.isEmpty { schema = try StructType(schemaText: text) }
            default: break
            }
        }
        return try localRows(data.map { [$0] } ?? [], schema)
    }

    private func localRows(_ streams: [ByteBuffer], _ schema: StructType?) throws -> LogicalPlan {
        guard schema != nil || !streams.isEmpty else {
            throw ConnectError.invalidPlan("Input data for LocalRelation does not produce a schema.")
        }
        return .local(LocalRelation(.arrow(streams.map { Array($0.readableBytesView) }), schema: schema))
    }

    private func block(_ hash: String) throws -> ByteBuffer {
        guard let block = context.artifact("cache/\(hash)") else {
            throw ConnectError(
                classes: ["org.apache.spark.SparkSQLException", "java.sql.SQLException", "java.lang.Exception", "java.lang.Throwable"],
                message:
                    "[INVALID_HANDLE.BLOCK_NOT_FOUND] The block \(hash) of a cached local relation is not in the session. SQLSTATE: HY000",
                errorClass: "INVALID_HANDLE.BLOCK_NOT_FOUND", sqlState: "HY000", parameters: ["handle": hash])
        }
        return block
    }

    /// The uploaded block is a `LocalRelation` message.
    func cachedLocalRelation(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var hash = ""
        while let number = try message.next() {
            if number == 3 { hash = try message.string() }
        }
        return try localRelation(ProtobufReader(block(hash)))
    }

    /// The uploaded blocks are Arrow streams and the schema's text.
    func chunkedLocalRelation(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var hashes: [String] = []
        var schema: StructType?
        while let number = try message.next() {
            switch number {
            case 1: hashes.append(try message.string())
            case 2: schema = try StructType(schemaText: String(buffer: block(message.string())))
            default: break
            }
        }
        return try localRows(hashes.map { try block($0) }, schema)
    }

    func cachedRemoteRelation(_ message: ProtobufReader) throws -> LogicalPlan {
        let id = try Self.relationID(message)
        guard let plan = context.cached(id) else {
            throw ConnectError.invalidPlan("No DataFrame with id \(id) is found in the session.")
        }
        return plan
    }

    static func relationID(_ message: ProtobufReader) throws(ProtobufError) -> String {
        var message = message
        var id = ""
        while let number = try message.next() {
            if number == 1 { id = try message.string() }
        }
        return id
    }

    func sql(_ message: ProtobufReader) throws -> LogicalPlan {
        let text = try sqlText(message)
        return try context.parse(text.query, text.named, text.positional)
    }

    struct Text {
        var query = ""
        var named: [String: Expression] = [:]
        var positional: [Expression] = []
    }

    /// `SQL` and `SqlCommand` have the same first five fields.
    func sqlText(_ message: ProtobufReader) throws -> Text {
        var message = message
        var text = Text()
        while let number = try message.next() {
            switch number {
            case 1: text.query = try message.string()
            case 2:
                let (key, value) = try namedValue(message.message()) { try LiteralDecoder.expression($0) }
                text.named[key] = value
            case 3: text.positional.append(try LiteralDecoder.expression(message.message()))
            case 4:
                let (key, value) = try namedValue(message.message()) { try expression($0) }
                text.named[key] = value
            case 5: text.positional.append(try expression(message.message()))
            default: break
            }
        }
        return text
    }

    private func namedValue(_ message: ProtobufReader, _ decode: (ProtobufReader) throws -> Expression) throws -> (String, Expression) {
        var message = message
        var key = ""
        var value: Expression?
        while let number = try message.next() {
            switch number {
            case 1: key = try message.string()
            case 2: value = try decode(message.message())
            default: break
            }
        }
        return (key, try required(value, "The SQL argument \(key)"))
    }

    /// `spark.tvf.explode(…)`: a generator over one row without columns.
    func tableFunction(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var name = ""
        var arguments: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: arguments.append(try expression(message.message()))
            default: break
            }
        }
        if name.equalsIgnoringCase("range") { return try rangeFunction(arguments) }
        let isOuter = name.lowercased().hasSuffix("_outer")
        let generator = isOuter ? String(name.dropLast(6)) : name
        return .generate(Generate(.function(name: generator, arguments: arguments), isOuter: isOuter), .oneRow)
    }

    private func rangeFunction(_ arguments: [Expression]) throws -> LogicalPlan {
        let numbers = try arguments.prefix(3).map { argument -> Int64 in
            switch argument {
            case .literal(.integer(let value)): return Int64(value)
            case .literal(.long(let value)): return value
            default: throw ConnectError.notServed("range() over anything but constants")
            }
        }
        switch numbers.count {
        case 1: return .range(start: 0, end: numbers[0], step: 1)
        case 2: return .range(start: numbers[0], end: numbers[1], step: 1)
        case 3 where numbers[2] != 0: return .range(start: numbers[0], end: numbers[1], step: numbers[2])
        default: throw ConnectError.invalidPlan("range() takes one to three numbers, the step not 0.")
        }
    }
}

extension StructType {
    /// A schema as clients give it in text. A type that is no struct becomes one column `value`, as in Spark.
    init(schemaText text: String) throws {
        if let fields = try? StructType(ddl: text) {
            self = fields
            return
        }
        let type = try DataType(schemaText: text)
        if case .structure(let fields) = type { self = fields } else { self.init([StructField("value", type)]) }
    }
}
