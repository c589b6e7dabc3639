import Foundation
import NIOCore
import Testing

@testable import Kafka
@testable import Spark

/// What a row costs from the fetched arena to the columns that a sink encodes: fetch and checksum are the client's, the rest is here.
@Suite(.serialized) struct HotPathTests {
    static let userSchema =
        "id STRING, first_name STRING, last_name STRING, gender STRING, address STRING, post_code STRING, email STRING, username STRING, dob STRING, registered_date STRING, phone STRING, picture STRING"

    static func user(_ index: Int) -> String {
        let digits = String(index)
        let id = "a1b2c3d4-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return
            #"{"id": "\#(id)", "first_name": "Jennie", "last_name": "Nichols", "gender": "female", "address": "8929 Valwood Pkwy, Billings, Michigan, United States", "post_code": \#(index % 99_999), "email": "jennie.nichols@example.com", "username": "yellowpeacock117", "dob": "1992-03-08T15:13:16.688Z", "registered_date": "2007-07-09T05:51:59.390Z", "phone": "(272) 790-0888", "picture": "https://randomuser.me/api/portraits/med/men/75.jpg"}"#
    }

    static func fetched(_ count: Int) -> FetchedRecords {
        var frame = ByteBuffer()
        var rows = RecordRows()
        let room = rows.reserve(count)
        for index in 0..<count {
            let text = user(index)
            (room + index).initialize(
                to: RecordRow(
                    offset: Int64(index), timestamp: 1_700_000_000_000, keyStart: 0, keyLength: -1, valueStart: Int32(frame.writerIndex),
                    valueLength: Int32(text.utf8.count), headerStart: 0, headerLength: 0))
            frame.writeString(text)
        }
        rows.commit(count)
        frame.writeRepeatingByte(0, count: 64)
        return FetchedRecords(
            topicPartition: TopicPartition(topic: "u", partition: 0), highWatermark: Int64(count), logStartOffset: 0,
            nextOffset: Int64(count),
            rows: rows, arena: RecordArena(frame: frame))
    }

    static func usersPlan() throws -> LogicalPlan {
        let read = LogicalPlan.read(DataSourceRead(format: "kafka", options: ["subscribe": "u"], isStreaming: true))
        let text = LogicalPlan.project([try Expression(selectItem: "CAST(value AS STRING)")], read)
        return .project(
            [.column("data.*")], .project([.alias(.call("from_json", .column("value"), .lit(.string(userSchema))), name: "data")], text))
    }

    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    @Test func aUserCostsLessThanAMicrosecondAndAHalf() throws {
        let physical = try PlanCompiler.compile(try Self.usersPlan()) { _ in KafkaChunk.schema(includeHeaders: false) }
        let pipeline = Pipeline(physical.branches[0], schema: physical.schema)
        let rows = 4_000
        let chunk = SourceChunk(
            storage: .kafka(KafkaChunk(records: Self.fetched(rows), rows: 0..<rows, rangeStart: 0)), ordinalFirst: 0, count: rows,
            byteCount: 0)
        var best = Double.infinity
        for _ in 0..<20 {
            let start = threadSeconds()
            try chunk.withColumns(pipeline.wanted, width: pipeline.width) { columns in
                let context = EvaluationContext(timestampMicros: 0)
                let (batch, selection) = try pipeline.run(columns, context)
                #expect(selection.count == rows && context.problems.all.isEmpty)
                #expect(batch.columns[5]?.literal(7) == .string("7"))
            }
            best = min(best, (threadSeconds() - start) / Double(rows) * 1e6)
        }
        print("engine: \(best) µs of CPU a row, \(Self.user(1).utf8.count) bytes, 12 fields")
        #expect(best < 1.5)
    }
}
