/// `/v1/metadata` and `/contexts`: who answers.
extension RegistryRoutes {
    private struct ClusterID: Encodable {
        struct Scope: Encodable {
            let path: [String]
            let clusters: [String: String]
        }

        let id: String
        let scope: Scope
    }

    mutating func addServerMetadata(clusterID: @escaping @Sendable () async throws -> String) {
        get("/v1/metadata/id") { _, _ in
            let clusters = ["kafka-cluster": try await clusterID(), "schema-registry-cluster": "schema-registry"]
            let scope = ClusterID.Scope(path: [], clusters: clusters)
            return try RegistryJSON.response(ClusterID(id: "", scope: scope))
        }
        get("/v1/metadata/version") { _, _ in try RegistryJSON.response(["version": "7.9.0-leat", "commitId": ""]) }
        get("/contexts") { _, _ in try RegistryJSON.response(["."]) }
    }
}
