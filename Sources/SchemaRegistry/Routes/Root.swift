internal import IO

extension RegistryRoutes {
    /// `/`: what clients and health checks open to see whether a registry is there.
    mutating func addRoot() {
        get("/") { _, _ in RegistryJSON.response([:]) }
    }
}
