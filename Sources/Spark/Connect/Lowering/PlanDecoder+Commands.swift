/// Commands that hold relations (`commands.proto`).
extension PlanDecoder {
    struct ViewCommand {
        var plan: LogicalPlan
        var name: String
        var isGlobal: Bool
        var isReplacing: Bool
    }

    func viewCommand(_ message: ProtobufReader) throws -> ViewCommand {
        var message = message
        var input: LogicalPlan?
        var name = ""
        var isGlobal = false, isReplacing = false
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: name = try message.string()
            case 3: isGlobal = try message.bool()
            case 4: isReplacing = try message.bool()
            default: break
            }
        }
        let parts = Expression.nameParts(name)
        guard parts.count == 1, !parts[0].isEmpty else {
            throw SparkError(
                "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", sqlState: "428EK",
                "CREATE TEMPORARY VIEW or the corresponding Dataset APIs only accept single-part view names, but got: `\(name)`.")
        }
        return ViewCommand(
            plan: try required(input, "CreateDataFrameViewCommand"), name: parts[0], isGlobal: isGlobal, isReplacing: isReplacing)
    }

    struct WriteCommand {
        var plan: LogicalPlan
        var format: String
        var mode: SaveMode
        var path: String?
        var table: String?
        var options: Options
        var partitionColumns: [String]
    }

    func writeCommand(_ message: ProtobufReader) throws -> WriteCommand {
        var message = message
        var input: LogicalPlan?
        var write = WriteCommand(plan: .oneRow, format: "parquet", mode: .errorIfExists, options: Options(), partitionColumns: [])
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: write.format = try message.string()
            case 3: write.path = try message.string()
            case 4:
                var table = try message.message()
                while let number = try table.next() {
                    if number == 1 { write.table = try table.string() }
                }
            case 5: write.mode = SaveMode(rawValue: try message.int32()) ?? .errorIfExists
            case 6: throw ConnectError.notServed("WriteOperation.sort_column_names")
            case 7: try string(&message, into: &write.partitionColumns)
            case 8: throw ConnectError.notServed("WriteOperation.bucket_by")
            case 9:
                let entry = try message.mapEntry()
                write.options[entry.key] = entry.value
            case 10: throw ConnectError.notServed("WriteOperation.clustering_columns")
            default: break
            }
        }
        write.plan = try required(input, "WriteOperation")
        if let path = write.path { write.options["path"] = path }
        return write
    }

    func checkpointed(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        while let number = try message.next() {
            if number == 1 { input = try relation(message.message()) }
        }
        return try required(input, "CheckpointCommand")
    }

    /// `WriteStreamOperationStart`.
    func streamDefinition(_ message: ProtobufReader, settings: [String: String]) throws -> StreamingQueryDefinition {
        var message = message
        var input: LogicalPlan?
        var definition = StreamingQueryDefinition(plan: .oneRow, sink: .init(format: ""), options: Options(settings))
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: definition.sink.format = try message.string()
            case 3:
                let entry = try message.mapEntry()
                definition.sink.options[entry.key] = entry.value
            case 4: try string(&message, into: &definition.sink.partitionColumns)
            case 5: definition.trigger = try Self.processingTime(message.string())
            case 6: if try message.bool() { definition.trigger = .availableNow }
            case 7: if try message.bool() { definition.trigger = .once }
            // Batches follow one another without a pause here, which is what continuous processing is asked for.
            case 8: _ = try message.string()
            case 9: definition.outputMode = try Self.outputMode(message.string())
            case 10:
                let name = try message.string()
                if !name.isEmpty { definition.name = name }
            case 11: definition.sink.options["path"] = try message.string()
            case 12: definition.sink.table = try message.string()
            case 13: definition.sink.function = try sinkFunction(message.message(), .row)
            case 14: definition.sink.function = try sinkFunction(message.message(), .batch)
            case 15: throw ConnectError.notServed("WriteStreamOperationStart.clustering_column_names")
            case 100: throw ConnectError.notServed("WriteStreamOperationStart.real_time_batch_duration")
            default: break
            }
        }
        definition.plan = try required(input, "WriteStreamOperationStart")
        definition.checkpointLocation = definition.sink.options["checkpointLocation"]
        if definition.checkpointLocation == nil, let root = settings["spark.sql.streaming.checkpointLocation"] {
            definition.checkpointLocation = root + "/" + (definition.name ?? randomUUID())
        }
        return definition
    }

    /// `StreamingForeachFunction`. The session is the caller's to name.
    private func sinkFunction(_ message: ProtobufReader, _ kind: PythonSinkFunction.Kind) throws -> PythonSinkFunction {
        var message = message
        while let number = try message.next() {
            switch number {
            case 1:
                var function = try Self.pythonUDF(message.message())
                function.name = kind == .batch ? "foreachBatch" : "foreach"
                return PythonSinkFunction(kind, function, userID: "", sessionID: "")
            case 2: throw ConnectError.notServed("a function of Scala in \(kind == .batch ? "foreachBatch" : "foreach")")
            default: break
            }
        }
        throw ConnectError.invalidPlan("A StreamingForeachFunction has no code.")
    }

    private static func outputMode(_ text: String) throws -> OutputMode {
        guard let mode = OutputMode(rawValue: text.isEmpty ? "append" : text.lowercased()) else {
            throw SparkError(
                "STREAMING_OUTPUT_MODE.INVALID", sqlState: "42KDE",
                "Invalid streaming output mode: \(text). Accepted output modes are 'Append', 'Complete', 'Update'.")
        }
        return mode
    }

    private static let units: [String: Int64] = [
        "microsecond": 1, "us": 1, "millisecond": 1_000, "msec": 1_000, "ms": 1_000, "second": 1_000_000, "sec": 1_000_000, "s": 1_000_000,
        "minute": 60_000_000, "min": 60_000_000, "m": 60_000_000, "hour": 3_600_000_000, "h": 3_600_000_000, "day": 86_400_000_000,
        "d": 86_400_000_000, "week": 604_800_000_000,
    ]

    /// `5 seconds`, `1 minute 30 seconds`, `INTERVAL 10 SECONDS`.
    static func processingTime(_ text: String) throws -> Trigger {
        func refusal() -> SparkError {
            SparkError(
                "CANNOT_PARSE_INTERVAL", sqlState: "22006",
                "Unable to parse '\(text)'. Please ensure that the value provided is in a valid format for defining an interval.")
        }
        var words = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
        if words.first == "interval" { words.removeFirst() }
        guard !words.isEmpty, words.count % 2 == 0 else { throw refusal() }
        var micros: Int64 = 0
        for index in stride(from: 0, to: words.count, by: 2) {
            let unit = units[words[index + 1]] ?? units[String(words[index + 1].dropLast())]
            guard let count = Double(words[index]), let unit, count.magnitude < 1e9 else { throw refusal() }
            micros += Int64(count * Double(unit))
        }
        guard micros >= 0 else {
            throw ConnectError(
                classes: ["java.lang.IllegalArgumentException", "java.lang.RuntimeException", "java.lang.Exception"],
                message: "requirement failed: the interval of trigger should not be negative")
        }
        return micros == 0 ? .asSoonAsPossible : .processingTime(.microseconds(micros))
    }
}
