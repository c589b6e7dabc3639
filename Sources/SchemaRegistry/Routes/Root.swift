extension RegistryRoutes {
    /// `/`: what clients and health checks open to see whether a registry is there.
    mutating func addRoot() {
        get("/") { _, _ in try RegistryJSON.response([String: String]()) }
    }
}
