import CRdkafka
import Dispatch
import IO
import Testing

/// The tests that need the mock cluster, one after the other: several of them measure waiting.
@Suite(.serialized, .timeLimit(.minutes(2))) enum MockClusterSuites {}

/// librdkafka's mock cluster: brokers on real sockets, whose leaders, errors and delays the test chooses.
final class MockCluster: @unchecked Sendable {
    // Unchecked: the handles are thread-safe.
    private let handle: OpaquePointer
    private let cluster: OpaquePointer

    init(brokers: Int32) throws {
        var reason = [CChar](repeating: 0, count: 256)
        handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &reason, reason.count)
        cluster = rd_kafka_mock_cluster_new(handle, brokers)
    }

    deinit {
        // It waits for its threads, for up to a second: not on a thread that other tests want.
        nonisolated(unsafe) let cluster = cluster
        nonisolated(unsafe) let handle = handle
        DispatchQueue.global().async {
            rd_kafka_mock_cluster_destroy(cluster)
            rd_kafka_destroy(handle)
        }
    }

    var endpoints: [Endpoint] {
        get throws { try Endpoint.list(parsing: String(cString: rd_kafka_mock_cluster_bootstraps(cluster))) }
    }

    func createTopic(_ name: String, partitions: Int32, replicas: Int32 = 1) {
        rd_kafka_mock_topic_create(cluster, name, partitions, replicas)
    }

    func setLeader(_ topic: String, _ partition: Int32, to broker: Int32) {
        rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker)
    }

    func push(_ errors: [rd_kafka_resp_err_t], apiKey: Int16) {
        rd_kafka_mock_push_request_errors_array(cluster, apiKey, errors.count, errors)
    }

    func setDown(_ broker: Int32) { rd_kafka_mock_broker_set_down(cluster, broker) }
    func setUp(_ broker: Int32) { rd_kafka_mock_broker_set_up(cluster, broker) }
    func setDelay(_ broker: Int32, milliseconds: Int32) { rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds) }
}
