/// `AnalyzePlanRequest`, as far as it is served.
struct AnalyzePlanRequest: ProtobufMessage, Hashable {
    enum Analysis: Hashable, Sendable {
        case sparkVersion
        /// What is asked for, by its name in Spark's definition.
        case notServed(String)
    }

    var session = SessionReference()
    var analysis: Analysis?

    init(session: SessionReference, analysis: Analysis) {
        self.session = session
        self.analysis = analysis
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 10: analysis = .sparkVersion
            case let number where Self.names[number] != nil: analysis = Self.names[number].map { .notServed($0) }
            default: try session.read(number, from: &reader, observed: 17)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 17)
        if analysis == .sparkVersion { writer.write(10) { _ in } }
    }

    private static let names: [Int: String] = [
        4: "schema", 5: "explain", 6: "tree_string", 7: "is_local", 8: "is_streaming", 9: "input_files", 11: "ddl_parse",
        12: "same_semantics", 13: "semantic_hash", 14: "persist", 15: "unpersist", 16: "get_storage_level", 18: "json_to_ddl",
    ]
}

/// `AnalyzePlanResponse`.
struct AnalyzePlanResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    var serverSideID = ""
    var sparkVersion: String?

    init(sessionID: String, serverSideID: String, sparkVersion: String?) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        self.sparkVersion = sparkVersion
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 8:
                var version = try reader.message()
                while let number = try version.next() {
                    if number == 1 { sparkVersion = try version.string() }
                }
            case 15: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        if let sparkVersion { writer.write(8) { $0.write(1, sparkVersion) } }
        writer.write(15, serverSideID)
    }
}
