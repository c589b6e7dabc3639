import NIOCore
import Testing

@testable import Kafka

/// Fills every field that a version has with random values, by the message's own description of its layout.
struct WireFiller: WireCoder {
    let version: Int16
    let flexible: Bool
    var generator: SplitMix

    mutating func code(_ value: inout Bool) { value = Bool.random(using: &generator) }
    mutating func code(_ value: inout Int8) { value = Int8.random(in: .min ... .max, using: &generator) }
    mutating func code(_ value: inout Int16) { value = Int16.random(in: .min ... .max, using: &generator) }
    mutating func code(_ value: inout Int32) { value = Int32.random(in: .min ... .max, using: &generator) }
    mutating func code(_ value: inout Int64) { value = Int64.random(in: .min ... .max, using: &generator) }
    mutating func code(_ value: inout TopicID) { value = TopicID.random(using: &generator) }
    mutating func code(_ value: inout String) {
        value = ["", "users_created", "ä€😀", String(repeating: "x", count: 200)].randomElement(using: &generator)!
    }
    mutating func code(_ value: inout String?) {
        var text = ""
        code(&text)
        value = text
    }
    mutating func codeInflexible(_ value: inout String?) { code(&value) }
    mutating func code(_ value: inout ByteBuffer) {
        value = ByteBuffer(repeating: 7, count: Int.random(in: 0...300, using: &generator))
    }
    mutating func code(_ value: inout Records?) {
        var bytes = ByteBuffer()
        code(&bytes)
        value = .bytes(bytes)
    }
    mutating func code(_ value: inout [Int32]) { value = [1, -1, .max] }
    mutating func code(_ value: inout [Int64]) { value = [1, -1, .max] }
    mutating func code(_ value: inout [String]) { value = ["", "a"] }
    mutating func code(_ value: inout [String]?) { value = ["", "a"] }
    mutating func code<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
        value = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            var element = Element()
            try element.code(&self)
            value.append(element)
        }
    }
    mutating func code<Element: WireStruct>(_ value: inout [Element]?) throws(WireError) {
        var elements: [Element] = []
        try code(&elements)
        value = elements
    }
    mutating func tags() {}
    mutating func tags(_: inout TaggedFields) {}
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

struct MessageTests {
    private func filled<Message: WireStruct>(_: Message.Type, version: Int16, flexible: Bool, seed: UInt64) throws -> Message {
        var filler = WireFiller(version: version, flexible: flexible, generator: SplitMix(state: seed))
        var message = Message()
        try message.code(&filler)
        return message
    }

    private func encoded<Message: WireStruct>(_ message: Message, version: Int16, flexible: Bool) throws -> ByteBuffer {
        var encoder = WireEncoder(ByteBuffer(), version: version, flexible: flexible)
        var message = message
        try message.code(&encoder)
        return encoder.buffer
    }

    private func roundTrip<Message: WireStruct>(_: Message.Type, _ versions: APIVersions) throws {
        for version in versions.served {
            let flexible = versions.isFlexible(version)
            for seed in 0..<UInt64(20) {
                let bytes = try encoded(
                    filled(Message.self, version: version, flexible: flexible, seed: seed), version: version, flexible: flexible)
                var decoder = WireDecoder(bytes, version: version, flexible: flexible)
                var message = Message()
                try message.code(&decoder)
                #expect(decoder.buffer.readableBytes == 0, "\(Message.self) v\(version) leaves bytes")
                #expect(try encoded(message, version: version, flexible: flexible) == bytes, "\(Message.self) v\(version)")
            }
        }
    }

    private func roundTrip<Request: KafkaRequest>(request _: Request.Type) throws {
        try roundTrip(Request.self, Request.versions)
        try roundTrip(Request.Response.self, Request.versions)
    }

    @Test(arguments: APIKey.allCases) func everyVersionReadsWhatItWrote(key: APIKey) throws {
        try roundTrip(request: key.request)
    }

    private func everyPrefixThrows<Message: WireStruct>(_: Message.Type, _ versions: APIVersions) throws {
        for version in versions.served {
            let flexible = versions.isFlexible(version)
            let bytes = try encoded(
                filled(Message.self, version: version, flexible: flexible, seed: 3), version: version, flexible: flexible)
            for length in 0..<bytes.readableBytes {
                var decoder = WireDecoder(bytes.getSlice(at: 0, length: length)!, version: version, flexible: flexible)
                var message = Message()
                #expect(throws: WireError.self) { try message.code(&decoder) }
            }
        }
    }

    private func everyPrefixThrows<Request: KafkaRequest>(request _: Request.Type) throws {
        try everyPrefixThrows(Request.self, Request.versions)
        try everyPrefixThrows(Request.Response.self, Request.versions)
    }

