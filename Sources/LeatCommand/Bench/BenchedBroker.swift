import Foundation
import IO

/// A broker in a process of its own, from this binary, in a temporary folder.
final class BenchedBroker: Sendable {
    let endpoint: Endpoint
    let pid: Int32
    let folder: String

    struct NotStarted: DescribedError {
        let reason: String
        var problem: String { "the broker to be measured did not start: \(reason)" }
        var nextStep: String? { "start one by hand and name it with --broker" }
    }

    private init(endpoint: Endpoint, pid: Int32, folder: String) {
        self.endpoint = endpoint
        self.pid = pid
        self.folder = folder
    }

    /// - Parameter settings: `key=value`, given to it as flags.
    static func start(settings: [String]) async throws -> BenchedBroker {
        let folder = FileManager.default.temporaryDirectory.appending(path: "leat-bench-broker-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let endpoint = Endpoint(host: "127.0.0.1", port: try freePort())
        let process = Process()
        process.executableURL = URL(
            filePath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0])
        process.arguments =
            ["broker", "--data", folder, "--broker.port", "\(endpoint.port)", "--broker.container.port", "0"]
            + settings.map { "--\($0)" }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = folder + "/stderr.txt"
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
        try process.run()
        let broker = BenchedBroker(endpoint: endpoint, pid: process.processIdentifier, folder: folder)
        do {
            try await broker.untilItAnswers(errors: errors)
        } catch {
            await broker.stop()
            throw error
        }
        return broker
    }

    private func untilItAnswers(errors: String) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ProcessCPU.listener(onPort: endpoint.port) != pid {
            guard isRunning else {
                throw NotStarted(reason: String((try? String(contentsOfFile: errors, encoding: .utf8))?.suffix(600) ?? ""))
            }
            guard ContinuousClock.now < deadline else { throw NotStarted(reason: "nothing listens on \(endpoint) after 20s") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private var isRunning: Bool {
        // A child that has ended and was not yet waited for still has its number, and the state Z.
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else {
            return false
        }
        return !text[end...].hasPrefix(") Z")
    }

    func stop() async {
        kill(pid, SIGTERM)
        await Task {
            let deadline = ContinuousClock.now + .seconds(20)
            while isRunning, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        }.value
        if isRunning { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func freePort() throws -> Int {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else {
                    throw NotStarted(reason: "no free port: \(String(cString: strerror(errno)))")
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
    }
}
