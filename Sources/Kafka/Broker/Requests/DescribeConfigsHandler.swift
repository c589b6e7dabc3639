internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    private struct ResourceName: Hashable {
        var type: Int8
        var name: String
    }

    struct ConfigValue {
        var name: String
        var value: String
        var source: Int8
        var type: Int8
        var documentation: String
    }

    /// A topic's configuration: what it overrides, and the broker's values for the rest.
    func configs(_ overrides: [String: String]) -> [ConfigValue] {
        TopicConfig.definitions.map { definition in
            let override = overrides[definition.name]
            return ConfigValue(
                name: definition.name, value: override ?? configuration.topicDefaults.values[definition.name] ?? "",
                source: (override == nil ? ConfigSource.defaultValue : .dynamicTopic).rawValue, type: definition.type,
                documentation: definition.documentation)
        }
    }

    private func brokerConfigs() -> [ConfigValue] {
        BrokerConfiguration.settings.map { setting in
            let origin = configuration.values.origin(of: setting.key)
            return ConfigValue(
                name: setting.key, value: configuration.values.text(setting.key),
                source: (origin == .builtIn ? ConfigSource.defaultValue : .staticBroker).rawValue, type: 2, documentation: setting.help)
        } + [
            // Names that Kafka's own tools ask brokers for.
            ConfigValue(
                name: "auto.create.topics.enable", value: "\(limits.createsTopics)", source: ConfigSource.staticBroker.rawValue, type: 1,
                documentation: "broker.auto.create.topics"),
            ConfigValue(
                name: "num.partitions", value: configuration.values.text("broker.topic.partitions"),
                source: ConfigSource.staticBroker.rawValue, type: 3, documentation: "broker.topic.partitions"),
            ConfigValue(
                name: "default.replication.factor", value: "1", source: ConfigSource.staticBroker.rawValue, type: 3,
                documentation: "there is one node"),
            ConfigValue(
                name: "node.id", value: "\(Self.id)", source: ConfigSource.staticBroker.rawValue, type: 3,
                documentation: "there is one node"),
        ]
    }

    func describeConfigs(_ request: DescribeConfigsRequest, _ reply: Reply<DescribeConfigsRequest>) {
        var response = DescribeConfigsResponse()
        // A resource that is named again is answered once, as Kafka does.
        var seen: Set<ResourceName> = []
        for resource in request.resources where seen.insert(ResourceName(type: resource.type, name: resource.name)).inserted {
            var result = DescribeConfigsResponse.Result(type: resource.type, name: resource.name)
            var found: [ConfigValue] = []
            var isReadOnly = true
            switch resource.type {
            case ConfigResource.topic:
                if let topic = topics[resource.name] {
                    found = configs(topic.overrides)
                    isReadOnly = false
                } else {
                    result.error = .unknownTopicOrPartition
                    result.errorMessage = "there is no topic '\(resource.name)'"
                }
            case ConfigResource.broker:
                if resource.name == "\(Self.id)" || resource.name.isEmpty {
                    found = brokerConfigs()
                } else {
                    result.error = .invalidRequest
                    result.errorMessage = "there is no broker '\(resource.name)'; this one is \(Self.id)"
                }
            default:
                result.error = .invalidRequest
                result.errorMessage = "resource type \(resource.type) is not served; topics (2) and brokers (4) are"
            }
            if let keys = resource.keys { found = found.filter { keys.contains($0.name) } }
            result.configs = found.map { config in
                .init(
                    name: config.name, value: config.value, isReadOnly: isReadOnly, source: config.source,
                    synonyms: request.includeSynonyms ? [.init(name: config.name, value: config.value, source: config.source)] : [],
                    type: config.type, documentation: request.includeDocumentation ? config.documentation : nil)
            }
            response.results.append(result)
        }
        reply.send(response)
    }
}
