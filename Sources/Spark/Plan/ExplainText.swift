/// Plans as trees of text, in the manner of Spark's EXPLAIN.
enum ExplainText {
    static func text(_ mode: SQLStatement.ExplainMode, parsed: LogicalPlan, analyzed: ResolvedPlan, optimized: ResolvedPlan) -> String {
        let physical = tree(optimized, isPhysical: true)
        guard mode == .extended else { return "== Physical Plan ==\n" + physical }
        return "== Parsed Logical Plan ==\n" + tree(parsed) + "\n== Analyzed Logical Plan ==\n"
            + analyzed.schema.fields.map { "\($0.name): \($0.dataType.simpleString)" }.joined(separator: ", ") + "\n"
            + tree(analyzed, isPhysical: false) + "\n== Optimized Logical Plan ==\n" + tree(optimized, isPhysical: false)
            + "\n== Physical Plan ==\n" + physical
    }

    private static func lines(_ label: String, _ children: [[String]]) -> [String] {
        var result = [label]
        for (index, child) in children.enumerated() {
            let isLast = index == children.count - 1
            for (line, text) in child.enumerated() { result.append((line == 0 ? (isLast ? "+- " : ":- ") : isLast ? "   " : ":  ") + text) }
        }
        return result
    }

    private static func tree(_ plan: LogicalPlan) -> String {
        func walk(_ plan: LogicalPlan) -> [String] {
            let name = plan.operatorName
            var label = "'" + name.prefix(1).uppercased() + name.dropFirst()
            switch plan {
            case .project(let items, _): label = "'Project [\(items.map(\.prettySQL).joined(separator: ", "))]"
            case .filter(let condition, _): label = "'Filter \(condition.prettySQL)"
            case .table(let table): label = "'UnresolvedRelation [\(table.name.joined(separator: ", "))], [], \(table.isStreaming)"
            case .alias(let name, _, _): label = "'SubqueryAlias \(name)"
            case .aggregate(let aggregate, _):
                label =
                    "'Aggregate [\(aggregate.keys.map(\.prettySQL).joined(separator: ", "))], [\(aggregate.aggregates.map(\.prettySQL).joined(separator: ", "))]"
            case .sort(let keys, let isGlobal, _): label = "'Sort [\(keys.map(\.prettySQL).joined(separator: ", "))], \(isGlobal)"
            case .oneRow: label = "OneRowRelation"
            case .limit(let count, _): label = "'GlobalLimit \(count)"
            case .limitExpression(let count, _): label = "'GlobalLimit \(count.prettySQL)"
            default: break
            }
            return lines(label, plan.children.map(walk))
        }
        return walk(plan).joined(separator: "\n") + "\n"
    }

    private static func tree(_ plan: ResolvedPlan, isPhysical: Bool) -> String {
        func walk(_ plan: ResolvedPlan) -> [String] {
            lines(label(plan, isPhysical: isPhysical), plan.children.map(walk))
        }
        return walk(plan).enumerated().map { isPhysical && $0 == 0 ? "*(1) " + $1 : $1 }.joined(separator: "\n") + "\n"
    }

