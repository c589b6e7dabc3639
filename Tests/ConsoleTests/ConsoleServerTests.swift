import IO
import NIOHTTP1
import Testing

@testable import Console

@Suite("The console's pages")
struct ConsolePagesTests {
    @Test("every page and file is served from the binary with its type, a tag, and a strict content security policy")
    func files() async throws {
        try await withConsole { console in
            let expected = [
                "/": "text/html", "/dags": "text/html", "/static/console.css": "text/css", "/static/console.js": "text/javascript",
                "/static/flow.js": "text/javascript", "/static/dags.js": "text/javascript", "/static/icon.svg": "image/svg+xml",
            ]
            for (path, type) in expected {
                let answer = try await console.ask(path)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers.first(name: "content-type")?.hasPrefix(type) == true, "\(path)")
                #expect(answer.headers.first(name: "x-content-type-options") == "nosniff")
                let policy = try #require(answer.headers.first(name: "content-security-policy"))
                #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
                let tag = try #require(answer.headers.first(name: "etag"))
                let again = try await console.ask(path, headers: [("If-None-Match", tag)])
                #expect(again.status == 304 && again.body.isEmpty, "\(path)")
                let head = try await console.ask(path, .HEAD)
                #expect(head.status == 200 && head.body.isEmpty, "\(path)")
            }
        }
    }

    @Test("the pages hold no inline script, style or handler, and fetch nothing from elsewhere")
    func strictness() throws {
        for html in [FlowPage.html, DAGsPage.html] {
            #expect(html.hasPrefix("<!doctype html>"))
            #expect(!html.contains("<style") && !html.contains(" style=") && !html.contains("onclick=") && !html.contains("https:"))
            for script in html.split(separator: "<script").dropFirst() {
                #expect(script.contains("src=\"/static/") && script.contains("></script>"))
            }
            #expect(!html.contains("\\#"))
        }
        for script in [SharedScript.text, FlowScript.text, DAGsScript.text] {
            for unsafe in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https:"] {
                #expect(!script.contains(unsafe), "\(unsafe)")
            }
        }
    }

    @Test("a page that does not exist is refused with what was asked for")
    func missing() async throws {
        try await withConsole { console in
            let answer = try await console.ask("/nowhere")
            #expect(answer.status == 404)
            #expect(try answer.json["error"]?["problem"]?.string?.contains("/nowhere") == true)
            #expect(try await console.ask("/api/nothing").status == 404)
        }
    }

    @Test("a taken port names the port, the box and the setting")
    func takenPort() async throws {
        try await withConsole { console in
            let port = console.server.endpoints[0].port
            let error = await #expect(throws: ListenerError.self) {
                _ = try await ConsoleServer.start(try configuration(["port": "\(port)"]), logger: quiet)
            }
            let text = error?.description ?? ""
            #expect(text.contains("console") && text.contains("\(port)") && text.contains("--console.port"))
        }
    }
}

@Suite("What the console refuses")
struct RequestGuardTests {
    @Test(
        "a name that is not the console's is refused, so that foreign DNS does not reach it",
        arguments: [
            ("evil.example", 421), ("127.0.0.1.evil.example:9021", 421), ("localhost.evil.example", 421), ("localhost:9021", 200),
            ("127.0.0.1", 200), ("[::1]:9021", 200), ("leat.localhost", 200), ("console.example:9021", 200),
        ])
    func hosts(host: String, status: Int) async throws {
        try await withConsole(["advertised": "console.example:9021"]) { console in
            let answer = try await console.ask("/api/flow", headers: [("Host", host)])
            #expect(answer.status == status)
        }
    }

    @Test("a change is refused from another site's page or in a form's encoding, before the scheduler hears of it")
    func origins() async throws {
        try await withConsole(["scheduler": "http://\(try await closedPort())"]) { console in
            let address = "\(console.server.endpoints[0])"
            let json = ("Content-Type", "application/json")
            let cases: [([(String, String)], Int)] = [
                ([json, ("Origin", "https://evil.example")], 403), ([json, ("Origin", "null")], 403),
                ([json, ("Origin", "http://127.0.0.1:1")], 403),
                ([json, ("Sec-Fetch-Site", "cross-site")], 403), ([json, ("Sec-Fetch-Site", "same-site")], 403),
                ([("Content-Type", "text/plain"), ("Origin", "http://\(address)")], 415), ([], 415),
                // The console's own page and a client that is no browser come through, to a scheduler that is not there.
                ([json, ("Origin", "http://\(address)"), ("Sec-Fetch-Site", "same-origin")], 502), ([json], 502),
            ]
            for (headers, status) in cases {
                let answer = try await console.ask("/api/dags/users/runs", .POST, headers: headers, body: "{}")
                #expect(answer.status == status, "\(headers)")
            }
        }
    }

    @Test("bad parameters and bodies are named")
    func parameters() async throws {
        try await withConsole(["scheduler": "http://\(try await closedPort())"]) { console in
            let records = try await console.ask("/api/topics/x/records")
            #expect(records.status == 404)
            let json = [("Content-Type", "application/json")]
            for body in ["{", "[]", "\"x\""] {
                let answer = try await console.ask("/api/dags/users/runs", .POST, headers: json, body: body)
                #expect(answer.status == 400, "\(body)")
            }
            let log = try await console.ask("/api/dags/d/runs/r/tasks/t/log?try=nought")
            #expect(log.status == 400)
        }
    }
}
