import NIOCore
import Testing

@testable import Cassandra

@Suite struct MessageTests {
    private static func values() throws -> BoundValues {
        try BoundValues([(.text("x"), .text), (.null, .int), (.bigint(9), .bigint)])
    }

    private static func parameters(_ version: ProtocolVersion) throws -> QueryParameters {
        QueryParameters(
            request: StatementRequest(
                values: try values(), consistency: .localQuorum, serialConsistency: .localSerial, pageSize: 100,
                pagingState: ByteBuffer(string: "state"), defaultTimestamp: -5, nowInSeconds: version >= .v5 ? 77 : nil,
                keyspace: version >= .v5 ? "ks" : nil),
            names: ["a", "b", "c"], skipsMetadata: true)
    }

    private func expectSame(_ left: QueryParameters, _ right: QueryParameters) throws {
        #expect(left.names == right.names)
        #expect(left.skipsMetadata == right.skipsMetadata)
        #expect(left.request.consistency == right.request.consistency)
        #expect(left.request.serialConsistency == right.request.serialConsistency)
        #expect(left.request.pageSize == right.request.pageSize)
        #expect(left.request.pagingState == right.request.pagingState)
        #expect(left.request.defaultTimestamp == right.request.defaultTimestamp)
        #expect(left.request.nowInSeconds == right.request.nowInSeconds)
        #expect(left.request.keyspace == right.request.keyspace)
        try expectSame(left.request.values, right.request.values)
    }

    private func expectSame(_ left: BoundValues, _ right: BoundValues) throws {
        try #require(left.count == right.count)
        for index in 0..<left.count {
            #expect(left[index].length == right[index].length)
            #expect(left.slice(at: index) == right.slice(at: index))
            guard let slice = right.slice(at: index) else { continue }
            right.withUnsafeBytes { bytes in
                #expect(bytes[Int(right[index].start)...].prefix(Int(right[index].length)).elementsEqual(slice.readableBytesView))
            }
        }
    }

    @Test(arguments: ProtocolVersion.allCases) func queriesSurviveTheWire(version: ProtocolVersion) throws {
        let query = Query(statement: "SELECT * FROM t", parameters: try Self.parameters(version))
        var body = ByteBuffer(string: "before")
        body.moveReaderIndex(forwardBy: 6)
        query.write(to: &body, version: version)
        let read = try Query(from: &body, version: version)
        #expect(read.statement == query.statement && body.readableBytes == 0)
        try expectSame(query.parameters, read.parameters)
    }

    @Test(arguments: ProtocolVersion.allCases) func executionsSurviveTheWire(version: ProtocolVersion) throws {
        for id in [PreparedID(Array(0..<16)), PreparedID([1, 2, 3])] {
            let execute = Execute(id: id, resultMetadataID: version >= .v5 ? [9, 8] : nil, parameters: try Self.parameters(version))
            var body = ByteBuffer()
            execute.write(to: &body, version: version)
            let read = try Execute(from: &body, version: version)
            #expect(read.id == id && read.id.bytes == id.bytes && read.resultMetadataID == execute.resultMetadataID)
            try expectSame(execute.parameters, read.parameters)
        }
    }

    @Test(arguments: ProtocolVersion.allCases) func batchesSurviveTheWire(version: ProtocolVersion) throws {
        let batch = Batch(
            kind: .unlogged,
            statements: [(.text("INSERT"), .empty), (.prepared(PreparedID(Array(0..<16))), try Self.values())],
            request: StatementRequest(consistency: .all, defaultTimestamp: 12))
        var body = ByteBuffer()
        batch.write(to: &body, version: version)
        let read = try Batch(from: &body, version: version)
        #expect(read.kind == .unlogged && read.statements.count == 2 && body.readableBytes == 0)
        #expect(read.request.consistency == .all && read.request.defaultTimestamp == 12)
        try expectSame(batch.statements[1].values, read.statements[1].values)
    }

    @Test(arguments: ProtocolVersion.allCases) func anEncodedBatchIsABatch(version: ProtocolVersion) throws {
        let statement = PreparedStatement(
            statement: "INSERT",
            prepared: .init(
                id: PreparedID(Array(0..<16)), resultMetadataID: nil,
                bindColumns: [
                    .init(keyspace: "k", table: "t", name: "id", type: .text), .init(keyspace: "k", table: "t", name: "n", type: .bigint),
                ], partitionKeyIndices: [0], resultColumns: []))
        var encoded = EncodedBatch(statement, consistency: .one)
        encoded.beginRow()
        encoded.append(utf8: "abc")
        encoded.append(int64: 5)
        let mark = encoded.mark
        encoded.beginRow()
        encoded.append(utf8: "bad row")
        encoded.removeRows(since: mark)
        encoded.beginRow()
        encoded.append(utf8: "d")
        encoded.appendUnset()
        #expect(encoded.rowCount == 2)
        #expect(encoded.token == Murmur3Token.token(Array("abc".utf8)))
        var body = encoded.finished(version)
        let batch = try Batch(from: &body, version: version)
        #expect(body.readableBytes == 0 && batch.statements.count == 2 && batch.request.consistency == .one)
        #expect(try batch.statements[0].values.value(at: 0, type: .text) == .text("abc"))
        #expect(try batch.statements[0].values.value(at: 1, type: .bigint) == .bigint(5))
        #expect(try batch.statements[1].values.value(at: 0, type: .text) == .text("d"))
        #expect(batch.statements[1].values.isUnset(at: 1) == (version >= .v4))
    }

