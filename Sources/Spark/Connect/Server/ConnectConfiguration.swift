package import IO

/// The settings of the Spark Connect listener: part of the engine's, whose `engine.host` and `engine.port` it listens on.
package struct ConnectConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("engine.connect.request.bytes.max", .bytes, default: "64MiB", "the longest request taken from a client"),
        Setting("engine.connect.sessions.max", .integer(1...1_000_000), default: "1000", "sessions held at once"),
        Setting("engine.connect.session.idle", .duration, default: "1h", "how long a session may be idle before it gives way to a new one"),
        Setting("engine.connect.operations.max", .integer(1...1_000_000), default: "1000", "operations of a session that are not released"),
        Setting(
            "engine.connect.responses.max", .integer(1...1_000_000), default: "1000",
            "responses of an operation kept for a client that reattaches"),
        Setting(
            "engine.connect.responses.bytes", .bytes, default: "10MiB",
            "bytes of an operation's responses that were sent and are kept for a client that reattaches"),
        Setting(
            "engine.connect.results.unread", .bytes, default: "32MiB",
            "bytes of a result that are made before the client has taken what is there"),
        Setting("engine.connect.batch.bytes", .bytes, default: "4MiB", "bytes of one batch of a result, about"),
        Setting("engine.connect.chunk.bytes", .bytes, default: "16MiB", "a longer batch comes in pieces, where the client takes them"),
        Setting("engine.connect.plan.bytes.max", .bytes, default: "256MiB", "what a packed plan may unpack to"),
        Setting("engine.connect.artifacts.bytes.max", .bytes, default: "1GiB", "bytes of a session's uploaded artifacts"),
        Setting("engine.connect.frames.max", .integer(1...1_000_000), default: "1000", "frames that a session holds by checkpoint"),
        Setting(
            "engine.connect.errors.max", .integer(1...100_000), default: "100",
            "errors of a session kept for a client that asks for details"),
        Setting(
            "engine.connect.stream.duration", .duration, default: "2m", "after this a response stream is ended and the client reattaches"),
        Setting("engine.connect.heartbeat", .duration, default: "2s", "how often a running command gives a sign of life"),
        Setting("engine.connect.detached", .duration, default: "5m", "after this without a reader a running command is cancelled"),
        Setting("engine.connect.streams.max", .integer(1...100_000), default: "100", "calls in flight on one connection"),
        Setting("engine.connect.grace", .duration, default: "2s", "how long calls under way may take to finish when the engine stops"),
    ]

    package struct Limits: Sendable {
        package var sessionsMax: Int
        package var sessionIdleMax: Duration
        package var operationsMax: Int
        package var responsesMax: Int
        package var responsesBytesMax: Int
        package var unreadBytesMax: Int
        package var batchBytes: Int
        package var chunkBytes: Int
        package var planBytesMax: Int
        package var artifactsBytesMax: Int
        package var framesMax: Int
        package var errorsMax: Int
        package var streamDuration: Duration
        package var heartbeat: Duration
        package var detachedMax: Duration
    }

    package var endpoint: Endpoint
    package var requestBytesMax: Int
    package var streamsMax: Int
    package var grace: Duration
    package var limits: Limits

    package init(values: SettingValues) throws {
        endpoint = Endpoint(host: values.text("engine.host"), port: values.integer("engine.port"))
        requestBytesMax = values.bytes("engine.connect.request.bytes.max")
        streamsMax = values.integer("engine.connect.streams.max")
        grace = values.duration("engine.connect.grace")
        limits = Limits(
            sessionsMax: values.integer("engine.connect.sessions.max"), sessionIdleMax: values.duration("engine.connect.session.idle"),
            operationsMax: values.integer("engine.connect.operations.max"), responsesMax: values.integer("engine.connect.responses.max"),
            responsesBytesMax: values.bytes("engine.connect.responses.bytes"),
            unreadBytesMax: values.bytes("engine.connect.results.unread"), batchBytes: values.bytes("engine.connect.batch.bytes"),
            chunkBytes: values.bytes("engine.connect.chunk.bytes"), planBytesMax: values.bytes("engine.connect.plan.bytes.max"),
            artifactsBytesMax: values.bytes("engine.connect.artifacts.bytes.max"), framesMax: values.integer("engine.connect.frames.max"),
            errorsMax: values.integer("engine.connect.errors.max"), streamDuration: values.duration("engine.connect.stream.duration"),
            heartbeat: values.duration("engine.connect.heartbeat"), detachedMax: values.duration("engine.connect.detached"))
    }
}