    @Test(arguments: APIKey.allCases) func aMessageCutShortThrows(key: APIKey) throws {
        try everyPrefixThrows(request: key.request)
    }

    private func survives<Message: WireStruct>(_: Message.Type, _ versions: APIVersions) throws {
        var generator = SplitMix(state: 99)
        for version in versions.served {
            let flexible = versions.isFlexible(version)
            let bytes = try encoded(
                filled(Message.self, version: version, flexible: flexible, seed: 5), version: version, flexible: flexible)
            guard bytes.readableBytes > 0 else { continue }
            for _ in 0..<300 {
                var hostile = bytes
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    hostile.setInteger(
                        [0x00, 0x7F, 0x80, 0xFF, UInt8.random(in: .min ... .max, using: &generator)].randomElement(using: &generator)!,
                        at: Int.random(in: 0..<bytes.readableBytes, using: &generator))
                }
                var decoder = WireDecoder(hostile, version: version, flexible: flexible)
                var message = Message()
                try? message.code(&decoder)
                #expect(decoder.buffer.readerIndex <= hostile.writerIndex)
            }
        }
    }

    private func survives<Request: KafkaRequest>(request _: Request.Type) throws {
        try survives(Request.self, Request.versions)
        try survives(Request.Response.self, Request.versions)
    }

    @Test(arguments: APIKey.allCases) func changedBytesThrowOrDecodeButNeverTrap(key: APIKey) throws {
        try survives(request: key.request)
    }

    @Test func anArrayThatClaimsMoreThanTheMessageHoldsThrowsBeforeReserving() {
        var bytes = ByteBuffer()
        bytes.writeInteger(Int32.max)
        #expect(throws: WireError.tooManyElements(Int(Int32.max))) {
            try MetadataRequest(decoding: bytes, version: 1)
        }
        var compact = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F])
        compact.writeInteger(0 as UInt8)
        #expect(throws: WireError.self) { try MetadataRequest(decoding: compact, version: 9) }
    }

    @Test func unknownTaggedFieldsAreSkipped() throws {
        // Metadata v9: null topics, three flags, one tagged field (number 77, three bytes).
        let bytes = ByteBuffer(bytes: [0x00, 0x01, 0x00, 0x00, 0x01, 0x4D, 0x03, 1, 2, 3])
        let request = try MetadataRequest(decoding: bytes, version: 9)
        #expect(request.topics == nil)
        #expect(request.allowAutoTopicCreation)
    }

    /// Bytes as a librdkafka client sends them: ApiVersions v3 from kcat, with a header of version 2.
    @Test func aRequestFrameHasKafkasBytes() throws {
        let frame = try APIVersionsRequest(clientSoftwareName: "ab", clientSoftwareVersion: "1")
            .frame(version: 3, correlationID: 1, clientID: "x", allocator: ByteBufferAllocator())
        #expect(
            Array(frame.readableBytesView) == [0, 0, 0, 18, 0, 18, 0, 3, 0, 0, 0, 1, 0, 1, 0x78, 0, 3, 0x61, 0x62, 2, 0x31, 0])
    }

    @Test func theAnswerToApiVersionsIsDerivedFromTheRequests() {
        let answer = APIVersionsResponse.advertised
        #expect(answer.keys.count == APIKey.allCases.count)
        for key in answer.keys {
            let versions = APIKey(rawValue: key.key)!.versions
            #expect(versions.served.contains(key.minVersion) && versions.served.contains(key.maxVersion))
        }
        // librdkafka 2.0 compresses and joins groups only where these minimums are advertised.
        #expect(answer.keys.first { $0.key == APIKey.produce.rawValue }?.minVersion == 0)
        #expect(answer.keys.first { $0.key == APIKey.findCoordinator.rawValue }?.minVersion == 0)
        #expect(answer.keys.first { $0.key == APIKey.joinGroup.rawValue }?.minVersion == 0)
    }

    @Test func recordsSentApartAreCountedInTheFramesLength() throws {
        var response = FetchResponse()
        response.topics = [.init(name: "t", partitions: [.init(records: .external(length: 1_000)), .init(records: .external(length: 10))])]
        let (buffer, externals) = try FetchRequest.responseFrame(response, version: 11, correlationID: 5, allocator: ByteBufferAllocator())
        #expect(externals.map(\.length) == [1_000, 10])
        #expect(Int(buffer.getInteger(at: 0, as: Int32.self)!) == buffer.readableBytes - 4 + 1_010)
        // The four bytes before each external part are its length.
        for external in externals { #expect(buffer.getInteger(at: external.offset - 4, as: Int32.self) == Int32(external.length)) }
    }
}
