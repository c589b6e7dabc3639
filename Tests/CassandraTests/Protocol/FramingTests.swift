import NIOCore
import Testing

@testable import Cassandra

@Suite struct FramingTests {
    /// Frames of many sizes, some larger than a segment.
    static let bodies: [Int] = [0, 1, 100, 70_000, 131_062, 131_063, 200_000, 400_000, 5, 0]

    private func encoded(segmented: Bool, bodies: [Int], takesEach: Bool) -> ByteBuffer {
        var encoder = FrameEncoder(isServer: false)
        if segmented { encoder.beginSegments() }
        var bytes = ByteBuffer()
        for (index, length) in bodies.enumerated() {
            encoder.write(.v5, stream: Int16(index), .query) { $0.writeRepeatingByte(UInt8(index), count: length) }
            if takesEach, let part = encoder.take() { bytes.writeImmutableBuffer(part) }
        }
        if let part = encoder.take() { bytes.writeImmutableBuffer(part) }
        #expect(encoder.take() == nil)
        return bytes
    }

    private func decode(_ bytes: ByteBuffer, segmented: Bool, chunk: Int) throws -> [(Int16, Int)] {
        var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1 << 20)
        if segmented { decoder.beginSegments() }
        var bytes = bytes
        var found: [(Int16, Int)] = []
        while bytes.readableBytes > 0 {
            // Each read in a buffer of its own, as a socket gives it.
            var part = ByteBuffer()
            part.writeImmutableBuffer(bytes.readSlice(length: min(chunk, bytes.readableBytes))!)
            decoder.append(part)
            while let frame = try decoder.next() {
                #expect(frame.body.readableBytesView.allSatisfy { $0 == UInt8(frame.header.stream) })
                found.append((frame.header.stream, frame.body.readableBytes))
            }
        }
        #expect(decoder.bufferedBytes == 0)
        return found
    }

    @Test(arguments: [false, true], [1, 7, 4_096, .max]) func framesComeOutWholeHoweverTheyArrive(segmented: Bool, chunk: Int) throws {
        // One byte at a time through the large frames would only be slow: the small ones show the same.
        let bodies = chunk == 1 ? [0, 1, 100, 3_000, 5, 0] : Self.bodies
        for takesEach in [false, true] {
            let bytes = encoded(segmented: segmented, bodies: bodies, takesEach: takesEach)
            let found = try decode(bytes, segmented: segmented, chunk: chunk)
            #expect(found.map(\.0) == bodies.indices.map { Int16($0) })
            #expect(found.map(\.1) == bodies)
        }
    }

    /// Segments as the Python driver's encoder makes them.
    @Test func segmentsAgreeWithTheDriver() {
        var encoder = FrameEncoder(isServer: false)
        encoder.beginSegments()
        encoder.write(.v5, stream: 1, .options) { _ in }
        #expect(CQLValue.hexadecimal(encoder.take()!.readableBytesView) == "090002a4c8c1050000010500000000b5557486")
    }

    @Test func everyFlippedBitOfASegmentIsNoticed() {
        let bytes = encoded(segmented: true, bodies: [20], takesEach: false)
        for bit in 0..<bytes.readableBytes * 8 {
            var broken = bytes
            let byte = broken.getInteger(at: bit / 8, as: UInt8.self)!
            broken.setInteger(byte ^ UInt8(1 << (bit % 8)), at: bit / 8)
            #expect(throws: MalformedFrame.self) {
                var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1 << 20)
                decoder.beginSegments()
                decoder.append(broken)
                _ = try decoder.next()
            }
        }
    }

    @Test func aSelfContainedSegmentThatEndsWithinAFrameIsRefused() {
        var segment = ByteBuffer(repeating: 0, count: Segment.headerBytes)
        segment.writeBytes([5, 0, 0, 1, 5, 0, 0, 0, 9, 1, 2])
        Segment.finish(&segment, at: 0, isSelfContained: true)
        var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1 << 20)
        decoder.beginSegments()
        decoder.append(segment)
        #expect(throws: MalformedFrame.self) { try decoder.next() }
    }

    private func failure(_ bytes: [UInt8]) -> MalformedFrame? {
        var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1_024)
        decoder.append(ByteBuffer(bytes: bytes))
        do {
            _ = try decoder.next()
            return nil
        } catch { return error }
    }

    @Test func anUnknownVersionIsAnsweredInOneThatTheClientKnows() throws {
        let tooNew = try #require(failure([66, 0, 0, 5, 5, 0, 0, 0, 0]))
        #expect(tooNew.version == .v4 && tooNew.stream == 5 && tooNew.error.code == .protocolError)
        #expect(tooNew.error.message == "Invalid or unsupported protocol version (66); supported versions are (3/v3, 4/v4, 5/v5)")
        #expect(failure([2, 0, 0, 5, 0, 0, 0, 0, 0])?.version == .v3)
    }

    @Test func frameLengthsAreBounded() {
        #expect(failure([4, 0, 0, 7, 7, 0xFF, 0xFF, 0xFF, 0xFF])?.stream == 7)
        #expect(failure([4, 0, 0, 7, 7, 0xFF, 0xFF, 0xFF, 0xFF])?.isPassed == false)
        // Longer than is taken: said when its end has come.
        #expect(failure([4, 0, 0, 7, 7, 0x7F, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(failure([4, 0, 0, 7, 7, 0, 0, 4, 1] + [UInt8](repeating: 0, count: 1_024)) == nil)
        #expect(failure([4, 0, 0, 7, 7, 0, 0, 4, 1] + [UInt8](repeating: 0, count: 1_025))?.error.code == .invalid)
        #expect(failure([4, 0, 0, 7, 7, 0, 0, 4, 0]) == nil)
    }

    @Test func responsesUnknownOpcodesAndNegativeStreamsAreRefused() {
        #expect(failure([0x84, 0, 0, 0, 8, 0, 0, 0, 0])?.error.code == .protocolError)
        #expect(failure([4, 0, 0, 0, 0x77, 0, 0, 0, 0])?.error.code == .protocolError)
        #expect(failure([4, 0, 0xFF, 0xFF, 7, 0, 0, 0, 0])?.error.code == .protocolError)
    }

    @Test func theVersionHoldsForTheConnection() throws {
        var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1_024)
        decoder.append(ByteBuffer(bytes: [4, 0, 0, 0, 5, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0]))
        _ = try decoder.next()
        #expect(throws: MalformedFrame.self) { try decoder.next() }
    }

    @Test func aFailedBodyLeavesNothingBehind() throws {
        for segmented in [false, true] {
            var encoder = FrameEncoder(isServer: true)
            if segmented { encoder.beginSegments() }
            #expect(throws: CQLError.self) {
                try encoder.write(.v5, stream: 1, .result) { body throws(CQLError) in
                    body.writeInteger(7)
                    throw .invalid("no")
                }
            }
            #expect(encoder.take() == nil)
        }
    }

    /// What is too long is never kept, and the frames behind it are read as if it had not been there.
    @Test(arguments: [false, true], [1, 7, 4_096, .max]) func aFrameThatIsTooLongIsReadPast(segmented: Bool, chunk: Int) throws {
        for takesEach in [false, true] {
            let bodies = chunk == 1 ? [3, 1_001, 5, 4_000, 1_000, 0] : [3, 1_001, 5, 400_000, 1_000, 0, 131_062, 0]
            var bytes = encoded(segmented: segmented, bodies: bodies, takesEach: takesEach)
            var decoder = FrameDecoder(readsResponses: false, bodyBytesMax: 1_000)
            if segmented { decoder.beginSegments() }
            var found: [String] = []
            while bytes.readableBytes > 0 {
                var part = ByteBuffer()
                part.writeImmutableBuffer(bytes.readSlice(length: min(chunk, bytes.readableBytes))!)
                decoder.append(part)
                while true {
                    do throws(MalformedFrame) {
                        guard let frame = try decoder.next() else { break }
                        found.append("\(frame.header.stream): \(frame.body.readableBytes)")
                    } catch {
                        #expect(error.isPassed && error.error.code == .invalid)
                        found.append("\(error.stream): too long")
                    }
                }
                if !segmented, chunk < 10_000 { #expect(decoder.bufferedBytes < 1_009) }
            }
            #expect(found == bodies.enumerated().map { $1 > 1_000 ? "\($0): too long" : "\($0): \($1)" })
            #expect(decoder.bufferedBytes == 0)
        }
    }
}
