internal import IO

/// `/v1/metadata` and `/contexts`: who answers.
extension RegistryRoutes {
    mutating func addServerMetadata(clusterID: @escaping @Sendable () async throws -> String) {
        get("/v1/metadata/id") { _, _ in
            let clusters: JSON = ["kafka-cluster": .string(try await clusterID()), "schema-registry-cluster": "schema-registry"]
            return RegistryJSON.response(["id": "", "scope": ["path": [], "clusters": clusters]])
        }
        get("/v1/metadata/version") { _, _ in RegistryJSON.response(["version": "7.9.0-leat", "commitId": ""]) }
        get("/contexts") { _, _ in RegistryJSON.response(["."]) }
    }
}
