import IO
import NIOCore
import Testing

@testable import Cassandra

@Suite(.timeLimit(.minutes(1))) struct StoreConnectionTests {
    private static let keyspace = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"

    private func makeTable(_ connection: RawConnection) async throws {
        _ = try await connection.query(Self.keyspace).get()
        _ = try await connection.query("CREATE TABLE ks.t (id int PRIMARY KEY, name text)").get()
    }

    @Test(arguments: ProtocolVersion.allCases) func statementsAreAnsweredInEveryVersion(version: ProtocolVersion) async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint, version)
            #expect(try await connection.startUp() == .ready)
            try await makeTable(connection)
            _ = try await connection.query("INSERT INTO ks.t (id, name) VALUES (1, 'one')").get()
            #expect(try await connection.query("SELECT id, name FROM ks.t WHERE id = 1").rows == [[.int(1), .text("one")]])
            let error = try await connection.query("SELEC nonsense").error
            #expect(error?.code == .syntaxError)
            #expect(try await connection.query("SELECT * FROM ks.nowhere").error?.code == .invalid)
            await connection.close()
        }
    }

    @Test func requestsMayArriveOneByteAtATime() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint)
            var encoder = FrameEncoder(isServer: false)
            encoder.write(.v4, stream: 3, .startup) { Startup(options: ["CQL_VERSION": "3.0.0"]).write(to: &$0) }
            encoder.write(.v4, stream: 4, .options) { _ in }
            for byte in encoder.take()!.readableBytesView { try await connection.send(bytes: ByteBuffer(bytes: [byte])) }
            let ready = try await connection.frame(), supported = try await connection.frame()
            #expect(ready?.header.opcode == .ready && ready?.header.stream == 3)
            #expect(supported?.header.opcode == .supported && supported?.header.stream == 4)
            await connection.close()
        }
    }

    @Test func aMalformedFrameEndsItsConnectionWithAnErrorAndNoOther() async throws {
        try await withStore { _, endpoint in
            let healthy = try await RawConnection(endpoint)
            _ = try await healthy.startUp()
            for bytes: [UInt8] in [
                [66, 0, 0, 9, 5, 0, 0, 0, 0], [4, 0, 0, 9, 0x55, 0, 0, 0, 0], [4, 0, 0, 9, 7, 0xFF, 0xFF, 0xFF, 0xFF],
                [0x84, 0, 0, 9, 8, 0, 0, 0, 0],
            ] {
                let broken = try await RawConnection(endpoint)
                try await broken.send(bytes: ByteBuffer(bytes: bytes))
                let answer = try await broken.frame()
                #expect(answer?.header.opcode == .error)
                #expect(answer?.header.stream == 9)
                #expect(try await broken.frame() == nil)
            }
            #expect(try await healthy.query("SELECT key FROM system.local").rows?.count == 1)
            await healthy.close()
        }
    }

    @Test func aCorruptSegmentEndsItsConnectionWithAnError() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint, .v5)
            _ = try await connection.startUp()
            try await connection.send(bytes: ByteBuffer(repeating: 0x41, count: 64))
            #expect(try await connection.frame()?.header.opcode == .error)
            #expect(try await connection.frame() == nil)
        }
    }

    @Test func aBodyThatEndsTooSoonIsAnErrorOfItsStreamOnly() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint)
            _ = try await connection.startUp()
            for opcode in [Opcode.query, .prepare, .execute, .batch, .register] {
                try await connection.send(opcode, stream: 5) { $0.writeBytes([0, 0]) }
                if opcode == .register { break }
                #expect(try await connection.answer().error?.code == .protocolError)
            }
            await connection.close()
        }
    }

    @Test func statementsBeforeSTARTUPAreRefusedInCassandrasWords() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint)
            let error = try await connection.query("SELECT key FROM system.local").error
            #expect(error?.message == "Unexpected message QUERY, expecting STARTUP or OPTIONS")
            try await connection.send(.startup) { Startup(options: ["CQL_VERSION": "3.0.0", "COMPRESSION": "snappy"]).write(to: &$0) }
            #expect(try await connection.answer().error?.code == .protocolError)
            #expect(try await connection.startUp() == .ready)
            await connection.close()
        }
    }

    @Test(arguments: [ProtocolVersion.v4, .v5]) func everyPipelinedRequestIsAnsweredOnItsStreamWithinNarrowBounds(version: ProtocolVersion)
        async throws
    {
        let bounds = [
            "store.connection.inflight": "4", "store.connection.inflight.bytes": "2000", "store.connection.answers.bytes": "4000",
        ]
        try await withStore(bounds) { _, endpoint in
            let connection = try await RawConnection(endpoint, version)
            _ = try await connection.startUp()
            try await makeTable(connection)
            let text = String(repeating: "x", count: 300)
            try await connection.sendAll(
                (0..<500).map { index in
                    (
                        .query, Int16(index),
                        {
                            let parameters = QueryParameters(request: .init())
                            Query(statement: "INSERT INTO ks.t (id, name) VALUES (\(index), '\(text)')", parameters: parameters)
                                .write(to: &$0, version: version)
                        }
                    )
                })
            var streams: Set<Int16> = []
            for _ in 0..<500 {
                let frame = try #require(try await connection.frame())
                #expect(frame.header.opcode == .result)
                streams.insert(frame.header.stream)
            }
            #expect(streams.count == 500)
            #expect(try await connection.query("SELECT count(*) FROM ks.t").rows == [[.bigint(500)]])
            await connection.close()
        }
    }

    @Test func preparedStatementsBeyondTheBoundAreForgottenAndSaidSo() async throws {
        try await withStore(["store.prepared": "16"]) { _, endpoint in
            let connection = try await RawConnection(endpoint)
            _ = try await connection.startUp()
            try await makeTable(connection)
            var ids: [PreparedID] = []
            for index in 0..<40 {
                try await connection.send(.prepare) {
                    Prepare(statement: "SELECT * FROM ks.t WHERE id = ? LIMIT \(index + 1)").write(to: &$0, version: .v4)
                }
                guard case .success(.prepared(let prepared)) = try await connection.answer() else {
                    Issue.record("not prepared")
                    return
                }
                #expect(prepared.partitionKeyIndices == [0])
                ids.append(prepared.id)
            }
            func execute(_ id: PreparedID) async throws -> Result<ResultMessage, CQLError> {
                let values = try BoundValues([(.int(1), .int)])
                try await connection.send(.execute) {
                    Execute(id: id, resultMetadataID: nil, parameters: .init(request: .init(values: values))).write(to: &$0, version: .v4)
                }
                return try await connection.answer()
            }
            #expect(try await execute(ids[39]).rows == [])
            let error = try await execute(ids[0]).error
            #expect(error?.code == .unprepared && error?.details == .unprepared(id: ids[0].bytes))
            await connection.close()
        }
    }

    @Test func registeredConnectionsHearOfSchemaChanges() async throws {
        try await withStore { _, endpoint in
            let listener = try await RawConnection(endpoint), writer = try await RawConnection(endpoint)
            _ = try await listener.startUp()
            _ = try await writer.startUp()
            try await listener.send(.register) { Register(events: [.schemaChange, .statusChange]).write(to: &$0) }
            #expect(try await listener.frame()?.header.opcode == .ready)
            _ = try await writer.query(Self.keyspace).get()
            var frame = try #require(try await listener.frame())
            #expect(frame.header.opcode == .event && frame.header.stream == -1)
            #expect(try Event(from: &frame.body) == .schemaChange(.init(.created, keyspace: "ks")))
            await listener.close()
            await writer.close()
        }
    }

    @Test func aKeyspaceIsChosenForOneConnection() async throws {
        try await withStore { _, endpoint in
            let first = try await RawConnection(endpoint), second = try await RawConnection(endpoint)
            _ = try await first.startUp()
            _ = try await second.startUp()
            try await makeTable(first)
            guard case .success(.setKeyspace("ks")) = try await first.query("USE ks") else {
                Issue.record("USE does not answer with the keyspace")
                return
            }
            #expect(try await first.query("SELECT * FROM t").rows == [])
            #expect(try await second.query("SELECT * FROM t").error?.code == .invalid)
            await first.close()
            await second.close()
        }
    }

    @Test func aPreparedStatementOutlivesAChangeOfItsTable() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint, .v5)
            _ = try await connection.startUp()
            try await makeTable(connection)
            try await connection.send(.prepare) { Prepare(statement: "SELECT * FROM ks.t WHERE id = ?").write(to: &$0, version: .v5) }
            guard case .success(.prepared(let prepared)) = try await connection.answer() else {
                Issue.record("not prepared")
                return
            }
            _ = try await connection.query("ALTER TABLE ks.t ADD age int").get()
            _ = try await connection.query("INSERT INTO ks.t (id, name, age) VALUES (1, 'one', 7)").get()
            let values = try BoundValues([(.int(1), .int)])
            try await connection.send(.execute) {
                Execute(
                    id: prepared.id, resultMetadataID: prepared.resultMetadataID,
                    parameters: .init(request: .init(values: values), skipsMetadata: true)
                ).write(to: &$0, version: .v5)
            }
            guard case .success(.rows(let rows)) = try await connection.answer() else {
                Issue.record("no rows")
                return
            }
            #expect(rows.newMetadataID != nil && rows.newMetadataID != prepared.resultMetadataID)
            #expect(Set(rows.columns?.map(\.name) ?? []) == ["id", "name", "age"])
            await connection.close()
        }
    }

    @Test func aBrowserIsToldWhatLivesHere() async throws {
        try await withStore { _, endpoint in
            let connection = try await RawConnection(endpoint)
            try await connection.send(bytes: ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
            let text = await connection.text()
            #expect(text.hasPrefix("HTTP/1.1 400") && text.contains("CQL"))
        }
    }

    @Test func aTakenPortIsNamedWithItsSetting() async throws {
        try await withStore { _, endpoint in
            let error = await #expect(throws: ListenerError.self) {
                try await withStore(["store.port": "\(endpoint.port)"]) { _, _ in }
            }
            #expect(error?.setting == "--store.port" && error?.description.contains("\(endpoint.port)") == true)
        }
    }

    @Test func connectionsBeyondTheBoundAreRefused() async throws {
        try await withStore(["store.connections": "1"]) { _, endpoint in
            let first = try await RawConnection(endpoint)
            #expect(try await first.startUp() == .ready)
            let second = try await RawConnection(endpoint)
            #expect(try await second.frame() == nil)
            await first.close()
        }
    }

    /// The client sees the error, not a reset: it is told when it has sent all of it, and goes on.
    @Test(arguments: [ProtocolVersion.v4, .v5]) func aRequestThatIsTooLongIsReadPastAndAnswered(version: ProtocolVersion) async throws {
        try await withStore(["store.request.bytes": "20000"]) { _, endpoint in
            let connection = try await RawConnection(endpoint, version)
            _ = try await connection.startUp()
            for length in [20_001, 500_000, 3 << 20] {
                let error = try await connection.query("SELECT '" + String(repeating: "x", count: length) + "'", stream: 7).error
                #expect(error?.code == .invalid && error?.message.hasPrefix("Request is too big") == true)
                #expect(try await connection.query("SELECT key FROM system.local").rows?.count == 1)
            }
            await connection.close()
        }
    }

    @Test func everybodyHearsOfASchemaChangeWhoseClientHasLeft() async throws {
        try await withStore { _, endpoint in
            let listener = try await RawConnection(endpoint), reader = try await RawConnection(endpoint)
            _ = try await listener.startUp()
            _ = try await reader.startUp()
            try await makeTable(reader)
            try await listener.send(.register) { Register(events: [.schemaChange]).write(to: &$0) }
            #expect(try await listener.frame()?.header.opcode == .ready)
            for index in 0..<6 {
                try await reader.send(.prepare) { Prepare(statement: "SELECT * FROM ks.t WHERE id = 1").write(to: &$0, version: .v4) }
                guard case .success(.prepared(let prepared)) = try await reader.answer() else {
                    Issue.record("not prepared")
                    return
                }
                let leaver = try await RawConnection(endpoint)
                _ = try await leaver.startUp()
                try await leaver.send(.query) {
                    Query(statement: "ALTER TABLE ks.t ADD c\(index) int", parameters: .init(request: .init())).write(to: &$0, version: .v4)
                }
                await leaver.close()
                var frame = try #require(try await listener.frame())
                #expect(try Event(from: &frame.body) == .schemaChange(.init(.updated, keyspace: "ks", target: .table("t"))))
                // Who prepared before holds the old columns.
                try await reader.send(.execute) {
                    Execute(id: prepared.id, resultMetadataID: nil, parameters: .init(request: .init(), skipsMetadata: true))
                        .write(to: &$0, version: .v4)
                }
                #expect(try await reader.answer().error?.code == .unprepared)
            }
            await listener.close()
            await reader.close()
        }
    }

    private func fill(_ connection: RawConnection) async throws {
        try await makeTable(connection)
        let text = String(repeating: "x", count: 20_000)
        for id in 0..<100 { _ = try await connection.query("INSERT INTO ks.t (id, name) VALUES (\(id), '\(text)')").get() }
    }

    private func selects(_ count: Int, pageSize: Int32?) -> [(Opcode, Int16, (inout ByteBuffer) -> Void)] {
        (0..<count).map { index in
            (
                .query, Int16(index),
                {
                    let request = StatementRequest(pageSize: pageSize)
                    Query(statement: "SELECT * FROM ks.t", parameters: QueryParameters(request: request)).write(to: &$0, version: .v4)
                }
            )
        }
    }

    @Test func stoppingDoesNotWaitForAClientThatDoesNotRead() async throws {
        try await withStore(["store.stop.timeout": "200ms"]) { store, endpoint in
            let writer = try await RawConnection(endpoint), deaf = try await RawConnection(endpoint, reads: false)
            _ = try await writer.startUp()
            try await fill(writer)
            try await deaf.send(.startup) { Startup(options: ["CQL_VERSION": "3.0.0"]).write(to: &$0) }
            try await deaf.sendAll(selects(50, pageSize: nil))
            let clock = ContinuousClock(), start = clock.now
            await store.stop()
            #expect(clock.now - start < .seconds(20))
            await deaf.close()
        }
    }

    /// Bounds far below an answer's size: requests wait for each other's places, and none forever.
    @Test func everyAnswerFindsItsPlaceWithinNarrowBounds() async throws {
        try await withStore(["store.connection.answers.bytes": "30000", "store.page.bytes": "10000"]) { _, endpoint in
            let connection = try await RawConnection(endpoint)
            _ = try await connection.startUp()
            try await fill(connection)
            var requests = selects(60, pageSize: 5_000) + selects(5, pageSize: nil)
            for index in requests.indices { requests[index].1 = Int16(index) }
            let write: (inout ByteBuffer) -> Void = {
                Query(statement: "INSERT INTO ks.t (id) VALUES (1)", parameters: .init(request: .init())).write(to: &$0, version: .v4)
            }
            requests.append((.query, 1_000, write))
            for index in 0..<60 {
                let point: (inout ByteBuffer) -> Void = {
                    Query(statement: "SELECT * FROM ks.t WHERE id = \(index)", parameters: .init(request: .init())).write(
                        to: &$0, version: .v4)
                }
                requests.append((.query, Int16(2_000 + index), point))
            }
            try await connection.sendAll(requests)
            var streams: Set<Int16> = []
            for _ in requests {
                let frame = try #require(try await connection.frame())
                #expect(frame.header.opcode == .result)
                streams.insert(frame.header.stream)
            }
            #expect(streams.count == requests.count)
            await connection.close()
        }
    }

    /// Clients that keep to their connections' bounds wait when the store's queues are full; none is refused.
    @Test func fullQueuesMakeClientsWait() async throws {
        try await withStore(["store.write.queue.bytes": "2000", "store.read.queue": "2"]) { _, endpoint in
            let first = try await RawConnection(endpoint)
            _ = try await first.startUp()
            try await makeTable(first)
            let text = String(repeating: "x", count: 1_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<4 {
                    group.addTask {
                        let connection = try await RawConnection(endpoint)
                        _ = try await connection.startUp()
                        try await connection.sendAll(
                            (0..<400).map { index in
                                let cql =
                                    index % 4 == 3
                                    ? "SELECT count(*) FROM ks.t WHERE id IN (1, 2)"
                                    : "INSERT INTO ks.t (id, name) VALUES (\(client * 1_000 + index), '\(text)')"
                                return (
                                    .query, Int16(index),
                                    { Query(statement: cql, parameters: .init(request: .init())).write(to: &$0, version: .v4) }
                                )
                            })
                        for _ in 0..<400 { #expect(try await connection.frame()?.header.opcode == .result) }
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await first.query("SELECT count(*) FROM ks.t").rows == [[.bigint(1_200)]])
            await first.close()
        }
    }
}
