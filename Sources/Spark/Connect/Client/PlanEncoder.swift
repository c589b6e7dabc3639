internal import IO
internal import NIOCore

/// Encodes a ``LogicalPlan`` as Spark Connect's relations and expressions, for a Spark that runs elsewhere: what ``PlanDecoder`` reads, written.
///
/// What only Leat's own front ends build (a pivot whose values are yet to be found, a frame that a server holds) is refused by name: the
/// other Spark could not know what is meant.
enum PlanEncoder {
    static func relation(_ plan: LogicalPlan) throws -> ByteBuffer {
        if case .identified(let id, let child) = plan {
            // `RelationCommon.plan_id`, and after it the child's own field of the same `Relation`.
            var common = ProtobufWriter()
            common.write(1) { $0.write(2, optional: id) }
            var buffer = common.buffer
            buffer.writeImmutableBuffer(try relation(child))
            return buffer
        }
        let (number, body) = try message(plan)
        var writer = ProtobufWriter()
        writer.write(number, optional: body.buffer)
        return writer.buffer
    }

    /// `Plan{root}`.
    static func plan(_ plan: LogicalPlan) throws -> ConnectPlan { .root(try relation(plan)) }

    private static func refused(_ what: String) -> SparkError {
        SparkError(
            "UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) cannot be sent to another Spark.",
            nextStep: "express it with columns and functions, or run the query on the embedded engine")
    }

    private static func message(_ plan: LogicalPlan) throws -> (number: Int, body: ProtobufWriter) {
        var body = ProtobufWriter()
        func input(_ child: LogicalPlan) throws { body.write(1, optional: try relation(child)) }
        switch plan {
        case .read(let read):
            body.write(2) { source in
                source.write(1, optional: read.format)
                source.write(2, optional: read.schema.map(\.json))
                for (name, value) in read.options.pairs where !["path", "paths"].contains(name.lowercased()) {
                    source.write(3) { entry in
                        entry.write(1, name)
                        entry.write(2, value)
                    }
                }
                let several = read.options["paths"].flatMap { try? JSON(parsing: $0) }?.array?.compactMap(\.string)
                source.write(4, repeated: several ?? read.options["path"].map { [$0] } ?? [])
            }
            body.write(3, read.isStreaming)
            return (2, body)
        case .table(let table):
            body.write(1) { named in
                named.write(1, Self.text(table.name))
                named.write(2, map: Dictionary(table.options.pairs) { $1 })
            }
            body.write(3, table.isStreaming)
            return (2, body)
        case .project(let columns, let child):
            try input(child)
            for column in columns { body.write(3, optional: try expression(column)) }
            return (3, body)
        case .filter(let condition, let child):
            try input(child)
            body.write(2, optional: try expression(condition))
            return (4, body)
        case .join(let join, let left, let right):
            return (5, try self.join(join, left, right))
        case .setOperation(let operation, let left, let right):
            body.write(1, optional: try relation(left))
            body.write(2, optional: try relation(right))
            let kinds: [SetOperation.Kind: Int64] = [.intersect: 1, .union: 2, .except: 3]
            body.write(3, optional: kinds[operation.kind])
            body.write(4, optional: operation.isAll)
            body.write(5, optional: operation.byName)
            body.write(6, optional: operation.allowMissingColumns)
            return (6, body)
        case .sort(let keys, let isGlobal, let child):
            try input(child)
            for key in keys { body.write(2, optional: try order(key)) }
            body.write(3, optional: isGlobal)
            return (7, body)
        case .limit(let count, let child), .offset(let count, let child), .tail(let count, let child):
            try input(child)
            body.write(2, Int64(count))
            if case .limit = plan { return (8, body) }
            if case .offset = plan { return (13, body) }
            return (22, body)
        case .aggregate(let aggregate, let child):
            return (9, try self.aggregate(aggregate, child))
        case .deduplicate(let names, let withinWatermark, let child):
            try input(child)
            body.write(2, repeated: names)
            body.write(3, optional: names.isEmpty)
            body.write(4, optional: withinWatermark)
            return (14, body)
        case .range(let start, let end, let step):
            body.write(1, optional: start)
            body.write(2, end)
            body.write(3, step)
            return (15, body)
        case .alias(let name, columns: [], let child):
            try input(child)
            body.write(2, name)
            return (16, body)
        case .repartition(let count?, by: [], let child):
            try input(child)
            body.write(2, Int64(count))
            body.write(3, optional: true)
            return (17, body)
        case .toDF(let names, let child):
            try input(child)
            body.write(2, repeated: names)
            return (18, body)
        case .renamed(let names, let child):
            try input(child)
            for (old, new) in names.sorted(by: { $0.key < $1.key }) {
                body.write(3) { rename in
                    rename.write(1, old)
                    rename.write(2, new)
                }
            }
            return (19, body)
        case .drop(let names, let child):
            try input(child)
            body.write(3, repeated: names)
            return (21, body)
        case .dropColumns(let columns, let child):
            try input(child)
            for column in columns { body.write(2, optional: try expression(column)) }
            return (21, body)
        case .withColumns(let columns, let child):
            try input(child)
            for column in columns { body.write(2, optional: try alias(column.expression, [column.name], nil)) }
            return (23, body)
        case .watermark(let column, let delay, let child):
            try input(child)
            body.write(2, column)
            body.write(3, delay)
            return (33, body)
        default:
            throw refused("The operator \(plan.operatorName)")
        }
    }

