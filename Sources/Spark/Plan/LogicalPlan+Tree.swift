/// Plans as trees, for what rewrites them before they are resolved.
extension LogicalPlan {
    /// The same plan over other children.
    func mapChildren(_ transform: (LogicalPlan) async throws -> LogicalPlan) async rethrows -> LogicalPlan {
        switch self {
        case .read, .table, .local, .range, .oneRow, .cached, .notServed: return self
        case .project(let items, let child): return .project(items, try await transform(child))
        case .withColumns(let columns, let child): return .withColumns(columns, try await transform(child))
        case .renamed(let names, let child): return .renamed(names, try await transform(child))
        case .toDF(let names, let child): return .toDF(names, try await transform(child))
        case .toSchema(let schema, let child): return .toSchema(schema, try await transform(child))
        case .drop(let names, let child): return .drop(names, try await transform(child))
        case .dropColumns(let columns, let child): return .dropColumns(columns, try await transform(child))
        case .filter(let condition, let child): return .filter(condition, try await transform(child))
        case .limit(let count, let child): return .limit(count, try await transform(child))
        case .offset(let count, let child): return .offset(count, try await transform(child))
        case .tail(let count, let child): return .tail(count, try await transform(child))
        case .limitExpression(let count, let child): return .limitExpression(count, try await transform(child))
        case .offsetExpression(let count, let child): return .offsetExpression(count, try await transform(child))
        case .sort(let keys, let isGlobal, let child): return .sort(keys, isGlobal: isGlobal, try await transform(child))
        case .aggregate(let aggregate, let child): return .aggregate(aggregate, try await transform(child))
        case .having(let condition, let child): return .having(condition, try await transform(child))
        case .deduplicate(let names, let within, let child): return .deduplicate(names, withinWatermark: within, try await transform(child))
        case .sample(let sample, let child): return .sample(sample, try await transform(child))
        case .alias(let name, let columns, let child): return .alias(name, columns: columns, try await transform(child))
        case .identified(let id, let child): return .identified(id, try await transform(child))
        case .watermark(let column, let delay, let child): return .watermark(column: column, delay: delay, try await transform(child))
        case .generate(let generate, let child): return .generate(generate, try await transform(child))
        case .unpivot(let unpivot, let child): return .unpivot(unpivot, try await transform(child))
        case .transpose(let columns, let child): return .transpose(indexColumns: columns, try await transform(child))
        case .repartition(let count, let keys, let child): return .repartition(count, by: keys, try await transform(child))
        case .hint(let name, let child): return .hint(name, try await transform(child))
        case .fillNulls(let columns, let values, let child): return .fillNulls(columns: columns, values: values, try await transform(child))
        case .dropNulls(let columns, let least, let child):
            return .dropNulls(columns: columns, minNonNulls: least, try await transform(child))
        case .replaceValues(let columns, let pairs, let child): return .replaceValues(columns: columns, pairs, try await transform(child))
        case .statistics(let statistics, let child): return .statistics(statistics, try await transform(child))
        case .mapPartitions(let function, let child): return .mapPartitions(function, try await transform(child))
        case .mapGroups(let function, let keys, let child): return .mapGroups(function, by: keys, try await transform(child))
        case .observe(let name, let items, let child): return .observe(name: name, items, try await transform(child))
        case .parse(let format, let options, let schema, let child):
            return .parse(format: format, options: options, schema: schema, try await transform(child))
        case .showString(let rows, let truncate, let isVertical, let child):
            return .showString(rows: rows, truncate: truncate, isVertical: isVertical, try await transform(child))
        case .htmlString(let rows, let truncate, let child): return .htmlString(rows: rows, truncate: truncate, try await transform(child))
        case .with(let tables, let isRecursive, let child):
            var mapped: [CommonTable] = []
            for table in tables { mapped.append(CommonTable(table.name, columns: table.columns, try await transform(table.plan))) }
            return .with(mapped, isRecursive: isRecursive, try await transform(child))
        case .setOperation(let operation, let left, let right):
            return .setOperation(operation, try await transform(left), try await transform(right))
        case .join(let join, let left, let right): return .join(join, try await transform(left), try await transform(right))
        }
    }

    /// Whether its schema depends on what is read first.
    var hasOpenPivot: Bool {
        switch self {
        case .aggregate(let aggregate, _) where aggregate.pivot?.values.isEmpty == true: return true
        case .statistics(.crosstab, _): return true
        default: return children.contains(where: \.hasOpenPivot)
        }
    }
}
