internal import IO
internal import NIOPosix

/// Files as sources and sinks of queries.
extension QueryLauncher {
    func fileSource(_ branch: PhysicalPlan.Branch, _ signal: SourceSignal) throws -> any StreamSource {
        let limits = configuration.fileLimits
        guard branch.source.isStreaming else {
            return try FileSource(
                branch.source, schema: branch.sourceSchema, wanted: branch.wanted, limits: limits, parallelism: workers.numberOfThreads + 1)
        }
        return try FileStreamSource(
            branch.source, schema: branch.sourceSchema, wanted: branch.wanted, limits: limits,
            poll: configuration.values.duration("engine.files.poll"), workers: workers, signal: signal, logger: logger)
    }

    func fileSink(_ definition: StreamingQueryDefinition) throws -> any StreamSink {
        guard let format = FileFormat(spark: definition.sink.format) else {
            throw Resolver.unserved("The file format \(definition.sink.format)")
        }
        return try FileStreamSink(format, definition.sink, definition.options, values: configuration.values, workers: workers)
    }

    /// Gives what works with files the query's id: the sources their logs, the sink its folder.
    func claimFiles(_ id: StreamingQueryID, sources: [any StreamSource], _ sink: any StreamSink) throws {
        for (index, source) in sources.enumerated() {
            (source as? FileStreamSource)?.attach(FileSourceLog(checkpoint: checkpoint, query: id, source: index))
        }
        try (sink as? FileStreamSink)?.claim(id)
    }
}
