import Testing

@testable import Leat

@Suite struct GateTests {
    @Test func waitersPassOnceItIsOpen() async throws {
        let gate = Gate()
        async let first: Void = gate.wait()
        gate.open()
        try await first
        try await gate.wait()
    }

    @Test func aCancelledWaiterLeaves() async {
        let gate = Gate()
        let waiting = Task { try await gate.wait() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}

@Suite struct StreamingProgressTests {
    @Test func kafkasOffsetsAreReadAndOthersPassedOver() throws {
        let progress = try #require(
            StreamingProgress(
                json: """
                    {"batchId":7,"batchDuration":12,"numInputRows":3,"sources":[
                      {"description":"RateStream","endOffset":42},
                      {"description":"KafkaV2[Subscribe[users]]","endOffset":{"users":{"0":10,"1":20}}}]}
                    """))
        #expect(progress.batchID == 7)
        #expect(progress.endOffsets(of: "users") == [0: 10, 1: 20])
        #expect(progress.endOffsets(of: "others") == nil)
    }

    @Test func whatIsNoProgressIsNil() {
        #expect(StreamingProgress(json: "{}") == nil)
        #expect(StreamingProgress(json: "not JSON") == nil)
    }
}
