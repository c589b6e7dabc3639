import IO
import Testing

@Suite struct TextFormsTests {
    @Test(arguments: [("250ms", 250), ("90s", 90_000), ("1m30s", 90_000), ("2h", 7_200_000), ("1.5s", 1_500), ("1d", 86_400_000)])
    func durationsAreReadAsPeopleWriteThem(text: String, milliseconds: Int) throws {
        #expect(try Duration(parsing: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "90", "s", "1x", "1s2", "-1s", "1..5s", "36526d", "99999999999999999999d"])
    func whatIsNoDurationIsRefused(text: String) {
        #expect(throws: InvalidDuration.self) { try Duration(parsing: text) }
    }

    @Test(arguments: ["250ms", "1.5s", "1m30s", "2h5m", "1d"])
    func aDurationIsShownAsItIsWritten(text: String) throws {
        #expect(try Duration(parsing: text).text == text)
    }

    @Test func endpointsAreReadWithAndWithoutPorts() throws {
        #expect(try Endpoint(parsing: "localhost:9092") == Endpoint(host: "localhost", port: 9092))
        #expect(try Endpoint(parsing: "[::1]:9042") == Endpoint(host: "::1", port: 9042))
        #expect(try Endpoint(parsing: "kafka", defaultPort: 9092) == Endpoint(host: "kafka", port: 9092))
        #expect(try Endpoint.list(parsing: "a:1, b:2").map(\.description) == ["a:1", "b:2"])
        #expect(Endpoint(host: "::1", port: 1).description == "[::1]:1")
    }

    @Test(arguments: ["localhost", ":9092", "host:port", "host:70000", "[::1]9092"])
    func whatIsNoEndpointIsRefusedWithTheReason(text: String) {
        let error = #expect(throws: InvalidEndpoint.self) { try Endpoint(parsing: text) }
        #expect(error?.description.contains("host:port, for example") == true)
    }

    @Test func backoffGrowsToItsMaximumAndStartsAnew() {
        var backoff = Backoff(initial: .milliseconds(10), maximum: .milliseconds(35))
        var ceilings: [Duration] = []
        for _ in 0..<4 {
            ceilings.append(backoff.ceiling)
            let delay = backoff.next()
            #expect(delay >= .zero && delay <= ceilings.last!)
        }
        #expect(ceilings == [.milliseconds(10), .milliseconds(20), .milliseconds(35), .milliseconds(35)])
        backoff.reset()
        #expect(backoff.ceiling == .milliseconds(10))
    }
}
