import NIOCore
import Testing

@testable import Spark

@Suite("An execution's responses")
struct ExecutionBufferTests {
    private func response(_ id: Int) -> ExecutePlanResponse {
        var response = ExecutePlanResponse(.progress)
        response.responseID = "r\(id)"
        return response
    }

    private func buffer(_ count: Int, retainedMax: Int = 10) -> ExecutionBuffer {
        var buffer = ExecutionBuffer(retainedMax: retainedMax)
        for id in 0..<count { buffer.append(response(id)) }
        return buffer
    }

    @Test("a reader gets each response, waits at the end, and ends with the execution")
    func reading() {
        var buffer = buffer(2)
        #expect(buffer.step(at: 0) == .send(response(0)))
        #expect(buffer.step(at: 1) == .send(response(1)))
        #expect(buffer.step(at: 2) == .wait)
        buffer.finish(.completed)
        #expect(buffer.step(at: 1) == .send(response(1)))
        #expect(buffer.step(at: 2) == .end)
    }

    @Test("an error comes after the responses before it, and the first outcome stands")
    func failure() {
        var buffer = buffer(1)
        let error = ConnectError.notServed("x")
        buffer.finish(.failed(error))
        buffer.finish(.completed)
        buffer.append(response(7))
        #expect(buffer.step(at: 0) == .send(response(0)))
        #expect(buffer.step(at: 1) == .fail(error))
    }

    @Test("a reattach goes on after the last response seen, released or not")
    func reattach() throws {
        var buffer = buffer(4)
        #expect(try buffer.position(after: nil) == 0)
        #expect(try buffer.position(after: "r1") == 2)
        buffer.release(until: "r1")
        #expect(buffer.retained == 2)
        #expect(try buffer.position(after: "r1") == 2)
        #expect(try buffer.position(after: "r3") == 4)
        #expect(throws: ConnectError.self) { try buffer.position(after: "unknown") }
    }

    @Test("what was released is not there for a reader that begins anew")
    func released() {
        var buffer = buffer(3)
        buffer.release(until: "r0")
        buffer.release(until: "nothing")
        guard case .fail(let error) = buffer.step(at: 0) else {
            Issue.record("a released response was given")
            return
        }
        #expect(error.errorClass == "INVALID_CURSOR.POSITION_NOT_AVAILABLE")
        #expect(buffer.step(at: 1) == .send(response(1)))
    }

    @Test("a client that releases nothing costs no more than the bound")
    func bound() {
        let buffer = buffer(100, retainedMax: 10)
        #expect(buffer.retained == 10)
        #expect(buffer.step(at: 90) == .send(response(90)))
        guard case .fail = buffer.step(at: 89) else {
            Issue.record("more responses are kept than the bound allows")
            return
        }
    }
}

@Suite("What an execution's readers have not had")
struct UnreadResponsesTests {
    private func rows(_ bytes: Int) -> ExecutePlanResponse {
        var response = ExecutePlanResponse(.rows(.init(count: 1, start: 0, data: ByteBuffer(repeating: 0, count: bytes))))
        response.responseID = randomUUID()
        return response
    }

    @Test("bytes count until a reader has had them, and are kept within the bound for one that reattaches")
    func bytes() {
        var buffer = ExecutionBuffer(retainedMax: 100, retainedBytesMax: 2_000)
        for _ in 0..<5 { buffer.append(rows(744)) }
        #expect(buffer.unread == 5)
        #expect(buffer.unreadBytes == 5_000)
        buffer.read(until: 3)
        #expect(buffer.unread == 2)
        #expect(buffer.unreadBytes == 2_000)
        buffer.append(rows(744))
        // Three that were read went, since they are beyond the bound; none of the unread did.
        #expect(buffer.retained == 3)
        #expect(buffer.unreadBytes == 3_000)
        buffer.read(until: 6)
        #expect(buffer.unreadBytes == 0)
    }
}

@Suite("A session's configuration")
struct SessionConfigurationTests {
    @Test("unknown keys are kept, core and static ones refused, silently with a warning each")
    func setting() throws {
        var configuration = SessionConfiguration()
        let warnings = try configuration.set(
            [
                KeyValue("spark.cassandra.connection.host", "cassandra"), KeyValue("spark.jars.packages", "a:b:1"),
                KeyValue("spark.sql.warehouse.dir", "/x"), KeyValue("spark.app.name", "app"),
            ], isSilent: true)
        #expect(warnings.count == 2)
        #expect(warnings[0].contains("spark.jars.packages") && warnings[0].contains("CANNOT_MODIFY_CONFIG"))
        #expect(warnings[1].contains("CANNOT_MODIFY_STATIC_CONFIG"))
        #expect(configuration.value(of: "spark.cassandra.connection.host") == "cassandra")
        #expect(configuration.value(of: "spark.app.name") == "app")
        #expect(configuration.value(of: "spark.jars.packages") == nil)
        #expect(throws: ConnectError.self) { try configuration.set([KeyValue("spark.jars.packages", "a")], isSilent: false) }
    }

    @Test("a key without value is an error by Spark's name, one with a default has it")
    func getting() throws {
        var configuration = SessionConfiguration()
        let error = #expect(throws: ConnectError.self) { try configuration.required("spark.nothing") }
        #expect(error?.errorClass == "SQL_CONF_NOT_FOUND")
        #expect(try configuration.required("spark.sql.session.timeZone") == "UTC")
        _ = try configuration.set([KeyValue("spark.sql.session.timeZone", "Europe/Berlin")], isSilent: false)
        #expect(try configuration.required("spark.sql.session.timeZone") == "Europe/Berlin")
        try configuration.unset(["spark.sql.session.timeZone"])
        #expect(try configuration.required("spark.sql.session.timeZone") == "UTC")
    }

    @Test("all keys under a prefix come without it")
    func prefix() throws {
        var configuration = SessionConfiguration()
        _ = try configuration.set([KeyValue("spark.a.x", "1"), KeyValue("spark.a.y", "2"), KeyValue("spark.b", "3")], isSilent: false)
        #expect(configuration.all(prefix: "spark.a.") == [KeyValue("x", "1"), KeyValue("y", "2")])
        #expect(configuration.all(prefix: nil).count == 3)
    }
}
