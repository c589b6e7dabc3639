internal import IO

/// The words that administrators and health checks send (`echo ruok | nc host 2181`), answered in the text forms of ZooKeeper 3.8.
struct FourLetterWords {
    /// The counts that the answers carry.
    struct Counts: Sendable {
        var received: Int64 = 0
        var sent: Int64 = 0
        var connections = 0
    }

    /// The 3.8 line's text, with Leat named where a build's hash would stand.
    static let version = "3.8.4-leat"

    let counts: Counts
    let znodeCount: Int
    let znodeBytes: Int
    let endpoint: Endpoint
    let configuration: ZooKeeperConfiguration
    let clients: [String]
    let uptime: Duration

    /// The words of ZooKeeper that are known but not served; like words outside `4lw.commands.whitelist`, they are refused by name.
    private static let refused: Set<String> = [
        "cons", "crst", "dump", "srst", "wchs", "wchc", "wchp", "dirs", "gtmk", "stmk", "hash", "lsnp", "icfg", "orst",
    ]

    /// The answer, or nil for what is no word of ZooKeeper's, upon which the connection is closed.
    func answer(to word: String) -> String? {
        switch word {
        case "ruok": "imok"
        case "isro": "ro"
        case "srvr": "Zookeeper version: \(Self.version)\n" + server
        case "stat":
            "Zookeeper version: \(Self.version)\nClients:\n" + clients.map { " /\($0)[0](queued=0,recved=1,sent=0)\n" }.joined() + "\n"
                + server
        case "mntr": monitor
        case "conf": conf
        case "envi": environment
        case let word where Self.refused.contains(word): "\(word) is not executed because it is not in the whitelist.\n"
        default: nil
        }
    }

    private var server: String {
        """
        Latency min/avg/max: 0/0.0/0
        Received: \(counts.received)
        Sent: \(counts.sent)
        Connections: \(counts.connections)
        Outstanding: 0
        Zxid: 0x1
        Mode: standalone
        Node count: \(znodeCount)

        """
    }

    private var monitor: String {
        let values: [(String, String)] = [
            ("version", Self.version),
            ("server_state", "standalone"),
            ("ephemerals_count", "0"),
            ("num_alive_connections", "\(counts.connections)"),
            ("avg_latency", "0.0"),
            ("min_latency", "0"),
            ("max_latency", "0"),
            ("packets_received", "\(counts.received)"),
            ("packets_sent", "\(counts.sent)"),
            ("outstanding_requests", "0"),
            ("znode_count", "\(znodeCount)"),
            ("watch_count", "0"),
            ("approximate_data_size", "\(znodeBytes)"),
            ("uptime", "\(Int64(uptime.inMilliseconds))"),
        ]
        return values.map { "zk_\($0.0)\t\($0.1)\n" }.joined()
    }

    private var conf: String {
        """
        clientPort=\(endpoint.port)
        secureClientPort=-1
        clientPortAddress=\(endpoint.host)
        tickTime=2000
        maxClientCnxns=\(configuration.connectionsMax)
        minSessionTimeout=\(configuration.sessionTimeouts.lowerBound)
        maxSessionTimeout=\(configuration.sessionTimeouts.upperBound)
        serverId=0

        """
    }

    private var environment: String {
        """
        Environment:
        zookeeper.version=\(Self.version)
        leat.kafka=\(configuration.kafka.map(\.description).joined(separator: ","))
        host.name=\(endpoint.host)

        """
    }
}
