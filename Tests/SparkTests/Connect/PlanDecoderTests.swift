import NIOCore
import Testing

@testable import Spark

/// Spark Connect's relations and expressions to plans, over messages written by hand with Spark's field numbers.
@Suite struct PlanDecoderTests {
    private func decoder(artifacts: [String: ByteBuffer] = [:]) -> PlanDecoder {
        PlanDecoder(
            PlanDecoder.Context(
                artifact: { artifacts[$0] }, cached: { _ in nil }, function: { _ in nil }, view: { _ in nil },
                parse: { text, _, _ in .notServed(text) }))
    }

    private func message(_ body: (inout ProtobufWriter) -> Void) -> ProtobufReader {
        var writer = ProtobufWriter()
        body(&writer)
        return ProtobufReader(writer.buffer)
    }

    private func range(_ id: Int64, end: Int64) -> (inout ProtobufWriter) -> Void {
        { writer in
            writer.write(1) { $0.write(2, optional: id) }
            writer.write(15) { range in
                range.write(2, end)
                range.write(3, Int64(1))
            }
        }
    }

    private func column(_ name: String, planID: Int64? = nil) -> (inout ProtobufWriter) -> Void {
        { writer in
            writer.write(2) { attribute in
                attribute.write(1, name)
                attribute.write(2, optional: planID)
            }
        }
    }

    @Test func aFilterOverARange() throws {
        let plan = try decoder().relation(
            message { writer in
                writer.write(4) { filter in
                    filter.write(1, range(7, end: 10))
                    filter.write(2) { condition in
                        condition.write(3) { call in
                            call.write(1, ">")
                            call.write(2, column("id", planID: 7))
                            call.write(2) { $0.write(1) { $0.write(7, optional: Int64(3)) } }
                        }
                    }
                }
            })
        #expect(
            plan
                == .filter(
                    .call(">", .attribute(["id"], planID: 7), .literal(.long(3))), .identified(7, .range(start: 0, end: 10, step: 1))))
    }

    @Test func withoutNumbersTwoFramesAreEqual() throws {
        var decoder = decoder()
        decoder.keepsPlanIDs = false
        let first = try decoder.relation(message(range(1, end: 5))), second = try decoder.relation(message(range(2, end: 5)))
        #expect(first == second)
    }

    @Test func renamesFollowOneAnother() throws {
        let plan = try decoder().relation(
            message { writer in
                writer.write(19) { body in
                    body.write(1, range(1, end: 1))
                    for (old, new) in [("a", "b"), ("b", "c")] {
                        body.write(3) { rename in
                            rename.write(1, old)
                            rename.write(2, new)
                        }
                    }
                }
            })
        #expect(plan == .renamed(["b": "c"], .renamed(["a": "b"], .identified(1, .range(start: 0, end: 1, step: 1)))))
    }

    @Test func subqueriesAreFoundBesideTheRoot() throws {
        let plan = try decoder().relation(
            message { writer in
                writer.write(41) { with in
                    with.write(1) { root in
                        root.write(3) { project in
                            project.write(1, range(1, end: 1))
                            project.write(3) { expression in
                                expression.write(21) { subquery in
                                    subquery.write(1, Int64(9))
                                    subquery.write(2, Int64(1))
                                }
                            }
                        }
                    }
                    with.write(2, range(9, end: 2))
                }
            })
        let inner = LogicalPlan.identified(9, .range(start: 0, end: 2, step: 1))
        #expect(plan == .project([.subquery(Subquery(.scalar, inner))], .identified(1, .range(start: 0, end: 1, step: 1))))
    }

    @Test func unknownRelationsAreNamed() throws {
        #expect(try decoder().relation(message { $0.write(39) { _ in } }) == .notServed("Relation.as_of_join"))
        #expect(throws: ConnectError.self) { try decoder().relation(message { $0.write(1) { _ in } }) }
    }

    @Test(
        arguments: [
            Literal.null, .boolean(true), .byte(-1), .short(-2), .integer(-3), .long(.min), .float(1.5), .double(-0.0),
            .decimal(unscaled: -12_345, precision: 10, scale: 2), .string(""), .string("ä"), .binary([0, 255]), .date(-1), .timestamp(-1),
            .timestampNTZ(5), .calendarInterval(months: 1, days: -2, micros: 3), .yearMonthInterval(14), .dayTimeInterval(-5),
            .array([.integer(1), .null], element: .integer), .map(keys: [.string("a")], values: [.null], key: .string, value: .long),
            .structure([.integer(1), .null], StructType([StructField("x", .integer), StructField("y", .string)])),
        ])
    func literalsComeBackAsTheyWent(literal: Literal) throws {
        #expect(try LiteralDecoder.literal(message { literal.write(wire: &$0) }) == literal)
    }

    @Test(
        arguments: [
            DataType.boolean, .string, .decimal(precision: 38, scale: 0), .yearMonthInterval(.init(.month, .month)),
            .dayTimeInterval(.init(.hour, .second)),
            .array(.map(key: .string, value: .binary, valueContainsNull: false), containsNull: true),
            .structure(StructType([StructField("a", .timestampNTZ, nullable: false, metadata: ["comment": "c"])])),
        ])
    func typesComeBackAsTheyWent(type: DataType) throws {
        #expect(try DataType(wire: message { type.write(wire: &$0) }) == type)
    }

    @Test func deepFramesAreReadToTheLimitAndRefusedBeyond() throws {
        func nested(_ depth: Int) -> ByteBuffer {
            var writer = ProtobufWriter()
            range(0, end: 1)(&writer)
            var buffer = writer.buffer
            for _ in 0..<depth {
                var outer = ProtobufWriter()
                outer.write(8) { limit in
                    limit.write(1, optional: buffer)
                    limit.write(2, Int64(1))
                }
                buffer = outer.buffer
            }
            return buffer
        }
        _ = try decoder().relation(ProtobufReader(nested(400)))
        #expect(throws: ProtobufError.tooDeep) { try decoder().relation(ProtobufReader(nested(2_000))) }
    }

    @Test(arguments: ["5 seconds", "1 minute", "INTERVAL 2 HOURS", "100 milliseconds", "1 minute 30 seconds"])
    func triggersAreRead(text: String) throws {
        let micros: [String: Int64] = [
            "5 seconds": 5_000_000, "1 minute": 60_000_000, "INTERVAL 2 HOURS": 7_200_000_000, "100 milliseconds": 100_000,
            "1 minute 30 seconds": 90_000_000,
        ]
        #expect(try PlanDecoder.processingTime(text) == .processingTime(.microseconds(micros[text] ?? 0)))
        #expect(throws: SparkError.self) { try PlanDecoder.processingTime("soon") }
    }
}
