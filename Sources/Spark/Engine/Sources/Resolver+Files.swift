/// Files as relations: JSON's and CSV's columns are made above a source of texts.
extension Resolver {
    /// The schema of a source of files, the folders' columns last.
    static func fileSchema(_ read: DataSourceRead) throws -> StructType {
        let options = try FileSourceOptions(read)
        if read.isStreaming, read.schema == nil, options.format != .text {
            throw SparkError(
                "_LEGACY_ERROR_TEMP_3034", sqlState: "42000",
                "Schema must be specified when creating a streaming source DataFrame. If some files already exist in the directory, then depending on the file format you may be able to create a static DataFrame on that directory with 'spark.read.load(directory)' and infer schema from it."
            )
        }
        let index = try FileIndex(options, schema: read.schema)
        return StructType(try FileSchema.data(read, options, index).fields + index.partitions.map { StructField($0.name, $0.dataType) })
    }

    /// The relation of a source whose columns are parsed from texts; nil for all others.
    func file(_ read: DataSourceRead) throws -> Relation? {
        guard let format = FileFormat(spark: read.format), format == .json || format == .csv else { return nil }
        let options = try FileSourceOptions(read)
        let index = try FileIndex(options, schema: read.schema)
        let schema = try sourceSchema(read)
        let data = StructType(Array(schema.fields.dropLast(index.partitions.count)))
        return Relation(try format == .json ? json(read, options, data, index.partitions) : csv(read, options, data, index.partitions))
    }

    private static func columns(_ fields: [StructField], from start: Int) -> [ResolvedNamed] {
        fields.enumerated().map { ResolvedNamed($1.name, .column(start + $0, $1.dataType, nullable: true)) }
    }

    /// A text as a value of a type, in the pattern that the options give; null where it is none and the mode lets that pass.
    private static func value(_ text: ResolvedExpression, _ type: DataType, _ options: FileSourceOptions) throws -> ResolvedExpression {
        let isTry = options.mode != .failFast
        guard let pattern = options.pattern(of: type) else { return try FunctionCatalog.explicitCast(text, to: type, isTry: isTry) }
        _ = try DatePattern(pattern)
        let call = ResolvedExpression.call(
            .named(type == .date ? "parse_date" : "parse_timestamp"), [text, .literal(.string(pattern), .string)], type)
        return isTry ? try FunctionCatalog.attempted(call) : call
    }

    /// Drops the rows whose text is there and is no value.
    private static func filtered(_ plan: ResolvedPlan, _ text: ResolvedExpression, _ value: ResolvedExpression) -> ResolvedPlan {
        let isBad = ResolvedExpression.call(
            .and, [.call(.isNotNull, [text], .boolean), .call(.isNull, [value], .boolean)], .boolean)
        return .filter(.call(.not, [isBad], .boolean), plan)
    }

    private func json(_ read: DataSourceRead, _ options: FileSourceOptions, _ data: StructType, _ partitions: [StructField]) throws
        -> ResolvedPlan
    {
        var texts = read
        let source = StructType([StructField("value", .string)] + partitions)
        texts.schema = source
        let line = ResolvedExpression.column(0, .string, nullable: true)
        let isFailFast = options.mode == .failFast
        // Moments in a pattern are read as texts first.
        var schema = StructType(
            data.fields.map { StructField($0.name, options.pattern(of: $0.dataType) == nil ? $0.dataType : .string) })
        let hasCorrupt = data.fields.contains { $0.name == options.corruptColumn }
        // Whether a record is bad is what the column for corrupt records tells.
        if options.mode == .dropMalformed, !hasCorrupt { schema.fields.append(StructField(options.corruptColumn, .string)) }
        let parsed: ResolvedExpression
        if !hasCorrupt, options.mode != .dropMalformed, FunctionCatalog.isScanned(schema) {
            parsed = .fromJSON(line, FromJSON(schema: schema, mode: isFailFast ? .failFast : .permissive))
        } else {
            parsed = .call(
                .named("from_json"),
                [line, .literal(.boolean(isFailFast), .boolean), .literal(.string(options.corruptColumn), .string)], .structure(schema))
        }
        // The record first, once, and its fields above it.
        var plan = ResolvedPlan.project(
            [ResolvedNamed("record", parsed)] + Self.columns(partitions, from: 1), .source(texts, source))
        let record = ResolvedExpression.column(0, .structure(schema), nullable: true)
        if options.mode == .dropMalformed, let corrupt = schema.fields.firstIndex(where: { $0.name == options.corruptColumn }) {
            plan = .filter(.call(.isNull, [.field(record, index: corrupt, .string)], .boolean), plan)
        }
        let values = try data.fields.enumerated().map { index, field -> ResolvedExpression in
            let value = ResolvedExpression.field(record, index: index, schema.fields[index].dataType)
            guard options.pattern(of: field.dataType) != nil else { return value }
            let moment = try Self.value(value, field.dataType, options)
            if options.mode == .dropMalformed { plan = Self.filtered(plan, value, moment) }
            return moment
        }
        return .project(zip(data.fields, values).map { ResolvedNamed($0.name, $1) } + Self.columns(partitions, from: 1), plan)
    }

    private func csv(_ read: DataSourceRead, _ options: FileSourceOptions, _ data: StructType, _ partitions: [StructField]) throws
        -> ResolvedPlan
    {
        guard !data.fields.contains(where: { $0.name == options.corruptColumn }) else {
            throw Resolver.unserved("The column \(options.corruptColumn) for corrupt records of the source csv")
        }
        for field in data.fields where field.dataType.isNested || field.dataType == .binary {
            throw SparkError(
                "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", sqlState: "0A000",
                "The CSV datasource doesn't support the column `\(field.name)` of the type \"\(field.dataType.sql)\".")
        }
        var texts = read
        let source = StructType(data.fields.map { StructField($0.name, .string) } + partitions)
        texts.schema = source
        var plan = ResolvedPlan.source(texts, source)
        let values = try data.fields.enumerated().map { index, field -> ResolvedExpression in
            let text = ResolvedExpression.column(index, .string, nullable: true)
            let value = try Self.value(text, field.dataType, options)
            if options.mode == .dropMalformed, field.dataType != .string { plan = Self.filtered(plan, text, value) }
            return value
        }
        return .project(
            zip(data.fields, values).map { ResolvedNamed($0.name, $1) } + Self.columns(partitions, from: data.fields.count), plan)
    }
}
