/// What the znodes tell about the Kafka cluster: the part of its metadata that Kafka itself kept in ZooKeeper.
package struct ClusterPicture: Sendable, Equatable {
    package struct Broker: Sendable, Equatable {
        package var id: Int32
        package var host: String
        package var port: Int
        package var rack: String?

        package init(id: Int32, host: String, port: Int, rack: String? = nil) {
            self.id = id
            self.host = host
            self.port = port
            self.rack = rack
        }
    }

    package struct Partition: Sendable, Equatable {
        package var index: Int32
        package var leader: Int32
        package var replicas: [Int32]
        package var inSync: [Int32]

        package init(index: Int32, leader: Int32, replicas: [Int32], inSync: [Int32]) {
            self.index = index
            self.leader = leader
            self.replicas = replicas
            self.inSync = inSync
        }
    }

    package var clusterID: String
    package var controllerID: Int32
    package var brokers: [Broker]
    package var topics: [String: [Partition]]

    package init(clusterID: String, controllerID: Int32, brokers: [Broker], topics: [String: [Partition]]) {
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.brokers = brokers
        self.topics = topics
    }
}
