internal import HTTPTypes
internal import Hummingbird
internal import IO

/// `/subjects`: the names under which schemas are versioned.
extension RegistryRoutes {
    mutating func addSubjects() {
        get("/subjects") { _, _ in RegistryJSON.response([]) }
        refuse(.post, "/subjects/:subject", "Looking a schema up under a subject")
        on(.delete, "/subjects/:subject") { _, context in throw RegistryError.subjectNotFound(context.text("subject")) }
        get("/subjects/:subject/versions") { _, context in throw RegistryError.subjectNotFound(context.text("subject")) }
        refuse(.post, "/subjects/:subject/versions", "Registering a schema")
        for path in [
            "/subjects/:subject/versions/:version", "/subjects/:subject/versions/:version/schema",
            "/subjects/:subject/versions/:version/referencedby",
        ] {
            get(path) { _, context in
                try Self.checkVersion(context.text("version"))
                throw RegistryError.subjectNotFound(context.text("subject"))
            }
        }
        on(.delete, "/subjects/:subject/versions/:version") { _, context in
            try Self.checkVersion(context.text("version"))
            throw RegistryError.subjectNotFound(context.text("subject"))
        }
    }

    /// A version is `latest`, -1 for the same, or a number from 1 to 2^31 - 1.
    static func checkVersion(_ text: String) throws(RegistryError) {
        if text == "latest" || text == "-1" { return }
        guard let version = Int32(text), version >= 1 else {
            throw RegistryError(
                code: 42_202,
                message:
                    "The specified version '\(text)' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
            )
        }
    }
}
