internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    func alterConfigs(_ request: AlterConfigsRequest, _ reply: Reply<AlterConfigsRequest>) {
        administer { [self] in
            reply.send(
                AlterConfigsResponse(
                    results: request.resources.map { resource in
                        alter(resource.type, resource.name, isDryRun: request.validateOnly) { _ throws(TopicError) in
                            var overrides: [String: String] = [:]
                            for config in resource.configs { overrides[config.name] = config.value }
                            return overrides
                        }
                    }))
        }
    }

    func incrementalAlterConfigs(_ request: IncrementalAlterConfigsRequest, _ reply: Reply<IncrementalAlterConfigsRequest>) {
        administer { [self] in
            reply.send(
                AlterConfigsResponse(
                    results: request.resources.map { resource in
                        alter(resource.type, resource.name, isDryRun: request.validateOnly) { before throws(TopicError) in
                            var overrides = before
                            for config in resource.configs { try change(&overrides, config) }
                            return overrides
                        }
                    }))
        }
    }

    private func change(_ overrides: inout [String: String], _ config: IncrementalAlterConfigsRequest.Config) throws(TopicError) {
        guard let definition = TopicConfig.definitions.first(where: { $0.name == config.name }) else {
            throw TopicError(code: .invalidConfig, message: "this broker has no topic configuration '\(config.name)'")
        }
        guard let operation = IncrementalAlterConfigsRequest.Operation(rawValue: config.operation) else {
            throw TopicError(code: .invalidRequest, message: "the operation \(config.operation) on \(config.name) is not known")
        }
        switch operation {
        case .set:
            guard let value = config.value else { throw TopicError(code: .invalidRequest, message: "\(config.name) is to be set to null") }
            overrides[config.name] = value
        case .delete:
            overrides[config.name] = nil
        case .append, .subtract:
            guard definition.isList else {
                throw TopicError(code: .invalidConfig, message: "\(config.name) is no list: nothing can be added to it or taken from it")
            }
            let current = overrides[config.name] ?? configuration.topicDefaults.values[config.name] ?? ""
            var elements = current.split(separator: ",").map(String.init)
            let named = (config.value ?? "").split(separator: ",").map(String.init)
            elements.removeAll { named.contains($0) }
            if operation == .append { elements += named }
            overrides[config.name] = elements.joined(separator: ",")
        }
    }

    private func alter(
        _ type: Int8, _ name: String, isDryRun: Bool, _ change: ([String: String]) throws(TopicError) -> [String: String]
    ) -> AlterConfigsResponse.Result {
        var result = AlterConfigsResponse.Result(type: type, name: name)
        do throws(TopicError) {
            switch type {
            case ConfigResource.topic:
                guard let topic = topics[name] else {
                    throw TopicError(code: .unknownTopicOrPartition, message: "there is no topic '\(name)'")
                }
                try topics.alter(name, overrides: try change(topic.overrides), isDryRun: isDryRun)
            case ConfigResource.broker:
                throw TopicError(
                    code: .invalidRequest,
                    message: "this broker's settings are read when it starts; change them in leat.yaml, the environment or the flags")
            default:
                throw TopicError(code: .invalidRequest, message: "resource type \(type) is not served; topics (2) are")
            }
        } catch {
            result.error = error.code
            result.errorMessage = error.message
        }
        return result
    }
}
