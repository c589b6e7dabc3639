import Foundation
import IO

/// A process of this binary that a benchmark measures, and that ends with it.
final class ChildProcess: Sendable {
    let pid: pid_t
    private let errors: String

    /// - Parameter errors: the file that its standard error goes to; its standard output is dropped.
    init(arguments: [String], errors: String) throws {
        self.errors = errors
        let binary = "/proc/self/exe"
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: binary)) ?? CommandLine.arguments[0]
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        FileManager.default.createFile(atPath: errors, contents: nil)
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
        try process.run()
        pid = process.processIdentifier
    }

    /// A child that has ended and was not yet waited for still has its number, and the state Z.
    var isRunning: Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else {
            return false
        }
        return !text[end...].hasPrefix(") Z")
    }

    /// User and system time of all its threads so far.
    func cpuSeconds() -> Double { ProcessCPU.seconds(pid) ?? 0 }

    func peakMemoryMiB() -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return (line.split(separator: " ").compactMap { Double($0) }.first ?? 0) / 1024
    }

    func waitForPort(_ port: Int, timeout: Duration = .seconds(30)) async throws {
        let deadline = ContinuousClock.now + timeout
        while !Self.answers(port) {
            guard isRunning else { throw BenchError(problem: "the process that was to listen on \(port) has ended: \(lastErrors())") }
            guard ContinuousClock.now < deadline else { throw BenchError(problem: "nothing listens on \(port) after \(timeout.text)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Asks it to stop and waits until it has.
    func stop(timeout: Duration = .seconds(30)) async {
        Foundation.kill(pid, SIGTERM)
        let deadline = ContinuousClock.now + timeout
        while isRunning, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        kill()
    }

    func kill() {
        guard isRunning else { return }
        Foundation.kill(pid, SIGKILL)
    }

    func lastErrors() -> String {
        String((try? String(contentsOfFile: errors, encoding: .utf8))?.suffix(600) ?? "")
    }

    private static func answers(_ port: Int) -> Bool {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }
}
