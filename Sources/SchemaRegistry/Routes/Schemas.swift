internal import IO

/// `/schemas`: schemas by their global id.
extension RegistryRoutes {
    mutating func addSchemas() {
        get("/schemas") { _, _ in RegistryJSON.response([]) }
        get("/schemas/types") { _, _ in RegistryJSON.response(["JSON", "PROTOBUF", "AVRO"]) }
        for path in ["/schemas/ids/:id", "/schemas/ids/:id/schema", "/schemas/ids/:id/subjects", "/schemas/ids/:id/versions"] {
            get(path) { _, context in
                guard let id = Int(context.text("id")) else { throw RegistryError.notFound }
                throw RegistryError.schemaNotFound(id)
            }
        }
    }
}