    private static func label(_ plan: ResolvedPlan, isPhysical: Bool) -> String {
        let inputs = plan.children.flatMap { $0.schema.names }
        func text(_ expression: ResolvedExpression) -> String { expression.text(inputs) }
        func list(_ expressions: [ResolvedExpression]) -> String { "[" + expressions.map(text).joined(separator: ", ") + "]" }
        func keys(_ keys: [ResolvedSortKey]) -> String {
            "["
                + keys.map { "\(text($0.expression)) \($0.isAscending ? "ASC" : "DESC") NULLS \($0.nullsFirst ? "FIRST" : "LAST")" }.joined(
                    separator: ", ")
                + "]"
        }
        switch plan {
        case .source(let read, let schema):
            return "\(isPhysical ? "Scan" : "Relation") \(read.format) [\(schema.names.joined(separator: ","))]"
        case .values(let rows, let schema):
            return schema.fields.isEmpty && rows.count == 1
                ? (isPhysical ? "Scan OneRowRelation[]" : "OneRowRelation")
                : "\(isPhysical ? "LocalTableScan" : "LocalRelation") [\(schema.names.joined(separator: ", "))]"
        case .arrow(_, let schema): return "\(isPhysical ? "LocalTableScan" : "LocalRelation") [\(schema.names.joined(separator: ", "))]"
        case .memoryTable(let name, let schema):
            return "\(isPhysical ? "Scan" : "Relation") memory \(name) [\(schema.names.joined(separator: ", "))]"
        case .range(let start, let end, let step): return "Range (\(start), \(end), step=\(step))"
        case .project(let columns, _):
            return "Project ["
                + columns.map { column in
                    let shown = text(column.expression)
                    return shown == column.name ? shown : "\(shown) AS \(column.name)"
                }.joined(separator: ", ") + "]"
        case .filter(let condition, _): return "Filter \(text(condition))"
        case .limit(let count, _): return isPhysical ? "CollectLimit \(count)" : "GlobalLimit \(count)"
        case .offset(let count, _): return "Offset \(count)"
        case .tail(let count, _): return "Tail \(count)"
        case .sort(let order, _): return "Sort \(keys(order)), true"
        case .union: return "Union"
        case .setOperation(let kind, let isAll, _, _, _): return "\(kind == .intersect ? "Intersect" : "Except") \(isAll)"
        case .join(let join, _, _):
            let names: [ResolvedJoin.Kind: String] = [
                .inner: "Inner", .leftOuter: "LeftOuter", .rightOuter: "RightOuter", .fullOuter: "FullOuter", .leftSemi: "LeftSemi",
                .leftAnti: "LeftAnti",
            ]
            let kind = names[join.kind] ?? "ExistenceJoin"
            let left = plan.children[0].schema.names
            let right = plan.children[1].schema.names
            let residual = join.residual.map { ", \(text($0))" } ?? ""
            if join.keys.isEmpty { return (isPhysical ? "BroadcastNestedLoopJoin BuildRight, " : "Join ") + kind + residual }
            if isPhysical {
                return
                    "BroadcastHashJoin [\(join.keys.map { $0.left.text(left) }.joined(separator: ", "))], [\(join.keys.map { $0.right.text(right) }.joined(separator: ", "))], \(kind), BuildRight\(residual)"
            }
            return "Join \(kind), "
                + join.keys.map { "(\($0.left.text(left)) = \($0.right.text(right)))" }.joined(separator: " AND ") + residual
        case .aggregate(let aggregate, _):
            let keyTexts = aggregate.keys.map { text($0.expression) }.joined(separator: ", ")
            let calls = aggregate.calls.map(\.name).joined(separator: ", ")
            return isPhysical ? "HashAggregate(keys=[\(keyTexts)], functions=[\(calls)])" : "Aggregate [\(keyTexts)], [\(calls)]"
        case .window(let calls, _): return "Window [\(calls.map(\.name).joined(separator: ", "))]"
        case .generate(let generator, _):
            return
                "Generate \(generator.kind == .inline ? "inline" : "explode")(\(generator.arguments.map(text).joined(separator: ", "))), \(generator.isOuter)"
        case .expand(let rows, _, _): return "Expand [\(rows.map(list).joined(separator: ", "))]"
        case .deduplicate: return isPhysical ? "HashAggregate(distinct)" : "Distinct"
        case .deduplicateWithin: return isPhysical ? "StreamingDeduplicateWithinWatermark" : "DeduplicateWithinWatermark"
        case .watermark(let column, let delay, _):
            return "EventTimeWatermark \(column < inputs.count ? inputs[column] : "#\(column)"), \(IntervalText.sql(micros: delay))"
        case .sample(let sample, _): return "Sample \(sample.lower), \(sample.upper), \(sample.withReplacement)"
        case .singleRow: return "Subquery scalar-subquery"
        case .python(let operation, _): return operation.label
        case .show: return "ShowString"
        case .observe(let name, let aggregate, _, _):
            return "CollectMetrics \(name), [\(aggregate.calls.map(\.name).joined(separator: ", "))]"
        }
    }
}

extension ResolvedExpression {
    /// The expression with its input's names.
    func text(_ names: [String]) -> String {
        switch self {
        case .column(let index, _, _): return index < names.count ? names[index] : "#\(index)"
        case .literal(let literal, _): return literal.prettySQL
        case .cast(let child, let type, let isTry): return "\(isTry ? "try_cast" : "cast")(\(child.text(names)) as \(type.simpleString))"
        case .field(let base, let index, _):
            guard case .structure(let type) = base.dataType else { return base.text(names) }
            return "\(base.text(names)).\(type.fields[index].name)"
        case .lambda(_, let body): return "lambdafunction(\(body.text(names)))"
        case .lambdaVariable(let number, _, _): return "x_\(number)"
        case .fromJSON(let child, _): return "from_json(\(child.text(names)))"
        case .python(let call): return "\(call.name)(\(call.arguments.map { $0.text(names) }.joined(separator: ", ")))"
        case .structure(let fields):
            return "named_struct(" + fields.map { "\($0.name), \($0.expression.text(names))" }.joined(separator: ", ") + ")"
        case .call(let op, let arguments, _):
            let texts = arguments.map { $0.text(names) }
            let signs: [ScalarOperator: String] = [
                .add: "+", .subtract: "-", .multiply: "*", .divide: "/", .equal: "=", .equalNullSafe: "<=>", .less: "<", .lessOrEqual: "<=",
                .greater: ">", .greaterOrEqual: ">=", .and: "AND", .or: "OR",
            ]
            if let sign = signs[op], texts.count == 2 { return "(\(texts[0]) \(sign) \(texts[1]))" }
            switch op {
            case .isNotNull: return "isnotnull(\(texts[0]))"
            case .isNull: return "isnull(\(texts[0]))"
            case .not: return "NOT \(texts[0])"
            case .named(let name): return "\(name)(\(texts.joined(separator: ", ")))"
            default: return "\(op)(\(texts.joined(separator: ", ")))"
            }
        }
    }
}
