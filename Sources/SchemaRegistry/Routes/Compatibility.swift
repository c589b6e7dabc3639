internal import HTTPTypes
internal import Hummingbird

/// `/compatibility`: whether a schema could follow those that a subject has.
extension RegistryRoutes {
    mutating func addCompatibility() {
        refuse(.post, "/compatibility/subjects/:subject/versions", "Checking compatibility")
        refuse(.post, "/compatibility/subjects/:subject/versions/:version", "Checking compatibility")
    }
}
