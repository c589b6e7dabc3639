import Foundation
import IO
import NIOConcurrencyHelpers

/// Whoever read our output has gone away.
struct OutputClosed: Error {}

/// A write that ended before all was written.
struct WriteFailure: Error {
    let written: Int
    let code: CInt
}

/// Writes all of it, waiting where the other side is slow.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws(WriteFailure) {
    var written = 0
    while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
        if count > 0 {
            written += count
        } else if errno == EAGAIN {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&wanted, 1, 1_000)
        } else if errno != EINTR {
            throw WriteFailure(written: written, code: errno)
        }
    }
}

/// Standard output as bytes, written in large pieces.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private let descriptor: CInt
    private static let pieceBytes = 64 << 10

    init(descriptor: CInt = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    mutating func append(_ more: some Sequence<UInt8>) throws {
        bytes.append(contentsOf: more)
        if bytes.count >= Self.pieceBytes { try flush() }
    }

    mutating func append(_ text: String) throws { try append(text.utf8) }

    /// - Throws: ``OutputClosed`` when nobody reads any more, FileError otherwise.
    mutating func flush() throws {
        defer { bytes.removeAll(keepingCapacity: true) }
        do {
            try bytes.withUnsafeBytes { try writeAll($0, to: descriptor) }
        } catch let failure as WriteFailure {
            if failure.code == EPIPE { throw OutputClosed() }
            errno = failure.code
            throw FileError(call: "write", path: "standard output")
        }
    }

    /// Writes a text at once.
    static func write(_ text: String) throws {
        var output = OutputBuffer()
        try output.append(text)
        try output.flush()
    }
}

/// Standard output of a view that goes on for hours: what a full disk does not take is counted and left out, and the run goes on.
final class ViewOutput: Sendable {
    private struct State {
        var lost = 0
        var reason = ""
        /// The last line stands there in part.
        var isCutOff = false
    }

    private let descriptor: CInt
    private let state = NIOLockedValueBox(State())

    init(descriptor: CInt = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    /// What could not be written, for a person; nil when all was.
    var loss: String? {
        state.withLockedValue {
            $0.lost == 0 ? nil : "\($0.lost) line\($0.lost == 1 ? "" : "s") of output could not be written: \($0.reason)"
        }
    }

    /// - Throws: ``OutputClosed`` when nobody reads any more.
    func write(_ text: String) throws(OutputClosed) {
        let failure = state.withLockedValue { state -> WriteFailure? in
            let bytes = Array((state.isCutOff ? "\n" + text : text).utf8)
            let failure = bytes.withUnsafeBytes { bytes -> WriteFailure? in
                do throws(WriteFailure) {
                    try writeAll(bytes, to: descriptor)
                    return nil
                } catch {
                    return error
                }
            }
            guard let failure else {
                state.isCutOff = false
                return nil
            }
            state.lost += 1
            state.reason = String(cString: strerror(failure.code))
            if failure.written > 0 { state.isCutOff = true }
            return failure
        }
        if failure?.code == EPIPE { throw OutputClosed() }
    }
}
