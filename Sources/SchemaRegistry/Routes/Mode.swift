internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import IO

/// `/mode`: READONLY, since no schema can be registered.
extension RegistryRoutes {
    mutating func addMode() {
        get("/mode") { _, _ in RegistryJSON.response(["mode": "READONLY"]) }
        get("/mode/:subject") { request, context in
            if request.uri.queryParameters["defaultToGlobal"] == "true" { return RegistryJSON.response(["mode": "READONLY"]) }
            throw RegistryError.noSubjectMode(context.text("subject"))
        }
        refuse(.put, "/mode", "Changing the mode")
        refuse(.put, "/mode/:subject", "Changing a subject's mode")
        on(.delete, "/mode/:subject") { _, context in throw RegistryError.subjectNotFound(context.text("subject")) }
    }
}
