internal import CCodecs
internal import NIOCore

/// `AddArtifactsRequest`, one of the stream: whole artifacts, the beginning of a long one, or its next piece.
struct AddArtifactsRequest: ProtobufMessage, Hashable {
    /// A piece with the CRC-32 that the client took of it.
    struct Piece: Hashable, Sendable {
        var data = ByteBuffer()
        var crc: Int64 = 0

        var isSound: Bool {
            let own = data.withUnsafeReadableBytes { bytes in
                crc32(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(truncatingIfNeeded: bytes.count))
            }
            return Int64(own) == crc
        }

        init(_ message: ProtobufReader) throws(ProtobufError) {
            var message = message
            while let number = try message.next() {
                switch number {
                case 1: data = try message.bytes()
                case 2: crc = try message.int64()
                default: break
                }
            }
        }
    }

    enum Payload: Hashable, Sendable {
        case whole([Named])
        case begin(Named, totalBytes: Int64, pieces: Int64)
        case piece(Piece)
    }

    struct Named: Hashable, Sendable {
        var name: String
        var piece: Piece
    }

    var session = SessionReference()
    var payload: Payload?

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 3:
                var batch = try reader.message()
                var artifacts: [Named] = []
                while let number = try batch.next() {
                    guard number == 1 else { continue }
                    if let artifact = try Self.named(batch.message()) { artifacts.append(artifact) }
                }
                payload = .whole(artifacts)
            case 4: payload = try Self.begin(reader.message())
            case 5: payload = .piece(try Piece(reader.message()))
            default: try session.read(number, from: &reader, observed: 7)
            }
        }
    }

    private static func named(_ message: ProtobufReader) throws(ProtobufError) -> Named? {
        var message = message
        var name = ""
        var piece: Piece?
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: piece = try Piece(message.message())
            default: break
            }
        }
        return piece.map { Named(name: name, piece: $0) }
    }

    private static func begin(_ message: ProtobufReader) throws(ProtobufError) -> Payload? {
        var message = message
        var name = ""
        var total: Int64 = 0, count: Int64 = 0
        var piece: Piece?
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: total = try message.int64()
            case 3: count = try message.int64()
            case 4: piece = try Piece(message.message())
            default: break
            }
        }
        return piece.map { .begin(Named(name: name, piece: $0), totalBytes: total, pieces: count) }
    }

    /// Only a client writes it.
    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 7)
    }
}

/// `AddArtifactsResponse`.
struct AddArtifactsResponse: ProtobufMessage, Hashable {
    struct Summary: Hashable, Sendable {
        var name: String
        var isSound: Bool
    }

    var summaries: [Summary]
    var sessionID: String
    var serverSideID: String

    init(_ summaries: [Summary], sessionID: String, serverSideID: String) {
        self.summaries = summaries
        self.sessionID = sessionID
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self.init([], sessionID: "", serverSideID: "")
        while let number = try reader.next() {
            switch number {
            case 2: sessionID = try reader.string()
            case 3: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        for summary in summaries {
            writer.write(1) { body in
                body.write(1, summary.name)
                body.write(2, summary.isSound)
            }
        }
        writer.write(2, sessionID)
        writer.write(3, serverSideID)
    }
}

/// `ArtifactStatusesRequest`.
struct ArtifactStatusesRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var names: [String] = []

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            if number == 4 { names.append(try reader.string()) } else { try session.read(number, from: &reader, observed: 5) }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 5)
        writer.write(4, repeated: names)
    }
}

/// `ArtifactStatusesResponse`.
struct ArtifactStatusesResponse: ProtobufMessage, Hashable {
    var exists: [String: Bool]
    var sessionID: String
    var serverSideID: String

    init(_ exists: [String: Bool], sessionID: String, serverSideID: String) {
        self.exists = exists
        self.sessionID = sessionID
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self.init([:], sessionID: "", serverSideID: "")
        while try reader.next() != nil {}
    }

    func encode(into writer: inout ProtobufWriter) {
        for (name, isThere) in exists.sorted(by: { $0.key < $1.key }) {
            writer.write(1) { entry in
                entry.write(1, name)
                entry.write(2) { $0.write(1, isThere) }
            }
        }
        writer.write(2, sessionID)
        writer.write(3, serverSideID)
    }
}
