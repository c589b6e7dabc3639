internal import IO
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A file of recorded responses, served again: `{"results":[{…},{…}],"info":…}`, one document or several in a row.
///
/// One pass over the file notes where each record begins and ends (16 bytes a record); the records themselves stay in the file and
/// are read when a request asks for them, neighbours in one read. A file may therefore be much larger than memory.
final class RecordedResponses: Sendable {
    private let descriptor: CInt
    private let ranges: [Range<Int>]

    var count: Int { ranges.count }

    static let chunkSize = 1 << 18

    /// - Throws: ``RecordedResponsesError`` for a file that cannot be read, is no JSON, or holds no record.
    init(path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
        do {
            ranges = try Self.index(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        guard !ranges.isEmpty else {
            close(descriptor)
            throw RecordedResponsesError(path: path, offset: nil, reason: "it holds no record under \"results\"")
        }
    }

    deinit { close(descriptor) }

    /// Appends `count` records from position `first` on, separated by commas, beginning again after the last.
    func write(_ count: Int, from first: Int, into buffer: inout ByteBuffer) throws {
        var left = count
        var at = first % ranges.count
        while left > 0 {
            // As far as the file goes on with nothing but separators between records.
            var end = at + 1
            while end < ranges.count, end - at < left, ranges[end].lowerBound - ranges[end - 1].upperBound <= Self.separatorMax {
                end += 1
            }
            if left < count { buffer.writeInteger(UInt8(ascii: ",")) }
            try read(ranges[at].lowerBound..<ranges[end - 1].upperBound, into: &buffer)
            left -= end - at
            at = end % ranges.count
        }
    }

    /// Between two records of one array stand a comma and perhaps white space; between two documents much more.
    private static let separatorMax = 8

    private func read(_ range: Range<Int>, into buffer: inout ByteBuffer) throws {
        var offset = range.lowerBound
        buffer.reserveCapacity(minimumWritableBytes: range.count)
        while offset < range.upperBound {
            let wanted = range.upperBound - offset
            let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
                max(0, pread(descriptor, bytes.baseAddress, wanted, off_t(offset)))
            }
            guard got > 0 else { throw FileError(call: "pread", path: "the recorded responses") }
            offset += got
        }
    }

    // MARK: indexing

    private static func index(_ descriptor: CInt, _ path: String) throws -> [Range<Int>] {
        var scan = RecordScan()
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkSize, alignment: 16)
        defer { chunk.deallocate() }
        var offset = 0
        while true {
            let got = pread(descriptor, chunk.baseAddress, chunk.count, off_t(offset))
            guard got >= 0 else { throw FileError(call: "pread", path: path) }
            if got == 0 { break }
            if let bad = scan.feed(UnsafeRawBufferPointer(rebasing: chunk[..<got]), at: offset) {
                throw RecordedResponsesError(path: path, offset: bad, reason: "it is not JSON there")
            }
            offset += got
        }
        guard scan.isComplete else { throw RecordedResponsesError(path: path, offset: offset, reason: "it ends inside a document") }
        return scan.records
    }
}

/// Finds the objects of every top-level `results` array, byte by byte, so that chunks may end anywhere.
struct RecordScan {
    private(set) var records: [Range<Int>] = []
    private var depth = 0
    private var inString = false
    private var escaped = false
    private var recordStart = 0
    /// The last string at depth one: the key whose value comes next.
    private var key: [UInt8] = []
    private var inResults = false

    var isComplete: Bool { depth == 0 && !inString }

    /// - Returns: the offset of a byte that cannot stand there, or nil.
    mutating func feed(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        for (index, byte) in bytes.enumerated() {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                } else if depth == 1, key.count < 16 {
                    key.append(byte)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                if depth == 0 { return offset + index }
                if depth == 1 { key.removeAll(keepingCapacity: true) }
                inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 0, byte == UInt8(ascii: "[") { return offset + index }
                if depth == 1 { inResults = byte == UInt8(ascii: "[") && key.elementsEqual("results".utf8) }
                if depth == 2, inResults, byte == UInt8(ascii: "{") { recordStart = offset + index }
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { return offset + index }
                if depth == 2, inResults, byte == UInt8(ascii: "}") { records.append(recordStart..<offset + index + 1) }
                if depth == 1 { inResults = false }
            default:
                if depth == 0, byte > 0x20 { return offset + index }
            }
        }
        return nil
    }
}

struct RecordedResponsesError: DescribedError {
    let path: String
    let offset: Int?
    let reason: String
    var place: String? { offset.map { "\(path)@\($0)" } ?? path }
    var problem: String { "the file cannot be replayed: \(reason)" }
    var nextStep: String? { "give a file of recorded responses, {\"results\":[{…}, …]}" }
}
