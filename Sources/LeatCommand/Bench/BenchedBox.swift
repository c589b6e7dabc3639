import Foundation
import IO
import Stack

/// One box of this binary in a process of its own, on a free port and in a temporary folder, for a benchmark.
struct BenchedBox: Sendable {
    let endpoint: Endpoint
    let folder: TemporaryFolder
    private let process: ChildProcess

    var pid: Int32 { process.pid }

    /// Returns when the box answers.
    ///
    /// - Parameter settings: `key=value`, given to it as flags.
    /// - Throws: ``BenchError`` with the last of what it said, when it does not.
    static func start(_ box: Box, settings: [String] = []) async throws -> BenchedBox {
        let folder = try TemporaryFolder()
        let ports = FreePorts.pick(2)
        var flags = ["--data=\(folder.path)/data", "--\(box.rawValue).port=\(ports[0])"] + settings.map { "--\($0)" }
        if box == .broker { flags.append("--broker.container.port=\(ports[1])") }
        let process = try ChildProcess(arguments: [box.rawValue] + flags, errors: folder.path + "/stderr.txt")
        let benched = BenchedBox(endpoint: Endpoint(host: "127.0.0.1", port: ports[0]), folder: folder, process: process)
        do {
            try await process.waitForPort(ports[0])
        } catch {
            await benched.stop()
            throw error
        }
        return benched
    }

    func stop() async {
        await process.stop()
        folder.remove()
    }
}
