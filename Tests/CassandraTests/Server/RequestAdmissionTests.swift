import Testing

@testable import Cassandra

@Suite struct RequestAdmissionTests {
    @Test func requestsAreTakenUpToTheBounds() {
        var admission = RequestAdmission(requestsMax: 2, bytesMax: 100, answersMax: 100)
        admission.took(bytes: 50)
        #expect(admission.takesRequests)
        admission.took(bytes: 1)
        #expect(!admission.takesRequests)
        admission.finished(bytes: 1, answer: 0)
        #expect(admission.takesRequests)
        admission.finished(bytes: 50, answer: 0)
        admission.took(bytes: 1_000)
        #expect(!admission.takesRequests)
        admission.finished(bytes: 1_000, answer: 0)
        #expect(admission.takesRequests && admission.requests == 0 && admission.bytes == 0)
        admission.isWritable = false
        #expect(!admission.takesRequests)
    }

    @Test func answersAreBegunWhenTheyHaveTheirPlace() {
        var admission = RequestAdmission(requestsMax: 100, bytesMax: 100, answersMax: 1_000)
        for _ in 0..<4 { admission.took(bytes: 1) }
        #expect(admission.mayBegin(answer: 400))
        admission.began(answer: 400)
        #expect(admission.mayBegin(answer: 600) && !admission.mayBegin(answer: 601))
        admission.began(answer: 600)
        // What has no long answer is not held up.
        #expect(admission.takesRequests && admission.mayBegin(answer: 0) && !admission.mayBegin(answer: 1))
        admission.finished(bytes: 1, answer: 400)
        admission.finished(bytes: 1, answer: 600)
        // One that is longer than the bound is made alone.
        #expect(admission.mayBegin(answer: 5_000))
        admission.began(answer: 5_000)
        #expect(!admission.mayBegin(answer: 1))
        admission.finished(bytes: 1, answer: 5_000)
        admission.isWritable = false
        #expect(!admission.mayBegin(answer: 1) && admission.mayBegin(answer: 0))
    }

    @Test func aRowIsTakenForTheLargestOfLate() {
        var admission = RequestAdmission(requestsMax: 100, bytesMax: 100, answersMax: 64_000)
        #expect(admission.rowBytes == 1_000)
        admission.answered(row: 30_000)
        #expect(admission.rowBytes == 30_000)
        for _ in 0..<500 { admission.answered(row: 10) }
        #expect(admission.rowBytes == 64)
    }
}

@Suite struct MarkerTests {
    private let columns: [ColumnSpecification] = ["a", "b", "c"].map { .init(keyspace: "k", table: "t", name: $0, type: .int) }

    @Test func namedValuesGoToTheirMarkers() throws {
        let values = try BoundValues([(.int(3), .int), (.int(1), .int)])
        let bound = try values.bound(to: columns, names: ["c", "a"])
        #expect(try bound.value(at: 0, type: .int) == .int(1))
        #expect(try bound.value(at: 1, type: .int) == .unset)
        #expect(try bound.value(at: 2, type: .int) == .int(3))
    }

    @Test func aWrongCountIsRefusedInCassandrasWords() throws {
        let error = #expect(throws: CQLError.self) { try BoundValues.empty.bound(to: columns, names: nil) }
        #expect(error?.message == "there were 3 markers(?) in CQL but 0 bound variables")
    }
}
