internal import IO
internal import NIOCore

/// A read-only tree of znodes in the layout that Kafka used: `/brokers/ids/N`, `/brokers/topics/NAME` with its partitions,
/// `/cluster/id`, `/controller`. The JSON in them has the fields and versions of Kafka 3.x's `ZkData`.
struct Znodes: Sendable {
    struct Node: Sendable {
        var data: [UInt8]
        var children: [String]
    }

    private var nodes: [String: Node]
    /// When the tree's nodes are said to have been made, in milliseconds since 1970.
    let createdAt: Int64
    /// One transaction made them all.
    let zxid: Int64 = 1

    init(_ picture: ClusterPicture, createdAt: Int64) {
        nodes = ["/": Node(data: [], children: [])]
        self.createdAt = createdAt
        insert("/brokers/seqid")
        insert("/brokers/ids")
        insert("/brokers/topics")
        for broker in picture.brokers {
            let endpoint = broker.host.contains(":") ? "[\(broker.host)]:\(broker.port)" : "\(broker.host):\(broker.port)"
            var members: JSON.Members = [
                "features": [:], "listener_security_protocol_map": ["PLAINTEXT": "PLAINTEXT"],
                "endpoints": [.string("PLAINTEXT://\(endpoint)")], "jmx_port": -1, "port": .integer(Int64(broker.port)),
                "host": .string(broker.host), "version": 5, "timestamp": .string("\(createdAt)"),
            ]
            members["rack"] = broker.rack.map { .string($0) }
            insert("/brokers/ids/\(broker.id)", .object(members))
        }
        for (name, partitions) in picture.topics.sorted(by: { $0.key < $1.key }) {
            let partitions = partitions.sorted { $0.index < $1.index }
            let assignment = JSON.Members(partitions.map { ("\($0.index)", list($0.replicas)) })
            insert(
                "/brokers/topics/\(name)",
                ["removing_replicas": [:], "partitions": .object(assignment), "adding_replicas": [:], "version": 3])
            insert("/brokers/topics/\(name)/partitions")
            for partition in partitions {
                insert("/brokers/topics/\(name)/partitions/\(partition.index)")
                insert(
                    "/brokers/topics/\(name)/partitions/\(partition.index)/state",
                    [
                        "controller_epoch": 1, "leader": .integer(Int64(partition.leader)), "version": 1, "leader_epoch": 0,
                        "isr": list(partition.inSync),
                    ])
            }
        }
        insert("/cluster/id", ["version": "1", "id": .string(picture.clusterID)])
        insert(
            "/controller",
            [
                "version": 2, "brokerid": .integer(Int64(picture.controllerID)), "timestamp": .string("\(createdAt)"),
                "kraftControllerEpoch": -1,
            ])
        insert("/controller_epoch", 1)
    }

    subscript(path: String) -> Node? { nodes[path] }

    var count: Int { nodes.count }

    /// The bytes of all paths and data, as `mntr` tells them.
    var byteCount: Int { nodes.reduce(0) { $0 + $1.key.utf8.count + $1.value.data.count } }

    /// The nodes below a path, at any depth.
    func descendants(of path: String) -> Int {
        let prefix = path == "/" ? "/" : path + "/"
        return nodes.keys.count { $0 != path && $0.hasPrefix(prefix) }
    }

    func writeStat(of node: Node, into buffer: inout ByteBuffer) {
        buffer.writeInteger(zxid)
        buffer.writeInteger(zxid)
        buffer.writeInteger(createdAt)
        buffer.writeInteger(createdAt)
        buffer.writeInteger(Int32(0))
        buffer.writeInteger(Int32(node.children.count))
        buffer.writeInteger(Int32(0))
        buffer.writeInteger(Int64(0))
        buffer.writeInteger(Int32(node.data.count))
        buffer.writeInteger(Int32(node.children.count))
        buffer.writeInteger(zxid)
    }

    private mutating func insert(_ path: String, _ json: JSON? = nil) {
        let data = json.map { Array($0.text.utf8) } ?? []
        if nodes[path] != nil {
            nodes[path]?.data = data
            return
        }
        nodes[path] = Node(data: data, children: [])
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = slash == path.startIndex ? "/" : String(path[..<slash])
        if nodes[parent] == nil { insert(parent) }
        nodes[parent]?.children.append(String(path[path.index(after: slash)...]))
    }

    private func list(_ numbers: [Int32]) -> JSON { .array(numbers.map { .integer(Int64($0)) }) }
}
