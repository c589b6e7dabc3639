package import NIOCore

/// Answers a browser that has opened a port which speaks no HTTP, with one line that says what lives there.
///
/// It looks at the connection's first bytes only. `GET ` and `HEAD` cannot begin a Kafka request (as a length they would be a
/// frame of over 1 GB), a CQL frame (a version byte of 0x47 or 0x48) or a ZooKeeper connect request; anything else is passed
/// on untouched and the handler takes itself out of the pipeline.
package final class BrowserGreeting: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private let line: String
    private var held: ByteBuffer?

    /// - Parameter line: what a person should read, for example
    ///   "This is Leat's Kafka broker; it speaks Kafka's protocol. The console is at http://127.0.0.1:9021".
    package init(line: String) {
        self.line = line
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if var earlier = held {
            earlier.writeBuffer(&buffer)
            buffer = earlier
            held = nil
        }
        guard buffer.readableBytes >= 4 else {
            held = buffer
            return
        }
        guard let start = buffer.getString(at: buffer.readerIndex, length: 4), start == "GET " || start == "HEAD" else {
            context.fireChannelRead(wrapInboundOut(buffer))
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
            return
        }
        let body = line + "\n"
        var answer = context.channel.allocator.buffer(capacity: 256)
        answer.writeString("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n")
        answer.writeString("Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n")
        if start == "GET " { answer.writeString(body) }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in bound.value.close(promise: nil) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        guard let held else { return }
        self.held = nil
        context.fireChannelRead(wrapInboundOut(held))
    }
}
