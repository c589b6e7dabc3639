import NIOCore
import Testing

@testable import Spark

/// What is sent to another Spark, against the decoder of the same messages.
struct PlanEncoderTests {
    private static let context = PlanDecoder.Context(
        artifact: { _ in nil }, cached: { _ in nil }, function: { _ in nil }, view: { _ in nil },
        parse: { sql, _, _ in throw SparkError("PARSE_SYNTAX_ERROR", sqlState: "42601", sql) })

    private static let frame = LogicalPlan.read(
        DataSourceRead(
            format: "kafka", options: ["kafka.bootstrap.servers": "a:1", "subscribe": "t"], isStreaming: true))

    private func sent(_ plan: LogicalPlan) throws -> LogicalPlan {
        try PlanDecoder(Self.context).relation(ProtobufReader(try PlanEncoder.relation(plan)))
    }

    @Test(arguments: [
        frame,
        .read(DataSourceRead(format: "json", options: ["path": "/a b"], schema: StructType([StructField("a", .long)]), isStreaming: false)),
        .table(UnresolvedTable(["db", "odd.name"])),
        .range(start: 0, end: 10, step: 2),
        .filter(.call(">", .attribute(["a", "b"]), .literal(.integer(3))), frame),
        .withColumns([NamedExpression("x", .literal(.string("ü"))), NamedExpression("y", .literal(.null))], frame),
        .renamed(["a": "b"], frame),
        .toDF(["a", "b"], frame),
        .drop(["a"], frame),
        .dropColumns([.attribute(["a"], planID: 3)], frame),
        .limit(3, .offset(2, .tail(1, .range(start: 0, end: 10, step: 1)))),
        .sort([SortOrder(.attribute(["a"]), isAscending: false), SortOrder(.attribute(["b"]), nullsFirst: false)], isGlobal: true, frame),
        .setOperation(SetOperation(.union, isAll: true, byName: true, allowMissingColumns: true), frame, frame),
        .setOperation(SetOperation(.except, isAll: false), frame, frame),
        .join(
            Join(.leftSemi, .on(.call("==", .attribute(["a"], planID: 1), .attribute(["a"], planID: 2)))), .identified(1, frame),
            .identified(2, frame)),
        .join(Join(.fullOuter, .using(["a", "b"])), frame, frame),
        .join(Join(.cross), frame, frame),
        .aggregate(
            Aggregate([.call("window", .attribute(["t"]), .literal(.string("1 minute")))], [.call("count", .literal(.integer(1)))]),
            .watermark(column: "t", delay: "2 minutes", frame)),
        .aggregate(Aggregate([.attribute(["a"])], [.alias(.call("sum", .attribute(["b"])), name: "s")], grouping: .rollup), frame),
        .deduplicate([], withinWatermark: false, frame),
        .deduplicate(["id"], withinWatermark: true, frame),
        .alias("t", columns: [], frame),
    ])
    func aPlanArrivesAsItWas(plan: LogicalPlan) throws {
        #expect(try sent(plan) == plan)
    }

    @Test(
        arguments: [
            .attribute(["a.b", "c`d"]), .star([]), .star(["data"]), .star([], planID: 4), .columnRegex("a.*"),
            .cast(.attribute(["value"]), to: .string, isTry: false),
            .cast(.attribute(["value"]), to: .decimal(precision: 10, scale: 2), isTry: true),
            .alias(.literal(.long(-1)), name: "n", metadata: "{\"comment\":\"x\"}"),
            .multiAlias(.call("posexplode", .attribute(["a"])), names: ["p", "v"]),
            .function(name: "count", arguments: [.attribute(["a"])], isDistinct: true),
            .extractValue(.attribute(["a"]), key: .literal(.integer(0))),
            .updateField(.attribute(["s"]), name: "x.y", value: .literal(.boolean(true))),
            .updateField(.attribute(["s"]), name: "x", value: nil),
            .call(
                "transform", .attribute(["a"]), .lambda(parameters: ["x"], body: .call("+", .lambdaVariable("x"), .literal(.double(0.5))))),
            .window(
                .call("row_number"),
                WindowSpecification(
                    partition: [.attribute(["a"])], order: [SortOrder(.attribute(["b"]))],
                    frame: .init(.rows, from: .unboundedPreceding, to: .offset(.literal(.integer(1)))))),
            .namedArgument("n", .literal(.date(12))), .literal(.timestamp(1)), .literal(.binary([0, 255])), .literal(.float(1.5)),
            .literal(.decimal(unscaled: -12345, precision: 7, scale: 3)),
        ] as [Expression])
    func anExpressionArrivesAsItWas(expression: Expression) throws {
        #expect(try sent(.project([expression], Self.frame)) == .project([expression], Self.frame))
    }

    @Test(
        arguments: [
            .cached("x"), .with([], isRecursive: false, frame), .join(Join(.inner, .natural), frame, frame),
            .aggregate(Aggregate([], [], grouping: .groupingSets([])), frame), .project([.parameter(.positional(0))], frame),
            .filter(.subquery(Subquery(.exists, frame)), frame),
        ] as [LogicalPlan])
    func whatAnotherSparkCouldNotKnowIsRefused(plan: LogicalPlan) {
        #expect(throws: SparkError.self) { try PlanEncoder.relation(plan) }
    }
}
