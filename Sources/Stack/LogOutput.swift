internal import Foundation
internal import NIOConcurrencyHelpers

/// Where log lines go: standard error, or a file that is put aside when it has grown large enough, so that there are two at most.
package final class LogOutput: Sendable {
    private struct State {
        var descriptor: CInt
        var bytes: Int
    }

    private let path: String
    private let bytesMax: Int
    private let state: NIOLockedValueBox<State>

    /// - Parameter path: empty for standard error.
    /// - Throws: ``LogFileError`` when the file cannot be opened.
    package init(path: String, bytesMax: Int) throws {
        self.path = path
        self.bytesMax = bytesMax
        guard !path.isEmpty else {
            state = NIOLockedValueBox(State(descriptor: STDERR_FILENO, bytes: 0))
            return
        }
        let folder = (path as NSString).deletingLastPathComponent
        if !folder.isEmpty { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
        guard let opened = Self.open(path) else { throw LogFileError(path: path, reason: String(cString: strerror(errno))) }
        state = NIOLockedValueBox(opened)
    }

    private static func open(_ path: String) -> State? {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        return State(descriptor: descriptor, bytes: max(0, Int(lseek(descriptor, 0, SEEK_END))))
    }

    /// Writes one line whole. A line that cannot be written is lost: there is no better place to say so.
    package func write(_ line: UnsafeRawBufferPointer) {
        state.withLockedValue { state in
            if !path.isEmpty, state.bytes > 0, state.bytes + line.count > bytesMax { putAside(&state) }
            var rest = line
            while !rest.isEmpty {
                let count = Foundation.write(state.descriptor, rest.baseAddress, rest.count)
                guard count > 0 || errno == EINTR else { return }
                state.bytes += max(0, count)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
            }
        }
    }

    private func putAside(_ state: inout State) {
        // Where it cannot be put aside, the lines go on into the file as it is.
        guard rename(path, path + ".1") == 0, let fresh = Self.open(path) else {
            state.bytes = 0
            return
        }
        close(state.descriptor)
        state = fresh
    }
}
