import NIOCore
import Testing

@testable import Kafka

@Suite struct ResponseAssemblerTests {
    static func frames(_ bodies: [[UInt8]]) -> [UInt8] {
        bodies.flatMap { body in withUnsafeBytes(of: Int32(body.count).bigEndian) { [UInt8]($0) } + body }
    }

    static let bodies: [[UInt8]] = [[1, 2, 3, 4], Array(repeating: 5, count: 1_000), [0, 0, 0, 9, 9]]

    /// One byte at a time, all at once, and everything between.
    @Test(arguments: [1, 2, 3, 5, 7, 100, 10_000])
    func responsesAreCutOutWhateverTheChunks(chunk: Int) throws {
        var assembler = ResponseAssembler(responseBytesMax: 1_000)
        let bytes = Self.frames(Self.bodies)
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            var buffer = ByteBuffer(bytes: bytes[start..<min(start + chunk, bytes.count)])
            while let response = try assembler.next(from: &buffer) {
                var padded = response
                padded.moveWriterIndex(forwardBy: RecordArena.padding)
                #expect(padded.readableBytesView.suffix(RecordArena.padding).allSatisfy { $0 == 0 })
                found.append([UInt8](response.readableBytesView))
            }
            #expect(buffer.readableBytes == 0)
        }
        #expect(found == Self.bodies)
    }

    @Test(arguments: [Int32(-1), 0, 3, 1_001, .max])
    func anImpossibleLengthIsRefusedBeforeAnythingIsReserved(length: Int32) {
        var assembler = ResponseAssembler(responseBytesMax: 1_000)
        #expect(throws: ResponseAssembler.LengthRefused(length: length)) {
            var buffer = ByteBuffer(integer: length)
            return try assembler.next(from: &buffer)
        }
    }
}
