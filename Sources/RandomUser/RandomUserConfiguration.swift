package import IO

/// Settings of the RandomUser API.
package struct RandomUserConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("api.host", .text, default: "127.0.0.1", "the address that the RandomUser API listens on"),
        Setting("api.port", .integer(0...65_535), default: "8088", "its port; 0 takes any free one"),
        Setting("api.advertised", .text, default: "", "the address that others are told; empty means host and bound port"),
        Setting("api.replay", .path, default: "", "serve the recorded responses of this file instead of generated users"),
        Setting("api.results.max", .integer(1...5_000), default: "5000", "the most users that one request may ask for"),
        Setting("api.connections.max", .integer(1...100_000), default: "1024", "open connections; further ones wait"),
        Setting(
            "api.connections.idle", .duration, default: "60s",
            "how long a connection may be silent between requests before it is closed"),
        Setting("api.stop.timeout", .duration, default: "2s", "how long a stop waits for answers under way"),
        Setting(
            "api.fault.rate", .integer(0...100), default: "0",
            "per cent of the requests that are made to fail, for tests and demonstrations"),
        Setting(
            "api.fault.kinds", .text, default: "error,timeout,empty,throttle,malformed",
            "which failures: error (500), timeout (held back), empty (no results), throttle (429), malformed (cut off)"),
        Setting("api.fault.hold", .duration, default: "30s", "how long a timeout failure holds the answer back"),
        Setting("api.fault.retry-after", .duration, default: "1s", "what a throttle failure's Retry-After says, in whole seconds"),
    ]

    let host: String
    let port: Int
    let advertised: Endpoint?
    let replay: String?
    let resultsMax: Int
    let connectionsMax: Int
    let connectionIdle: Duration
    let stopTimeout: Duration
    let faultPercent: Int
    let faultKinds: [FaultInjector.Kind]
    let faultHold: Duration
    let faultRetryAfter: Duration

    /// - Throws: ``SettingError`` where a value means nothing here, ``InvalidEndpoint`` for a malformed advertised address.
    package init(values: SettingValues) throws {
        host = values.text("api.host")
        port = values.integer("api.port")
        advertised = values.isSet("api.advertised") ? try Endpoint(parsing: values.text("api.advertised")) : nil
        replay = values.isSet("api.replay") ? values.text("api.replay") : nil
        resultsMax = values.integer("api.results.max")
        connectionsMax = values.integer("api.connections.max")
        connectionIdle = values.duration("api.connections.idle")
        stopTimeout = values.duration("api.stop.timeout")
        faultPercent = values.integer("api.fault.rate")
        faultHold = values.duration("api.fault.hold")
        faultRetryAfter = values.duration("api.fault.retry-after")
        faultKinds = try values.text("api.fault.kinds").split(separator: ",").map { part in
            guard let kind = FaultInjector.Kind(rawValue: part.trimmingSpaces) else {
                throw SettingError.malformed(
                    key: "api.fault.kinds", text: String(part),
                    complaint: "one of \(FaultInjector.Kind.allCases.map(\.rawValue).joined(separator: ", ")) is wanted",
                    origin: values.origin(of: "api.fault.kinds"))
            }
            return kind
        }
    }
}
