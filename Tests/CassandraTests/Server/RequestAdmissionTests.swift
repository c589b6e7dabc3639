import Testing

@testable import Cassandra

@Suite struct RequestAdmissionTests {
    @Test func requestsAreTakenUpToTheBounds() {
        var admission = RequestAdmission(requestsMax: 2, bytesMax: 100)
        admission.began(bytes: 50)
        #expect(admission.takesRequests)
        admission.began(bytes: 1)
        #expect(!admission.takesRequests)
        admission.finished(bytes: 1)
        #expect(admission.takesRequests)
        admission.finished(bytes: 50)
        admission.began(bytes: 1_000)
        #expect(!admission.takesRequests)
        admission.finished(bytes: 1_000)
        #expect(admission.takesRequests && admission.requests == 0 && admission.bytes == 0)
        admission.isWritable = false
        #expect(!admission.takesRequests)
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
