import NIOCore
import Testing

@testable import Kafka

struct FrameReceiverTests {
    private func frame(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer(integer: Int32(text.utf8.count))
        buffer.writeString(text)
        return buffer
    }

    private func drain(_ receiver: FrameReceiver) throws -> [String] {
        var frames: [String] = []
        while let frame = try receiver.next() { frames.append(String(buffer: frame)) }
        return frames
    }

    private let texts = ["", "a", "hello", String(repeating: "x", count: 100_000), "end"]

    @Test func oneByteAtATimeGivesTheSameFrames() throws {
        let receiver = FrameReceiver(frameBytesMax: 1 << 20)
        var frames: [String] = []
        for text in texts {
            for byte in frame(text).readableBytesView {
                try receiver.receive(ByteBuffer(integer: byte))
                frames += try drain(receiver)
            }
        }
        #expect(frames == texts)
    }

    @Test func manyFramesInOneBufferAreAllCutOut() throws {
        let receiver = FrameReceiver(frameBytesMax: 1 << 20)
        var all = ByteBuffer()
        for text in texts { all.writeImmutableBuffer(frame(text)) }
        try receiver.receive(all)
        #expect(try drain(receiver) == texts)
    }

    @Test func framesThatArriveInLentBuffersAreTheSameWhereverTheReadsEnd() throws {
        var all = ByteBuffer()
        for _ in 0..<4 { for text in texts { all.writeImmutableBuffer(frame(text)) } }
        for step in [1, 3, 7, 1_000, 4_097, 65_536, 200_000] {
            let receiver = FrameReceiver(frameBytesMax: 1 << 20)
            var source = all
            var frames: [String] = []
            while source.readableBytes > 0 {
                // As the channel does: ask for a buffer, read into what is writable, pass it on.
                var buffer = receiver.lend(ByteBufferAllocator())
                let room = buffer.writableBytes
                #expect(room > 0)
                var part = source.readSlice(length: min(step, room, source.readableBytes))!
                buffer.writeBuffer(&part)
                try receiver.receive(buffer)
                frames += try drain(receiver)
            }
            #expect(frames == texts + texts + texts + texts, "reads of \(step) bytes")
        }
    }

    @Test func aLengthBeyondTheBoundOrBelowZeroThrows() throws {
        for length in [Int32(1_025), .max, -1, .min, 0x4745_5420] {
            let receiver = FrameReceiver(frameBytesMax: 1_024)
            try receiver.receive(ByteBuffer(integer: length))
            #expect(throws: FrameError.self) { _ = try receiver.next() }
        }
    }

    @Test func aReadThatLosesALentBufferEndsTheStreamInsteadOfMisreadingIt() throws {
        let receiver = FrameReceiver(frameBytesMax: 1_024)
        _ = receiver.lend(ByteBufferAllocator())
        try receiver.receive(ByteBuffer(bytes: [0, 0, 0]))
        #expect(try receiver.next() == nil)
        _ = receiver.lend(ByteBufferAllocator())
        let next = receiver.lend(ByteBufferAllocator())
        #expect(throws: FrameError.lostRead) { try receiver.receive(next) }
    }
}
