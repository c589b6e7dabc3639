/// Relations over one or two inputs.
extension PlanDecoder {
    func project(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var expressions: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 3: expressions.append(try expression(message.message()))
            default: break
            }
        }
        return .project(expressions, input ?? .oneRow)
    }

    func filter(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var condition: Expression?
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: condition = try expression(message.message())
            default: break
            }
        }
        return .filter(try required(condition, "Filter"), try required(input, "Filter"))
    }

    /// `Join` and `LateralJoin`, whose first four fields are the same.
    func join(_ message: ProtobufReader, isLateral: Bool) throws -> LogicalPlan {
        var message = message
        var left: LogicalPlan?, right: LogicalPlan?
        var condition: Expression?
        var type: Int32 = 0
        var using: [String] = []
        while let number = try message.next() {
            switch number {
            case 1: left = try relation(message.message())
            case 2: right = try relation(message.message())
            case 3: condition = try expression(message.message())
            case 4: type = try message.int32()
            case 5: try string(&message, into: &using)
            default: break
            }
        }
        let kinds: [Int32: Join.Kind] = [1: .inner, 2: .fullOuter, 3: .leftOuter, 4: .rightOuter, 5: .leftAnti, 6: .leftSemi, 7: .cross]
        guard let kind = kinds[type] else { throw ConnectError.invalidPlan("The join type \(type) is not known.") }
        guard condition == nil || using.isEmpty else {
            throw ConnectError.invalidPlan("Using columns or join conditions cannot be set at the same time in Join.")
        }
        let on: Join.Condition = condition.map { .on($0) } ?? (using.isEmpty ? .none : .using(using))
        return .join(Join(kind, on, isLateral: isLateral), try required(left, "Join"), try required(right, "Join"))
    }

    func setOperation(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var left: LogicalPlan?, right: LogicalPlan?
        var type: Int32 = 0
        var isAll = false, byName = false, allowMissing = false
        while let number = try message.next() {
            switch number {
            case 1: left = try relation(message.message())
            case 2: right = try relation(message.message())
            case 3: type = try message.int32()
            case 4: isAll = try message.bool()
            case 5: byName = try message.bool()
            case 6: allowMissing = try message.bool()
            default: break
            }
        }
        let kinds: [Int32: SetOperation.Kind] = [1: .intersect, 2: .union, 3: .except]
        guard let kind = kinds[type] else { throw ConnectError.invalidPlan("The set operation \(type) is not known.") }
        return .setOperation(
            SetOperation(kind, isAll: isAll, byName: byName, allowMissingColumns: allowMissing), try required(left, "SetOperation"),
            try required(right, "SetOperation"))
    }

    func sort(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var order: [SortOrder] = []
        var isGlobal = false
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: order.append(try sortOrder(message.message()))
            case 3: isGlobal = try message.bool()
            default: break
            }
        }
        return .sort(order, isGlobal: isGlobal, try required(input, "Sort"))
    }

    /// `Limit`, `Offset`, `Tail`.
    func count(_ message: ProtobufReader, _ make: (Int, LogicalPlan) -> LogicalPlan) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var count: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: count = try message.int32()
            default: break
            }
        }
        guard count >= 0 else {
            throw SparkError(
                "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", sqlState: "42K0E",
                "The limit like expression \"\(count)\" is invalid. The limit expression must be equal to or greater than 0, but got \(count)."
            )
        }
        return make(Int(count), try required(input, "Limit"))
    }

    func aggregate(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var type: Int32 = 0
        var keys: [Expression] = [], aggregates: [Expression] = []
        var pivot: Aggregate.Pivot?
        var sets: [[Expression]] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: type = try message.int32()
            case 3: keys.append(try expression(message.message()))
            case 4: aggregates.append(try expression(message.message()))
            case 5: pivot = try self.pivot(message.message())
            case 6:
                var set = try message.message()
                var expressions: [Expression] = []
                while let number = try set.next() {
                    if number == 1 { expressions.append(try expression(set.message())) }
                }
                sets.append(expressions)
            default: break
            }
        }
        let grouping: Aggregate.Grouping
        switch type {
        case 1, 4: grouping = .groupBy
        case 2: grouping = .rollup
        case 3: grouping = .cube
        case 5: grouping = .groupingSets(sets)
        default: throw ConnectError.invalidPlan("The grouping type \(type) is not known.")
        }
        return .aggregate(Aggregate(keys, aggregates, grouping: grouping, pivot: pivot), try required(input, "Aggregate"))
    }

    private func pivot(_ message: ProtobufReader) throws -> Aggregate.Pivot {
        var message = message
        var column: Expression?
        var values: [Literal] = []
        while let number = try message.next() {
            switch number {
            case 1: column = try expression(message.message())
            case 2: values.append(try LiteralDecoder.literal(message.message()))
            default: break
            }
        }
        return Aggregate.Pivot(try required(column, "Pivot"), values: values)
    }

    func sample(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var sample = Sample(lower: 0, upper: 0)
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: sample.lower = try message.double()
            case 3: sample.upper = try message.double()
            case 4: sample.withReplacement = try message.bool()
            case 5: sample.seed = try message.int64()
            default: break
            }
        }
        // Fixed here, so that each run of the same frame gives the same rows, as in Spark.
        if sample.seed == nil { sample.seed = Int64.random(in: .min ... .max) }
        return .sample(sample, try required(input, "Sample"))
    }

    func deduplicate(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var names: [String] = []
        var isAll = false, withinWatermark = false
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: try string(&message, into: &names)
            case 3: isAll = try message.bool()
            case 4: withinWatermark = try message.bool()
            default: break
            }
        }
        guard isAll != !names.isEmpty else {
            throw ConnectError.invalidPlan("Deduplicate requires either all columns as keys or a list of column names.")
        }
        return .deduplicate(names, withinWatermark: withinWatermark, try required(input, "Deduplicate"))
    }

    func subqueryAlias(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var name = ""
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: name = try message.string()
            default: break
            }
        }
        return .alias(name, columns: [], try required(input, "SubqueryAlias"))
    }

    func repartition(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var partitions: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: partitions = try message.int32()
            default: break
            }
        }
        return .repartition(Int(partitions), by: [], try required(input, "Repartition"))
    }

    func repartitionByExpression(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var partitions: Int32?
        var by: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: by.append(try expression(message.message()))
            case 3: partitions = try message.int32()
            default: break
            }
        }
        return .repartition(partitions.map(Int.init), by: by, try required(input, "RepartitionByExpression"))
    }

    func hint(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var name = ""
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: name = try message.string()
            default: break
            }
        }
        return .hint(name, try required(input, "Hint"))
    }

    func watermark(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var column = "", delay = ""
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: column = try message.string()
            case 3: delay = try message.string()
            default: break
            }
        }
        return .watermark(column: column, delay: delay, try required(input, "WithWatermark"))
    }

    func collectMetrics(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var name = ""
        var metrics: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: name = try message.string()
            case 3: metrics.append(try expression(message.message()))
            default: break
            }
        }
        return .observe(name: name, metrics, try required(input, "CollectMetrics"))
    }

    func parse(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var format: Int32 = 0
        var schema: StructType?
        var options: [String: String] = [:]
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: format = try message.int32()
            case 3:
                guard case .structure(let type) = try DataType(wire: message.message()) else {
                    throw ConnectError.invalidPlan("The schema of Parse is no struct.")
                }
                schema = type
            case 4:
                let entry = try message.mapEntry()
                options[entry.key] = entry.value
            default: break
            }
        }
        guard let name = [1: "csv", 2: "json", 3: "xml"][format] else {
            throw ConnectError.invalidPlan("The format \(format) of Parse is not known.")
        }
        return .parse(format: name, options: Options(options), schema: schema, try required(input, "Parse"))
    }

    func showString(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var rows: Int32 = 0, truncate: Int32 = 0
        var isVertical = false
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: rows = try message.int32()
            case 3: truncate = try message.int32()
            case 4: isVertical = try message.bool()
            default: break
            }
        }
        return .showString(rows: Int(rows), truncate: Int(truncate), isVertical: isVertical, try required(input, "ShowString"))
    }

    func htmlString(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var rows: Int32 = 0, truncate: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: rows = try message.int32()
            case 3: truncate = try message.int32()
            default: break
            }
        }
        return .htmlString(rows: Int(rows), truncate: Int(truncate), try required(input, "HtmlString"))
    }

    func unpivot(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var unpivot = Unpivot(ids: [], values: nil, variableName: "", valueName: "")
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: unpivot.ids.append(try expression(message.message()))
            case 3:
                var list = try message.message()
                var values: [Expression] = []
                while let number = try list.next() {
                    if number == 1 { values.append(try expression(list.message())) }
                }
                unpivot.values = values
            case 4: unpivot.variableName = try message.string()
            case 5: unpivot.valueName = try message.string()
            default: break
            }
        }
        return .unpivot(unpivot, try required(input, "Unpivot"))
    }

    func transpose(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var indexColumns: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: indexColumns.append(try expression(message.message()))
            default: break
            }
        }
        return .transpose(indexColumns: indexColumns, try required(input, "Transpose"))
    }

    func mapPartitions(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var function: PythonFunction?
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: function = try pythonFunction(message.message()).function
            default: break
            }
        }
        guard let function else { throw ConnectError.invalidPlan("MapPartitions has no function.") }
        return .mapPartitions(function, try required(input, "MapPartitions"))
    }

    func groupMap(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var function: PythonFunction?
        var keys: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: keys.append(try expression(message.message()))
            case 3: function = try pythonFunction(message.message()).function
            case 5, 7, 9, 11: return .notServed("Relation.group_map with state")
            default: break
            }
        }
        guard let function else { throw ConnectError.invalidPlan("GroupMap has no function.") }
        return .mapGroups(function, by: keys, try required(input, "GroupMap"))
    }
}