    private static func join(_ join: Join, _ left: LogicalPlan, _ right: LogicalPlan) throws -> ProtobufWriter {
        guard !join.isLateral else { throw refused("A lateral join") }
        let kinds: [Join.Kind: Int64] = [
            .inner: 1, .fullOuter: 2, .leftOuter: 3, .rightOuter: 4, .leftAnti: 5, .leftSemi: 6, .cross: 7,
        ]
        var body = ProtobufWriter()
        body.write(1, optional: try relation(left))
        body.write(2, optional: try relation(right))
        switch join.condition {
        case .none: break
        case .on(let condition): body.write(3, optional: try expression(condition))
        case .using(let names): body.write(5, repeated: names)
        case .natural: throw refused("A natural join")
        }
        body.write(4, optional: kinds[join.kind])
        return body
    }

    private static func aggregate(_ aggregate: Aggregate, _ child: LogicalPlan) throws -> ProtobufWriter {
        guard aggregate.pivot == nil, aggregate.includesKeys else { throw refused("A pivot, or SQL's GROUP BY,") }
        let kind: Int64
        switch aggregate.grouping {
        case .groupBy: kind = 1
        case .rollup: kind = 2
        case .cube: kind = 3
        case .groupingSets: throw refused("GROUPING SETS")
        }
        var body = ProtobufWriter()
        body.write(1, optional: try relation(child))
        body.write(2, kind)
        for key in aggregate.keys { body.write(3, optional: try expression(key)) }
        for call in aggregate.aggregates { body.write(4, optional: try expression(call)) }
        return body
    }

    // MARK: Expressions

