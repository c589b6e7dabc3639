import Foundation
import IO

/// A `leat store` of this binary, on a free port and a folder that goes with it.
final class BenchedStore {
    let endpoint: Endpoint
    let folder: String
    private let process = Process()

    var pid: Int32 { process.processIdentifier }

    init() throws {
        folder = NSTemporaryDirectory() + "leat-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        endpoint = Endpoint(host: "127.0.0.1", port: try Self.freePort())
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["store", "--data", folder, "--store.port", "\(endpoint.port)"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    /// The kernel's choice; free again until the store takes it.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw CQLCommandError(problem: "no free port on 127.0.0.1", nextStep: nil) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