    /// No prefix and no single wrong byte of a request may do anything but throw or read as another request.
    @Test(arguments: ProtocolVersion.allCases) func hostileRequestsNeverTrap(version: ProtocolVersion) throws {
        var query = ByteBuffer()
        Query(statement: "SELECT 1", parameters: try Self.parameters(version)).write(to: &query, version: version)
        var batch = ByteBuffer()
        Batch(kind: .logged, statements: [(.text("I"), try Self.values())], request: .init()).write(to: &batch, version: version)
        var refused = 0
        func probe(_ body: ByteBuffer) {
            var first = body, second = body, third = body, fourth = body
            do { _ = try Query(from: &first, version: version) } catch { refused += 1 }
            do { _ = try Batch(from: &second, version: version) } catch { refused += 1 }
            do { _ = try Execute(from: &third, version: version) } catch { refused += 1 }
            do { _ = try ResultMessage(from: &fourth, version: version) } catch { refused += 1 }
        }
        for message in [query, batch] {
            for length in 0..<message.readableBytes { probe(message.getSlice(at: 0, length: length)!) }
            for index in 0..<message.readableBytes {
                for value: UInt8 in [0, 0x7F, 0x80, 0xFF] {
                    var changed = message
                    changed.setInteger(value, at: index)
                    probe(changed)
                }
            }
        }
        #expect(refused > 100)
    }

    @Test(arguments: ProtocolVersion.allCases) func rowsSurviveTheWire(version: ProtocolVersion) throws {
        let columns: [ColumnSpecification] = [
            .init(keyspace: "k", table: "t", name: "a", type: .int), .init(keyspace: "k", table: "t", name: "b", type: .list(.text)),
        ]
        let metadata = ResultMetadata(columns)
        var writer = RowsWriter()
        writer.append(int32: 1)
        try writer.append(.list([.text("x")]), type: .list(.text))
        writer.endRow()
        writer.append(int32: 2)
        writer.appendNull()
        writer.endRow()
        let rows = writer.rows(metadata, pagingState: ByteBuffer(string: "more"))
        for (skips, known) in [(false, nil), (true, metadata.id), (true, [1, 2]), (true, nil)] as [(Bool, [UInt8]?)] {
            var body = ByteBuffer()
            ResultMessage.writeRows(rows, skipsMetadata: skips, clientMetadataID: known, to: &body, version: version)
            guard case .rows(let read) = try ResultMessage(from: &body, version: version) else {
                Issue.record("no rows")
                continue
            }
            let hasChanged = version >= .v5 && known == [1, 2]
            #expect(read.columns == (skips && !hasChanged ? nil : columns))
            #expect(read.newMetadataID == (hasChanged ? metadata.id : nil))
            #expect(read.pagingState == ByteBuffer(string: "more"))
            #expect(try read.decoded(known: columns) == [[.int(1), .list([.text("x")])], [.int(2), .null]])
        }
    }

    @Test(arguments: ProtocolVersion.allCases) func preparationsSurviveTheWire(version: ProtocolVersion) throws {
        let binds: [ColumnSpecification] = [
            .init(keyspace: "k", table: "t", name: "id", type: .uuid), .init(keyspace: "k", table: "u", name: "n", type: .duration),
        ]
        for result in [nil, ResultMetadata(binds)] {
            var body = ByteBuffer()
            ResultMessage.writePrepared(
                id: PreparedID(Array(0..<16)), bindColumns: binds, partitionKeyIndices: [0], result: result, to: &body, version: version)
            guard case .prepared(let read) = try ResultMessage(from: &body, version: version) else {
                Issue.record("no preparation")
                continue
            }
            #expect(read.bindColumns == binds && read.resultColumns == result?.columns ?? [] && body.readableBytes == 0)
            #expect(read.partitionKeyIndices == (version >= .v4 ? [0] : []))
        }
    }

    @Test(arguments: ProtocolVersion.allCases) func errorsSurviveTheWire(version: ProtocolVersion) throws {
        let errors: [CQLError] = [
            .syntaxError("line 1"), .alreadyExists(keyspace: "k", table: "t"), .unprepared(id: [1, 2, 3]),
            .writeTimeout("slow", consistency: .one), .readTimeout("slow", consistency: .quorum),
            CQLError(.unavailable, "down", details: .unavailable(.all, required: 3, alive: 1)),
            CQLError(.writeFailure, "f", details: .writeFailure(.one, received: 0, blockFor: 1, failures: 1, writeType: "BATCH")),
            CQLError(.readFailure, "f", details: .readFailure(.one, received: 0, blockFor: 1, failures: 2, dataPresent: true)),
        ]
        for error in errors {
            var body = ByteBuffer()
            error.write(to: &body, version: version)
            #expect(try CQLError(from: &body, version: version) == error)
            #expect(body.readableBytes == 0)
        }
    }

    @Test func eventsSurviveTheWire() throws {
        let events: [Event] = [
            .schemaChange(.init(.created, keyspace: "k")), .schemaChange(.init(.dropped, keyspace: "k", target: .table("t"))),
            .schemaChange(.init(.updated, keyspace: "k", target: .function("f", arguments: ["int", "text"]))),
            .statusChange(change: "UP", address: InternetAddress("::1")!, port: 9_042),
        ]
        for event in events {
            var body = ByteBuffer()
            event.write(to: &body)
            #expect(try Event(from: &body) == event)
        }
    }

    @Test func textsTooLongForTheirLengthAreCutAtACharacter() throws {
        var body = ByteBuffer()
        body.writeCQLString(String(repeating: "x", count: 65_534) + "é")
        #expect(try body.readCQLString("text") == String(repeating: "x", count: 65_534))
    }
}