    static func expression(_ expression: Expression) throws -> ByteBuffer {
        var body = ProtobufWriter()
        let number: Int
        switch expression {
        case .literal(let value):
            value.write(wire: &body)
            number = 1
        case .attribute(let name, let planID):
            body.write(1, text(name))
            body.write(2, optional: planID)
            number = 2
        case .function(let name, let arguments, let isDistinct, filter: nil):
            body.write(1, name)
            for argument in arguments { body.write(2, optional: try self.expression(argument)) }
            body.write(3, isDistinct)
            number = 3
        case .star(let target, let planID):
            body.write(1, optional: target.isEmpty ? nil : text(target) + ".*")
            body.write(2, optional: planID)
            number = 5
        case .alias(let child, let name, let metadata): return wrapped(6, try alias(child, [name], metadata))
        case .multiAlias(let child, let names): return wrapped(6, try alias(child, names, nil))
        case .cast(let child, let type, let isTry):
            body.write(1, optional: try self.expression(child))
            body.write(2) { type.write(wire: &$0) }
            body.write(4, Int64(isTry ? 3 : 0))
            number = 7
        case .columnRegex(let pattern, let planID):
            body.write(1, "`\(pattern)`")
            body.write(2, optional: planID)
            number = 8
        case .sortOrder(let key): return wrapped(9, try order(key))
        case .lambda(let parameters, let result):
            body.write(1, optional: try self.expression(result))
            for parameter in parameters { body.write(2) { $0.write(1, parameter) } }
            number = 10
        case .window(let function, let window): return wrapped(11, try self.window(function, window))
        case .extractValue(let child, let key):
            body.write(1, optional: try self.expression(child))
            body.write(2, optional: try self.expression(key))
            number = 12
        case .updateField(let child, let name, let value):
            body.write(1, optional: try self.expression(child))
            body.write(2, name)
            body.write(3, optional: try value.map { try self.expression($0) })
            number = 13
        case .lambdaVariable(let name):
            body.write(1, name)
            number = 14
        case .namedArgument(let name, let value):
            body.write(1, name)
            body.write(2, optional: try self.expression(value))
            number = 17
        case .function(let name, _, _, filter: .some): throw refused("\(name)(…) FILTER (WHERE …)")
        case .subquery: throw refused("A subquery")
        case .parameter: throw refused("A parameter without its value")
        case .pythonFunction(let function, _): throw refused("The Python function \(function.name)")
        }
        return wrapped(number, body.buffer)
    }

    private static func wrapped(_ number: Int, _ body: ByteBuffer) -> ByteBuffer {
        var writer = ProtobufWriter()
        writer.write(number, optional: body)
        return writer.buffer
    }

    private static func alias(_ child: Expression, _ names: [String], _ metadata: String?) throws -> ByteBuffer {
        var body = ProtobufWriter()
        body.write(1, optional: try expression(child))
        body.write(2, repeated: names)
        body.write(3, optional: metadata)
        return body.buffer
    }

    private static func order(_ key: SortOrder) throws -> ByteBuffer {
        var body = ProtobufWriter()
        body.write(1, optional: try expression(key.expression))
        body.write(2, Int64(key.isAscending ? 1 : 2))
        body.write(3, Int64(key.nullsFirst ? 1 : 2))
        return body.buffer
    }

    private static func window(_ function: Expression, _ window: WindowSpecification) throws -> ByteBuffer {
        var body = ProtobufWriter()
        body.write(1, optional: try expression(function))
        for key in window.partition { body.write(2, optional: try expression(key)) }
        for key in window.order { body.write(3, optional: try order(key)) }
        if let frame = window.frame {
            let lower = try bound(frame.lower), upper = try bound(frame.upper)
            body.write(4) { body in
                body.write(1, Int64(frame.kind == .rows ? 1 : 2))
                body.write(2, optional: lower)
                body.write(3, optional: upper)
            }
        }
        return body.buffer
    }

    private static func bound(_ bound: WindowSpecification.Bound) throws -> ByteBuffer {
        var body = ProtobufWriter()
        switch bound {
        case .currentRow: body.write(1, true)
        case .unboundedPreceding, .unboundedFollowing: body.write(2, true)
        case .offset(let distance): body.write(3, optional: try expression(distance))
        }
        return body.buffer
    }

    /// Parts of a name as one text, with backquotes where a part is no plain word.
    static func text(_ name: [String]) -> String {
        name.map { part in
            let isPlain = !part.isEmpty && part.allSatisfy { $0 == "_" || $0.isLetter || $0.isNumber }
            return isPlain ? part : "`\(part.replacing("`", with: "``"))`"
        }.joined(separator: ".")
    }
}
