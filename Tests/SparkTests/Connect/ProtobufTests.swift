import NIOCore
import Testing

@testable import Spark

@Suite("The protobuf codec")
struct ProtobufTests {
    private func read(_ bytes: [UInt8], _ body: (inout ProtobufReader) throws -> Void = { while try $0.next() != nil {} }) throws {
        var reader = ProtobufReader(ByteBuffer(bytes: bytes))
        try body(&reader)
    }

    @Test("numbers are read as protobuf writes them: one byte, many, negative, the largest")
    func varints() throws {
        for value in [Int64(0), 1, 127, 128, 300, -1, .min, .max, 1 << 35] {
            var writer = ProtobufWriter()
            writer.write(1, optional: value)
            var reader = ProtobufReader(writer.buffer)
            #expect(try reader.next() == 1)
            #expect(try reader.int64() == value)
            #expect(try reader.next() == nil)
        }
        // The documentation's own example: field 1 holds 150.
        try read([0x08, 0x96, 0x01]) { reader in
            let number = try reader.next(), value = try reader.uint64()
            #expect(number == 1)
            #expect(value == 150)
        }
    }

    @Test("fields that nobody asks for are skipped, of every wire type, groups among them")
    func unknownFields() throws {
        // varint 5, fixed64 6, bytes 7, group 8 with a group 9 within, fixed32 10, then field 1.
        let bytes: [UInt8] = [
            0x28, 0x01, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x3A, 2, 0xFF, 0xFF, 0x43, 0x48, 1, 0x4B, 0x4C, 0x44, 0x55, 1, 2, 3, 4, 0x08, 42,
        ]
        try read(bytes) { reader in
            var found: UInt64?
            while let number = try reader.next() {
                if number == 1 { found = try reader.uint64() }
            }
            #expect(found == 42)
        }
    }

    @Test(
        "malformed bytes are an error and never a crash",
        arguments: [
            ([0x08], ProtobufError.truncated), ([0x08, 0x80], .truncated), ([0x0A, 0x05, 0x61], .truncated), ([0x0D, 1, 2, 3], .truncated),
            ([0x09, 1], .truncated), ([0x08] + [UInt8](repeating: 0xFF, count: 10) + [1], .longVarint),
            // A length of 2^64 - 1, and one just above what is there.
            ([0x0A] + [UInt8](repeating: 0xFF, count: 9) + [0x01], .truncated), ([0x0A, 0x02, 0x61], .truncated),
            ([0x00, 0x01], .badKey(0)), ([0x0E, 0x01], .badKey(14)), ([0x0F, 0x01], .badKey(15)), ([0x0C], .strayGroupEnd(field: 1)),
            ([0x0B, 0x14], .strayGroupEnd(field: 2)), ([0x0B], .truncated), ([UInt8](repeating: 0x0B, count: 2_000), .tooDeep),
        ])
    func malformed(bytes: [UInt8], error: ProtobufError) {
        #expect(throws: error) { try read(bytes) }
    }

