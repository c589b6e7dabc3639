internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import IO

/// `/config`: the compatibility level, for all subjects and for one.
extension RegistryRoutes {
    mutating func addConfig() {
        get("/config") { _, _ in RegistryJSON.response(["compatibilityLevel": "BACKWARD"]) }
        get("/config/:subject") { request, context in
            if request.uri.queryParameters["defaultToGlobal"] == "true" {
                return RegistryJSON.response(["compatibilityLevel": "BACKWARD"])
            }
            throw RegistryError.noSubjectCompatibility(context.text("subject"))
        }
        refuse(.put, "/config", "Changing the compatibility level")
        refuse(.delete, "/config", "Changing the compatibility level")
        refuse(.put, "/config/:subject", "Changing a subject's compatibility level")
        on(.delete, "/config/:subject") { _, context in throw RegistryError.subjectNotFound(context.text("subject")) }
    }
}
