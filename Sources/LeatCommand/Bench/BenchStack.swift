import Foundation
import IO
import NIOConcurrencyHelpers
import Stack

/// The boxes of one benchmark: the same folder and ports for each process that is started on them.
struct BenchStack: Sendable {
    static let topic = "users_created"

    struct Ports: Sendable {
        let api, broker, container, registry, store, engine, scheduler, console, zookeeper: Int
    }

    let folder: String
    let ports: Ports

    init(folder: String) {
        self.folder = folder
        let free = FreePorts.pick(9)
        ports = Ports(
            api: free[0], broker: free[1], container: free[2], registry: free[3], store: free[4], engine: free[5], scheduler: free[6],
            console: free[7], zookeeper: free[8])
    }

    var broker: Endpoint { Endpoint(host: "127.0.0.1", port: ports.broker) }
    var store: Endpoint { Endpoint(host: "127.0.0.1", port: ports.store) }

    private var flags: [(key: String, text: String)] {
        [
            ("data", folder + "/data"), ("api.port", "\(ports.api)"), ("broker.port", "\(ports.broker)"),
            ("broker.container.port", "\(ports.container)"), ("registry.port", "\(ports.registry)"), ("store.port", "\(ports.store)"),
            ("engine.port", "\(ports.engine)"), ("scheduler.port", "\(ports.scheduler)"), ("console.port", "\(ports.console)"),
            ("zookeeper.port", "\(ports.zookeeper)"),
        ]
    }

    func configuration() throws -> StackConfiguration { try StackConfiguration(flags: flags) }

    /// Starts this binary with these arguments and the benchmark's ports and folder.
    func start(_ arguments: [String]) async throws -> ChildProcess {
        try ChildProcess(arguments: arguments + flags.map { "--\($0.key)=\($0.text)" }, errors: folder + "/stderr.txt")
    }
}

/// Ports that nothing listens on, held open together while they are picked, so that no two are the same.
enum FreePorts {
    static func pick(_ count: Int) -> [Int] {
        var sockets: [CInt] = []
        defer { for one in sockets { close(one) } }
        return (0..<count).map { _ in
            #if canImport(Glibc)
                let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            #else
                let descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #endif
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    guard bind(descriptor, generic, length) == 0, getsockname(descriptor, generic, &length) == 0 else { return 0 }
                    return Int(UInt16(bigEndian: pointer.pointee.sin_port))
                }
            }
        }
    }
}

/// A folder that is gone when the benchmark is.
struct TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "leat-bench-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// Failures that callbacks count.
final class FailureCount: Sendable {
    private let value = NIOLockedValueBox(0)
    func add() { value.withLockedValue { $0 += 1 } }
    var count: Int { value.withLockedValue { $0 } }
}

struct BenchError: DescribedError {
    let problem: String
    var nextStep: String?
}
