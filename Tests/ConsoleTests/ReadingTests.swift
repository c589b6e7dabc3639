import IO
import Testing

@testable import Console

@Suite("Reading what boxes write")
struct ReadingTests {
    @Test("moments are read as Airflow and Spark write them")
    func timestamps() {
        #expect(Timestamp.milliseconds(iso8601: "1970-01-01T00:00:00Z") == 0)
        #expect(Timestamp.milliseconds(iso8601: "2026-11-24T03:33:20.458843+00:00") == 1_795_491_200_458)
        #expect(Timestamp.milliseconds(iso8601: "2026-11-24T05:33:20.4+02:00") == 1_795_491_200_400)
        #expect(Timestamp.milliseconds(iso8601: "2024-02-29T23:59:59.999Z") == 1_709_251_199_999)
        #expect(Timestamp.milliseconds(iso8601: "1969-12-31T23:59:59Z") == -1_000)
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-24", "2026-11-24T03:33:20Zzz"] {
            #expect(Timestamp.milliseconds(iso8601: text) == nil, "\(text)")
        }
    }

    @Test("a batch's report is read from Spark's JSON, with what Leat adds")
    func progress() throws {
        let progress = try QueryProgress(
            parsing: #"""
                {"id":"6f","runId":"r","name":"users","timestamp":"2026-11-24T10:00:00.000Z","batchId":7,"numInputRows":3,
                 "inputRowsPerSecond":3.0,"processedRowsPerSecond":250.5,"durationMs":{"addBatch":9,"triggerExecution":12},
                 "stateOperators":[],"sources":[{"description":"KafkaV2[Subscribe[users_created]]",
                 "startOffset":{"users_created":{"0":10,"1":4}},"endOffset":{"users_created":{"0":12,"1":5}},
                 "latestOffset":{"users_created":{"0":12,"1":5}},"numInputRows":3}],
                 "sink":{"description":"CassandraTable[spark_streams.created_users]","numOutputRows":2},
                 "observedMetrics":{"leat":{"deadLetters":1,"deadLettersTotal":4,"deadLetterTopic":"users_created.dead-letter",
                 "lastDeadLetterReason":"not JSON","lastDeadLetterOffset":11}}}
                """#)
        #expect(
            progress.batch
                == BatchSnapshot(
                    id: 7, time: 1_795_514_400_000, rows: 3, durationMilliseconds: 12, processedRowsPerSecond: 250.5, outputRows: 2))
        #expect(progress.topics == ["users_created"])
        #expect(progress.rowsRead == 17)
        #expect(
            progress.deadLetters
                == DeadLetterMetrics(
                    total: 4, topic: "users_created.dead-letter", lastReason: "not JSON", lastOffset: "11"))
    }

    @Test("sources without offsets, offsets as text, and missing fields are borne")
    func otherProgress() throws {
        let first = try QueryProgress(parsing: #"{"batchId":0,"sources":[{"description":"KafkaV2[Subscribe[a, b]]","endOffset":null}]}"#)
        #expect(first.topics == ["a", "b"] && first.rowsRead == nil && first.batch.rows == 0)
        let text = try QueryProgress(parsing: #"{"sources":[{"endOffset":"{\"t\":{\"0\":5}}","numInputRows":2}]}"#)
        #expect(text.topics == ["t"] && text.rowsRead == 5 && text.batch.rows == 2)
        let rate = try QueryProgress(parsing: #"{"sources":[{"description":"RateStreamV2","endOffset":12}],"sink":{"numOutputRows":-1}}"#)
        #expect(rate.topics.isEmpty && rate.batch.outputRows == nil)
        #expect(throws: MalformedJSON.self) { try QueryProgress(parsing: "gone") }
    }

    @Test("names become one part of a path")
    func pathParts() {
        #expect(HTTPProbe.part("manual__2026-11-24T03:33:20+00:00") == "manual__2026-11-24T03%3A33%3A20%2B00%3A00")
        #expect(HTTPProbe.part("../é?") == "..%2F%C3%A9%3F")
        for text in ["manual__2026-11-24T03:33:20+00:00", "../é?", "100% sure", ""] {
            #expect(HTTPProbe.decoded(part: HTTPProbe.part(text)) == text)
        }
        for broken in ["%", "%2", "%zz", "%ff"] { #expect(HTTPProbe.decoded(part: broken) == nil, "\(broken)") }
    }
}
