/// Relations that change columns, nulls and values, and the statistics.
extension PlanDecoder {
    func toDF(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var names: [String] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: try string(&message, into: &names)
            default: break
            }
        }
        return .toDF(names, try required(input, "ToDF"))
    }

    func renamed(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var renames: [(old: String, new: String)] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2:
                let entry = try message.mapEntry()
                renames.append((entry.key, entry.value))
            case 3:
                var rename = try message.message()
                var pair = (old: "", new: "")
                while let number = try rename.next() {
                    switch number {
                    case 1: pair.old = try rename.string()
                    case 2: pair.new = try rename.string()
                    default: break
                    }
                }
                renames.append(pair)
            default: break
            }
        }
        // One after the other, as in Spark: a later one sees the earlier one's names.
        return renames.reduce(try required(input, "WithColumnsRenamed")) { .renamed([$1.old: $1.new], $0) }
    }

    func withColumns(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var columns: [NamedExpression] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2:
                let alias = try self.alias(message.message())
                guard case .alias(let value, let name, let metadata) = alias else {
                    throw ConnectError.invalidPlan("WithColumns needs one name for each column.")
                }
                columns.append(NamedExpression(name, metadata == nil ? value : alias))
            default: break
            }
        }
        return .withColumns(columns, try required(input, "WithColumns"))
    }

    func drop(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var columns: [Expression] = []
        var names: [String] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: columns.append(try expression(message.message()))
            case 3: try string(&message, into: &names)
            default: break
            }
        }
        var plan = try required(input, "Drop")
        if !columns.isEmpty { plan = .dropColumns(columns, plan) }
        if !names.isEmpty { plan = .drop(names, plan) }
        return plan
    }

    func toSchema(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var schema: StructType?
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2:
                guard case .structure(let type) = try DataType(wire: message.message()) else {
                    throw ConnectError.invalidPlan("The schema of ToSchema is no struct.")
                }
                schema = type
            default: break
            }
        }
        guard let schema else { throw ConnectError.invalidPlan("ToSchema has no schema.") }
        return .toSchema(schema, try required(input, "ToSchema"))
    }

    func fillNulls(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var columns: [String] = []
        var values: [Literal] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: try string(&message, into: &columns)
            case 3: values.append(try LiteralDecoder.literal(message.message()))
            default: break
            }
        }
        guard !values.isEmpty, values.count == 1 || values.count == columns.count else {
            throw ConnectError.invalidPlan("NAFill has \(values.count) values for \(columns.count) columns.")
        }
        return .fillNulls(columns: columns, values: values, try required(input, "NAFill"))
    }

    func dropNulls(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var columns: [String] = []
        var minNonNulls: Int32?
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: try string(&message, into: &columns)
            case 3: minNonNulls = try message.int32()
            default: break
            }
        }
        return .dropNulls(columns: columns, minNonNulls: minNonNulls.map(Int.init), try required(input, "NADrop"))
    }

    func replace(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var columns: [String] = []
        var replacements: [Replacement] = []
        while let number = try message.next() {
            switch number {
            case 1: input = try relation(message.message())
            case 2: try string(&message, into: &columns)
            case 3:
                var pair = try message.message()
                var old: Literal?, new: Literal?
                while let number = try pair.next() {
                    switch number {
                    case 1: old = try LiteralDecoder.literal(pair.message())
                    case 2: new = try LiteralDecoder.literal(pair.message())
                    default: break
                    }
                }
                replacements.append(Replacement(old ?? .null, new ?? .null))
            default: break
            }
        }
        return .replaceValues(columns: columns, replacements, try required(input, "NAReplace"))
    }

    /// `StatSummary` to `StatSampleBy`: their input is field 1, columns and the like field 2 and on.
    func statistics(_ kind: Int, _ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var input: LogicalPlan?
        var texts: [String] = []
        var second = "", method = "pearson"
        var numbers: [Double] = []
        var number4 = 0.0
        var support = 0.01
        var column: Expression?
        var fractions: [Literal: Double] = [:]
        var seed: Int64?
        while let field = try message.next() {
            switch (kind, field) {
            case (_, 1): input = try relation(message.message())
            case (107, 2): column = try expression(message.message())
            case (_, 2): texts.append(try message.string())
            case (101, 3), (103, 3), (104, 3): second = try message.string()
            case (104, 4): method = try message.string()
            case (105, 3): try message.packed(.fixed64, into: &numbers) { reader throws(ProtobufError) in try reader.double() }
            case (105, 4): number4 = try message.double()
            case (106, 3): support = try message.double()
            case (107, 3):
                var fraction = try message.message()
                var stratum: Literal?
                var share = 0.0
                while let number = try fraction.next() {
                    switch number {
                    case 1: stratum = try LiteralDecoder.literal(fraction.message())
                    case 2: share = try fraction.double()
                    default: break
                    }
                }
                if let stratum { fractions[stratum] = share }
            case (107, 5): seed = try message.int64()
            default: break
            }
        }
        let first = texts.first ?? ""
        let statistics: Statistics
        switch kind {
        case 100: statistics = .summary(statistics: texts)
        case 101: statistics = .crosstab(first, second)
        case 102: statistics = .describe(columns: texts)
        case 103: statistics = .covariance(first, second)
        case 104: statistics = .correlation(first, second, method: method)
        case 105: statistics = .approximateQuantiles(columns: texts, probabilities: numbers, relativeError: number4)
        case 106: statistics = .frequentItems(columns: texts, support: support)
        default:
            statistics = .sampleBy(
                try required(column, "StatSampleBy"), fractions: fractions, seed: seed ?? Int64.random(in: .min ... .max))
        }
        return .statistics(statistics, try required(input, "Statistics"))
    }
}
