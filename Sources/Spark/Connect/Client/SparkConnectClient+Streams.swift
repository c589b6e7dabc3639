internal import IO
internal import NIOCore

/// Frames and streaming queries on the server.
extension SparkConnectClient {
    /// A frame's columns, as the server resolves them.
    package func schema(of plan: LogicalPlan) async throws -> StructType {
        guard let schema = try await analyze(.schema(try PlanEncoder.plan(plan))).schema else { throw unexpected("schema") }
        return schema
    }

    /// Starts a streaming query there.
    ///
    /// - Throws: ``SparkError`` for what cannot be sent, ``SparkConnectClientError`` with the server's words for what it refuses.
    package func start(_ definition: StreamingQueryDefinition) async throws -> ConnectStreamingQuery {
        let command = ConnectCommand.lowered(.startStream, try Self.startStream(definition))
        guard case .streamStarted(let instance, let name, _)? = try await execute(command, timeout: startTimeout) else {
            throw unexpected("write_stream_operation_start")
        }
        let query = ConnectStreamingQuery(id: instance.id, runID: instance.runID, name: name)
        know(query)
        return query
    }

    /// Runs a batch to its end and drops the rows there (`df.write.format("noop").mode("overwrite").save()`).
    package func writeToNoop(_ plan: LogicalPlan) async throws {
        var writer = ProtobufWriter()
        writer.write(1, optional: try PlanEncoder.relation(plan))
        writer.write(2, optional: "noop")
        writer.write(5, Int64(SaveMode.overwrite.rawValue))
        _ = try await execute(.lowered(.write, writer.buffer), timeout: startTimeout)
    }

    /// `WriteStreamOperationStart`.
    static func startStream(_ definition: StreamingQueryDefinition) throws -> ByteBuffer {
        guard definition.sink.function == nil else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "A query of this process cannot give a Python function to another Spark.")
        }
        var options = definition.options
        for (name, value) in definition.sink.options.pairs { options[name] = value }
        if let location = definition.checkpointLocation { options["checkpointLocation"] = location }
        var writer = ProtobufWriter()
        writer.write(1, optional: try PlanEncoder.relation(definition.plan))
        writer.write(2, definition.sink.format)
        for (name, value) in options.pairs where !name.equalsIgnoringCase("path") {
            writer.write(3) { entry in
                entry.write(1, name)
                entry.write(2, value)
            }
        }
        switch definition.trigger {
        case .asSoonAsPossible: break
        case .processingTime(let interval): writer.write(5, "\(Int64(interval.inMilliseconds)) milliseconds")
        case .availableNow: writer.write(6, optional: true)
        case .once: writer.write(7, optional: true)
        }
        writer.write(9, definition.outputMode.rawValue)
        writer.write(10, definition.name ?? "")
        writer.write(11, optional: options["path"])
        writer.write(12, optional: definition.sink.table)
        return writer.buffer
    }
}
