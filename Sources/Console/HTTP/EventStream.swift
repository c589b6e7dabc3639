internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Server-sent events (HTML Living Standard, 9.2): `event:` and `data:` lines, an empty line after each.
enum EventStream {
    /// One event; the JSON holds no line break, so one `data:` line carries it.
    static func event(_ name: String, _ value: some Encodable) -> ByteBuffer {
        var data = JSONAnswer.bytes(value)
        var event = ByteBuffer()
        event.reserveCapacity(data.readableBytes + name.utf8.count + 16)
        event.writeString("event: \(name)\ndata: ")
        event.writeBuffer(&data)
        event.writeString("\n\n")
        return event
    }

    /// A response that lasts until the events end or the reader goes.
    static func response(_ events: AsyncStream<ByteBuffer>) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                // A page that reconnects waits a second; the comment opens the stream before the first look at the boxes is done.
                try await writer.write(ByteBuffer(string: "retry: 1000\n: Leat\n\n"))
                for await event in events { try await writer.write(event) }
                try await writer.finish(nil)
            })
    }
}
