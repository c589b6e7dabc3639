import AsyncHTTPClient
import Foundation
import IO
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import SchemaRegistry

private struct Answer {
    let status: Int
    let type: String?
    let allow: String?
    let json: NSObject?
}

private func withRegistry<R>(_ body: (SchemaRegistryServer, (String, String) async throws -> Answer) async throws -> R) async throws -> R {
    var values = SettingValues(SchemaRegistryConfiguration.settings)
    try values.set("registry.port", to: "0", from: .builtIn)
    let server = try await SchemaRegistryServer.start(
        SchemaRegistryConfiguration(values: values), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        clusterID: { "leat-cluster" })
    func ask(_ method: String, _ path: String) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://\(server.endpoints[0])\(path)")
        request.method = HTTPMethod(rawValue: method)
        if method == "POST" || method == "PUT" { request.body = .bytes(ByteBuffer(string: "{\"schema\":\"\\\"string\\\"\"}")) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 20)
        let json =
            body.readableBytes == 0
            ? nil : try JSONSerialization.jsonObject(with: Data(body.readableBytesView), options: .fragmentsAllowed) as? NSObject
        return Answer(
            status: Int(response.status.code), type: response.headers.first(name: "content-type"),
            allow: response.headers.first(name: "allow"), json: json)
    }
    do {
        let result = try await body(server, ask)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

@Suite("The schema registry's API")
struct SchemaRegistryServerTests {
    @Test("what can be asked of an empty registry is answered in the registry's media type")
    func answers() async throws {
        try await withRegistry { _, ask in
            let expected: [(String, NSObject)] = [
                ("/", [:] as NSDictionary), ("/subjects", [] as NSArray), ("/schemas", [] as NSArray),
                ("/schemas/types", ["JSON", "PROTOBUF", "AVRO"] as NSArray),
                ("/config", ["compatibilityLevel": "BACKWARD"] as NSDictionary), ("/mode", ["mode": "READONLY"] as NSDictionary),
                ("/contexts", ["."] as NSArray),
            ]
            for (path, json) in expected {
                let answer = try await ask("GET", path)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.type == "application/vnd.schemaregistry.v1+json", "\(path)")
                #expect(answer.json == json, "\(path)")
            }
            let id = try await ask("GET", "/v1/metadata/id").json as? [String: Any]
            let clusters = (id?["scope"] as? [String: Any])?["clusters"] as? [String: String]
            #expect(clusters == ["schema-registry-cluster": "schema-registry", "kafka-cluster": "leat-cluster"])
        }
    }

    @Test(
        "what is not there is told with Confluent's codes",
        arguments: [
            ("GET", "/subjects/users-value/versions", 404, 40_401), ("GET", "/subjects/users-value/versions/latest", 404, 40_401),
            ("GET", "/subjects/users-value/versions/0", 422, 42_202), ("DELETE", "/subjects/users-value", 404, 40_401),
            ("GET", "/schemas/ids/1", 404, 40_403), ("GET", "/config/users-value", 404, 40_408), ("GET", "/mode/users-value", 404, 40_409),
            ("GET", "/nothing/here", 404, 404), ("PATCH", "/subjects", 405, 405), ("POST", "/config", 405, 405),
        ])
    func errors(method: String, path: String, status: Int, code: Int) async throws {
        try await withRegistry { _, ask in
            let answer = try await ask(method, path)
            #expect(answer.status == status)
            #expect(answer.type == "application/vnd.schemaregistry.v1+json")
            let json = answer.json as? [String: Any]
            #expect(json?["error_code"] as? Int == code)
            #expect((json?["message"] as? String)?.isEmpty == false)
            if status == 405 { #expect(answer.allow?.contains("GET") == true) }
        }
    }

    @Test(
        "what would store something is refused by name",
        arguments: [
            ("POST", "/subjects/users-value/versions", "Registering a schema"), ("PUT", "/config", "compatibility level"),
            ("POST", "/subjects/users-value", "Looking a schema up"), ("PUT", "/mode", "mode"),
            ("POST", "/compatibility/subjects/users-value/versions/latest", "Checking compatibility"),
        ])
    func refusals(method: String, path: String, part: String) async throws {
        try await withRegistry { _, ask in
            let answer = try await ask(method, path)
            #expect(answer.status == 501)
            let json = answer.json as? [String: Any]
            #expect(json?["error_code"] as? Int == 501)
            #expect((json?["message"] as? String)?.contains(part) == true)
            #expect((json?["message"] as? String)?.contains("not served yet") == true)
        }
    }

    @Test("a subject's name is decoded before it is named")
    func percentEncoding() async throws {
        try await withRegistry { _, ask in
            let json = try await ask("GET", "/subjects/a%2Fb%20c/versions").json as? [String: Any]
            #expect(json?["message"] as? String == "Subject 'a/b c' not found.")
        }
    }

    @Test("a taken port is an error that names the port and the setting")
    func takenPort() async throws {
        try await withRegistry { server, _ in
            var values = SettingValues(SchemaRegistryConfiguration.settings)
            try values.set("registry.port", to: "\(server.endpoints[0].port)", from: .builtIn)
            let configuration = try SchemaRegistryConfiguration(values: values)
            let error = await #expect(throws: ListenerError.self) {
                try await SchemaRegistryServer.start(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
            #expect(error?.description.contains("\(server.endpoints[0].port)") == true)
            #expect(error?.description.contains("registry.port") == true)
        }
    }

    @Test("after stop the port is free, and stop can be called twice")
    func stop() async throws {
        try await withRegistry { server, ask in
            _ = try await ask("GET", "/subjects")
            await server.stop()
            await server.stop()
            var values = SettingValues(SchemaRegistryConfiguration.settings)
            try values.set("registry.port", to: "\(server.endpoints[0].port)", from: .builtIn)
            let next = try await SchemaRegistryServer.start(
                SchemaRegistryConfiguration(values: values), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            #expect(next.endpoints == server.endpoints)
            #expect(try await ask("GET", "/subjects").status == 200)
            await next.stop()
        }
    }
}
