/// Rows that a client sent in Arrow IPC streams, as columns of the types that the plan gives them.
enum ArrowRows {
    static func schema(_ streams: [[UInt8]]) throws -> StructType { try ArrowReader.rows(streams, schema: nil).schema }

    /// Columns that Arrow holds under another type are cast, as in Spark.
    static func decode(_ streams: [[UInt8]], _ schema: StructType) throws -> [ResultBatch] {
        let read = try ArrowReader.rows(streams, schema: schema)
        guard read.schema.fields.map(\.dataType) != schema.fields.map(\.dataType) else { return read.batches }
        let context = EvaluationContext(timestampMicros: QueryLauncher.clock())
        return try read.batches.map { batch in
            let evaluator = Evaluator(
                batch: ColumnBatch(count: batch.count, columns: batch.columns), context: context, stageRows: batch.count)
            let columns = try batch.columns.indices.map { index in
                let own = read.schema.fields[index].dataType, wanted = schema.fields[index].dataType
                guard own != wanted else { return batch.columns[index] }
                return try evaluator.evaluate(.cast(.column(index, own, nullable: true), to: wanted, isTry: false), .all(batch.count))
            }
            return ResultBatch(columns: columns, count: batch.count)
        }
    }
}