    @Test("a field of another wire type than expected, and text that is not UTF-8, are errors that name the field")
    func wrongTypes() throws {
        #expect(throws: ProtobufError.wrongWireType(field: 3)) {
            try read([0x18, 0x01]) { reader in
                _ = try reader.next()
                _ = try reader.string()
            }
        }
        #expect(throws: ProtobufError.notUTF8(field: 1)) {
            try read([0x0A, 0x02, 0xC3, 0x28]) { reader in
                _ = try reader.next()
                _ = try reader.string()
            }
        }
    }

    @Test("nesting is followed to the limit and no further")
    func nesting() throws {
        func nested(_ levels: Int) -> ByteBuffer {
            var buffer = ByteBuffer()
            for _ in 0..<levels {
                var writer = ProtobufWriter()
                writer.write(1, optional: buffer)
                buffer = writer.buffer
            }
            return buffer
        }
        func depth(_ reader: ProtobufReader) throws -> Int {
            var reader = reader
            guard try reader.next() == 1 else { return 0 }
            return 1 + (try depth(reader.message()))
        }
        #expect(try depth(ProtobufReader(nested(ProtobufReader.depthMax))) == ProtobufReader.depthMax)
        #expect(throws: ProtobufError.tooDeep) { try depth(ProtobufReader(nested(ProtobufReader.depthMax + 1))) }
    }

    @Test("plain fields of zero are left out, optional ones are written")
    func zeroes() {
        var writer = ProtobufWriter()
        writer.write(1, "")
        writer.write(2, false)
        writer.write(3, Int64(0))
        #expect(writer.buffer.readableBytes == 0)
        writer.write(1, optional: "")
        writer.write(2, optional: false)
        #expect(Array(writer.buffer.readableBytesView) == [0x0A, 0x00, 0x10, 0x00])
    }

    @Test("every message reads back what it wrote")
    func roundTrips() throws {
        let session = SessionReference(sessionID: "s", userID: "u", observedServerSideID: "o")
        let query = QueryInstanceID(id: "q", runID: "r")
        func check<Message: ProtobufMessage & Equatable>(_ message: Message) throws {
            #expect(try Message(decoding: message.encoded) == message)
        }
        try check(ConfigRequest(session: session, operation: .set([KeyValue("a", "1"), KeyValue("b", nil)], isSilent: true)))
        try check(ConfigRequest(session: session, operation: .getAll(prefix: nil)))
        try check(ConfigRequest(session: session, operation: .getAll(prefix: "x")))
        try check(ConfigRequest(session: session, operation: .isModifiable(["a", "b"])))
        for action: StreamingQueryCommand.Action in [
            .status, .lastProgress, .recentProgress, .stop, .processAllAvailable, .explain(isExtended: true), .exception,
            .awaitTermination(timeoutMilliseconds: nil), .awaitTermination(timeoutMilliseconds: 6_000),
        ] {
            let command = StreamingQueryCommand(query: query, action)
            try check(command)
            try check(
                ExecutePlanRequest(
                    session: session, plan: .command(.streamingQuery(command)), operationID: "op", tags: ["t"], isReattachable: true))
        }
        let status = StreamingQueryStatus(message: "Waiting", isDataAvailable: true, isTriggerActive: false, isActive: true)
        for content: StreamingQueryCommandResult.Content? in [
            .status(status), .recentProgress(["{}", "{\"a\":1}"]), .explain("plan"), .awaitTermination(isTerminated: true),
            .exception(message: "m", errorClass: "c", stackTrace: nil), nil,
        ] {
            try check(StreamingQueryCommandResult(query: query, content))
        }
        try check(StreamingQueryManagerCommandResult.active([ConnectStreamingQuery(id: "i", runID: "r", name: nil)]))
        try check(StreamingQueryManagerCommandResult.query(ConnectStreamingQuery(id: "i", runID: "r", name: "n")))
        try check(ReattachExecuteRequest(session: session, operationID: "op", lastResponseID: "l"))
        try check(ReleaseExecuteRequest(session: session, operationID: "op", untilResponseID: nil))
        try check(ReleaseExecuteRequest(session: session, operationID: "op", untilResponseID: "u"))
        try check(InterruptRequest(session: session, target: .tag("t")))
        try check(ReleaseSessionRequest(session: SessionReference(sessionID: "s", userID: "u"), mayReconnect: true))
        try check(FetchErrorDetailsRequest(session: session, errorID: "e"))
        try check(FetchErrorDetailsResponse(sessionID: "s", serverSideID: "x", error: .notServed("Relation.read")))
        try check(ErrorStatus(code: 13, message: "m", reason: "r", domain: "d", metadata: ["classes": "[]", "errorId": "1"]))
    }

    @Test("every truncation of a real request either reads or is an error")
    func truncations() throws {
        let request = ExecutePlanRequest(
            session: SessionReference(sessionID: "s", userID: "u"),
            plan: .command(.streamingQuery(StreamingQueryCommand(query: QueryInstanceID(id: "q", runID: "r"), .status))),
            operationID: "op", isReattachable: true)
        let whole = request.encoded
        for length in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: 0, length: length))
            // A cut between two fields leaves a shorter message, any other is refused.
            #expect((try? ExecutePlanRequest(decoding: part)) != request)
        }
    }

    @Test("random bytes never get past the bounds checks")
    func randomBytes() {
        var generator = SeededGenerator(state: 42)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            _ = try? ExecutePlanRequest(decoding: ByteBuffer(bytes: bytes))
            _ = try? ConfigRequest(decoding: ByteBuffer(bytes: bytes))
            _ = try? ErrorStatus(decoding: ByteBuffer(bytes: bytes))
        }
    }

    @Test("a plan that is not served is named by what it asks for")
    func namesOfRefused() throws {
        func plan(_ field: Int, _ inner: Int) throws -> ConnectPlan {
            var writer = ProtobufWriter()
            writer.write(field) { $0.write(inner) { _ in } }
            return try ConnectPlan(decoding: writer.buffer)
        }
        #expect(try plan(2, 18) == .command(.notServed("Command.execute_external_command")))
        #expect(try plan(2, 19) == .command(.notServed("Command.pipeline_command")))
        #expect(try plan(2, 777) == .command(.notServed("Command.777")))
    }
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
