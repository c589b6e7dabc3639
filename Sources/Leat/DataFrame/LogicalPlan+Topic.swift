internal import Spark

extension LogicalPlan {
    /// The first Kafka topic that the plan subscribes to, by name.
    var subscribedTopic: String? {
        if case .read(let read) = self {
            guard read.format.lowercased() == "kafka" else { return nil }
            let topic = read.options["subscribe"]?.split(separator: ",").first.map { $0.drop(while: \.isWhitespace) }
            return topic.map { String($0.reversed().drop(while: \.isWhitespace).reversed()) }
        }
        return children.lazy.compactMap(\.subscribedTopic).first
    }
}
