internal import NIOCore

/// Decodes Spark Connect's relations and expressions straight into ``LogicalPlan`` and ``Expression``; there is no form between.
///
/// What the plan has no case for is refused by its name in Spark's definition. One file a group of messages.
struct PlanDecoder {
    /// What a plan may refer to beside itself.
    struct Context: Sendable {
        /// A block that the client uploaded (`cache/<hash>`).
        var artifact: @Sendable (String) -> ByteBuffer?
        /// A frame that the server holds for the client, by its id.
        var cached: @Sendable (String) -> LogicalPlan?
        /// A function that the session registered.
        var function: @Sendable (String) -> PythonFunction?
        /// A temporary view of the session, by its name.
        var view: @Sendable (String) -> LogicalPlan?
        /// `SELECT …` with its parameters put in.
        var parse: @Sendable (_ sql: String, _ named: [String: Expression], _ positional: [Expression]) throws -> LogicalPlan
    }

    let context: Context
    /// Without them, two plans that were built alike are equal.
    var keepsPlanIDs = true
    /// Frames that subqueries name, by their number (`WithRelations.references`).
    private(set) var references: [Int64: LogicalPlan] = [:]

    init(_ context: Context) {
        self.context = context
    }

    func relation(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var kind = 0
        var body: ProtobufReader?
        var planID: Int64?
        while let number = try message.next() {
            if number == 1 {
                planID = try Self.planID(message.message())
            } else if SparkConnectNames.relations[number] != nil {
                kind = number
                body = try message.message()
            }
        }
        guard let body else { throw ConnectError.invalidPlan("A relation has no type.") }
        let plan = try relation(kind, body)
        guard keepsPlanIDs, let planID else { return plan }
        return .identified(planID, plan)
    }

    private static func planID(of relation: ProtobufReader) throws(ProtobufError) -> Int64? {
        var relation = relation
        while let number = try relation.next() {
            if number == 1 { return try planID(relation.message()) }
        }
        return nil
    }

    private static func planID(_ message: ProtobufReader) throws(ProtobufError) -> Int64? {
        var message = message
        var id: Int64?
        while let number = try message.next() {
            if number == 2 { id = try message.int64() }
        }
        return id
    }

    private func relation(_ kind: Int, _ body: ProtobufReader) throws -> LogicalPlan {
        switch kind {
        case 2: try read(body)
        case 3: try project(body)
        case 4: try filter(body)
        case 5: try join(body, isLateral: false)
        case 6: try setOperation(body)
        case 7: try sort(body)
        case 8: try count(body) { .limit($0, $1) }
        case 9: try aggregate(body)
        case 10: try sql(body)
        case 11: try localRelation(body)
        case 12: try sample(body)
        case 13: try count(body) { .offset($0, $1) }
        case 14: try deduplicate(body)
        case 15: try range(body)
        case 16: try subqueryAlias(body)
        case 17: try repartition(body)
        case 18: try toDF(body)
        case 19: try renamed(body)
        case 20: try showString(body)
        case 21: try drop(body)
        case 22: try count(body) { .tail($0, $1) }
        case 23: try withColumns(body)
        case 24: try hint(body)
        case 25: try unpivot(body)
        case 26: try toSchema(body)
        case 27: try repartitionByExpression(body)
        case 28: try mapPartitions(body)
        case 29: try collectMetrics(body)
        case 30: try parse(body)
        case 31: try groupMap(body)
        case 33: try watermark(body)
        case 35: try htmlString(body)
        case 36: try cachedLocalRelation(body)
        case 37: try cachedRemoteRelation(body)
        case 41: try withRelations(body)
        case 42: try transpose(body)
        case 43: try tableFunction(body)
        case 44: try join(body, isLateral: true)
        case 45: try chunkedLocalRelation(body)
        case 90: try fillNulls(body)
        case 91: try dropNulls(body)
        case 92: try replace(body)
        case 100...107: try statistics(kind, body)
        default: .notServed("Relation." + (SparkConnectNames.relations[kind] ?? "\(kind)"))
        }
    }

    /// `WithRelations`: a root that names the frames beside it, in subqueries by their numbers, in a SQL text by their aliases.
    private func withRelations(_ message: ProtobufReader) throws -> LogicalPlan {
        var message = message
        var root: ProtobufReader?
        var others: [ProtobufReader] = []
        while let number = try message.next() {
            switch number {
            case 1: root = try message.message()
            case 2: others.append(try message.message())
            default: break
            }
        }
        guard let root else { throw ConnectError.invalidPlan("WithRelations has no root.") }
        var inner = self
        var tables: [CommonTable] = []
        for other in others {
            let plan = try inner.relation(other)
            if let id = try Self.planID(of: other) { inner.references[id] = plan }
            var frame = plan
            if case .identified(_, let child) = plan { frame = child }
            if case .alias(let name, _, let child) = frame { tables.append(CommonTable(name, child)) }
        }
        let plan = try inner.relation(root)
        return tables.isEmpty || !Self.isSQL(root) ? plan : .with(tables, isRecursive: false, plan)
    }

    private static func isSQL(_ message: ProtobufReader) -> Bool {
        var message = message
        while let number = try? message.next() {
            if number == 10 { return true }
        }
        return false
    }

    // MARK: Pieces

    func string(_ message: inout ProtobufReader, into values: inout [String]) throws { values.append(try message.string()) }

    func required(_ plan: LogicalPlan?, _ relation: String) throws -> LogicalPlan {
        guard let plan else { throw ConnectError.invalidPlan("\(relation) has no input.") }
        return plan
    }

    func required(_ expression: Expression?, _ place: String) throws -> Expression {
        guard let expression else { throw ConnectError.invalidPlan("\(place) lacks an expression.") }
        return expression
    }
}
