package import Foundation
internal import IO
internal import Logging
internal import NIOConcurrencyHelpers

/// Where the lines of one try go: a file of JSON lines, bounded in size.
///
/// A line is written through to the page cache when it is logged, so that a log can be read while its task runs and survives the
/// process. What does not fit any more is counted, and the count is the log's last line.
final class TaskLog: Sendable {
    private struct State {
        var descriptor: Int32 = -1
        var bytes = 0
        var dropped = 0
        var errors = 0
    }

    let path: String
    private let bytesMax: Int
    private let state = NIOLockedValueBox(State())

    init(path: String, bytesMax: Int) {
        self.path = path
        self.bytesMax = bytesMax
    }

    /// Lines at level `error` or above.
    var errorCount: Int { state.withLockedValue { $0.errors } }

    func open() throws {
        try FileManager.default.createDirectory(
            atPath: String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), withIntermediateDirectories: true)
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
        state.withLockedValue { $0.descriptor = descriptor }
    }

    func write(_ line: String, level: Logger.Level, logger: String) {
        let text = Self.line(line, level.rawValue, logger)
        state.withLockedValue { state in
            if level >= .error { state.errors += 1 }
            guard state.descriptor >= 0 else { return }
            guard state.bytes + text.utf8.count <= bytesMax else {
                state.dropped += 1
                return
            }
            state.bytes += text.utf8.count
            Self.append(text, state.descriptor)
        }
    }

    func close() {
        state.withLockedValue { state in
            guard state.descriptor >= 0 else { return }
            if state.dropped > 0 {
                Self.append(
                    Self.line("\(state.dropped) more lines did not fit (scheduler.log.bytes.max)", "warning", "leat.scheduler"),
                    state.descriptor)
            }
            Glibc.close(state.descriptor)
            state.descriptor = -1
        }
    }

    private static func line(_ text: String, _ level: String, _ logger: String) -> String {
        JSON.object([
            "timestamp": .string(Moment.now().text), "event": .string(text), "level": .string(level), "logger": .string(logger),
        ]).text + "\n"
    }

    private static func append(_ text: String, _ descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var at = 0
            while at < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress! + at, bytes.count - at)
                if count > 0 { at += count } else if errno != EINTR { return }
            }
        }
    }
}

/// Where logs lie, by DAG, run, task and try, in folders named as Airflow names them.
struct TaskLogFolder: Sendable {
    let path: String
    let bytesMax: Int

    func log(_ key: TaskKey, tryNumber: Int) -> TaskLog {
        TaskLog(path: file(key, tryNumber: tryNumber), bytesMax: bytesMax)
    }

    func file(_ key: TaskKey, tryNumber: Int) -> String {
        folder(key.run) + "/task_id=\(Self.encoded(key.taskID))/attempt=\(tryNumber).log"
    }

    func remove(_ run: RunKey) { try? FileManager.default.removeItem(atPath: folder(run)) }

    private func folder(_ run: RunKey) -> String {
        "\(path)/dag_id=\(Self.encoded(run.dagID))/run_id=\(Self.encoded(run.runID))"
    }

    /// Run ids may hold anything: what is no letter, digit or `_-.:+` is percent-encoded.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...58, 65...90, 97...122, 0x5F, 0x2D, 0x2E, 0x2B: result.unicodeScalars.append(UnicodeScalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return result
    }
}

struct RunKey: Hashable, Sendable {
    let dagID: String
    let runID: String
}

struct TaskKey: Hashable, Sendable {
    let run: RunKey
    let taskID: String
}

extension Moment {
    static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Moment(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    init(_ date: Date) { self.init(microseconds: Int64((date.timeIntervalSince1970 * 1e6).rounded())) }
    package var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1e6) }
}

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
    private typealias Glibc = Darwin
#endif
