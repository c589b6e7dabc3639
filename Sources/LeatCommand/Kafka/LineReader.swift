import Foundation
import IO

/// Reads lines from a file descriptor and lends each as bytes, without its line feed.
///
/// Waits in short polls, so that a cancelled task stops reading a terminal that sends nothing.
struct LineReader {
    private let descriptor: CInt
    private let name: String
    private let lineBytesMax: Int
    private var buffer: [UInt8]
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    private(set) var lineNumber = 0

    private static let pieceBytes = 256 << 10

    /// - Parameter lineBytesMax: a longer line is an error that names its number.
    init(descriptor: CInt, name: String, lineBytesMax: Int = 64 << 20) {
        self.descriptor = descriptor
        self.name = name
        self.lineBytesMax = lineBytesMax
        buffer = [UInt8](repeating: 0, count: Self.pieceBytes)
    }

    struct LineTooLong: DescribedError {
        let file: String
        let line: Int
        let limit: Int
        var problem: String { "the line is longer than \(limit) bytes" }
        var place: String? { "\(file):\(line)" }
        var nextStep: String? { "records are read one a line; split the input" }
    }

    /// - Returns: nil at the end of the input; a last line without line feed counts.
    mutating func next<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R? {
        var searched = start
        while true {
            let found = buffer.withUnsafeBytes { bytes -> Int? in
                guard searched < end, let place = memchr(bytes.baseAddress! + searched, 0x0A, end - searched) else { return nil }
                return UnsafeRawPointer(place) - bytes.baseAddress!
            }
            if let found {
                defer { start = found + 1 }
                lineNumber += 1
                return try lend(start..<found, body)
            }
            searched = end
            if isAtEnd {
                guard start < end else { return nil }
                defer { start = end }
                lineNumber += 1
                return try lend(start..<end, body)
            }
            let moved = start
            try fill()
            if start != moved { searched -= moved - start }
        }
    }

    private func lend<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try buffer.withUnsafeBytes { bytes in
            // A carriage return before the line feed belongs to the line's end.
            let hasReturn = !range.isEmpty && bytes[range.upperBound - 1] == 0x0D
            return try body(UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound..<range.upperBound - (hasReturn ? 1 : 0)]))
        }
    }

    private mutating func fill() throws {
        if start > 0 {
            _ = buffer.withUnsafeMutableBytes { memmove($0.baseAddress!, $0.baseAddress! + start, end - start) }
            end -= start
            start = 0
        }
        if end == buffer.count {
            guard buffer.count < lineBytesMax else { throw LineTooLong(file: name, line: lineNumber + 1, limit: lineBytesMax) }
            buffer.append(contentsOf: repeatElement(0, count: min(buffer.count, lineBytesMax - buffer.count)))
        }
        while true {
            try Task.checkCancellation()
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 100) != 0 else { continue }
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + end, $0.count - end) }
            if count > 0 {
                end += count
                return
            }
            if count == 0 {
                isAtEnd = true
                return
            }
            guard errno == EINTR || errno == EAGAIN else { throw FileError(call: "read", path: name) }
        }
    }
}
