package import IO

/// Where the users come from, and how patiently they are asked for.
package struct RandomUserClientConfiguration: Sendable {
    /// The settings that the client reads beside the box's own; the address comes from the box or from `api.use`.
    package static let settings: [Setting] = [
        Setting("api.ca_file", .path, default: "", "certificates (PEM) to trust for an https address, beside none of the system's"),
        Setting("api.timeout", .duration, default: "10s", "how long one request may take"),
        Setting("api.connect.timeout", .duration, default: "5s", "how long a connection may take to open"),
        Setting("api.retry.initial", .duration, default: "100ms", "the longest first pause after a failed request; pauses double"),
        Setting("api.retry.maximum", .duration, default: "10s", "the longest pause between two tries"),
        Setting("api.retry.attempts", .integer(1...1_000), default: "8", "tries for one request before the failure is passed on"),
        Setting("api.retry-after.maximum", .duration, default: "2m", "the longest Retry-After that is waited for"),
        Setting("api.request.results", .integer(1...5_000), default: "5000", "the most users that the client asks for at once"),
        Setting("api.request.rate", .integer(1...1_000), default: "20", "the most requests a second when polling"),
        Setting("api.request.in-flight", .integer(1...64), default: "4", "requests under way at once when polling"),
        Setting(
            "api.poll.backlog", .duration, default: "10s", "how much of a stall is caught up; users due before that are skipped and counted"
        ),
        Setting("api.response.bytes", .bytes, default: "32MiB", "the largest answer that is read"),
    ]

    package var url: String
    package var caFile: String?
    package var requestTimeout: Duration = .seconds(10)
    package var connectTimeout: Duration = .seconds(5)
    package var retry = Backoff(initial: .milliseconds(100), maximum: .seconds(10))
    package var attemptsMax = 8
    package var retryAfterMax: Duration = .seconds(120)
    package var resultsMax = 5_000
    package var requestsPerSecondMax = 20
    package var inFlightMax = 4
    package var backlog: Duration = .seconds(10)
    package var responseBytesMax = 32 << 20

    /// - Parameter url: any address of the API, for example `https://randomuser.me/api/`; it may carry a query.
    package init(url: String) { self.url = url }

    package init(url: String, values: SettingValues) {
        self.init(url: url)
        caFile = values.isSet("api.ca_file") ? values.text("api.ca_file") : nil
        requestTimeout = values.duration("api.timeout")
        connectTimeout = values.duration("api.connect.timeout")
        let initial = max(.milliseconds(1), values.duration("api.retry.initial"))
        retry = Backoff(initial: initial, maximum: max(initial, values.duration("api.retry.maximum")))
        attemptsMax = values.integer("api.retry.attempts")
        retryAfterMax = values.duration("api.retry-after.maximum")
        resultsMax = values.integer("api.request.results")
        requestsPerSecondMax = values.integer("api.request.rate")
        inFlightMax = values.integer("api.request.in-flight")
        backlog = values.duration("api.poll.backlog")
        responseBytesMax = max(1 << 16, values.bytes("api.response.bytes"))
    }
}
