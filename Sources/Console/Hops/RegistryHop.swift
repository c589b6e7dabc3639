internal import IO

/// The Schema Registry: its subjects (Confluent's REST API, `GET /subjects`).
struct RegistryHop: Sendable {
    let probe: HTTPProbe

    func look(_: Interest) async throws -> (Void, detail: String) {
        let subjects = try await probe.json("/subjects").elements.count
        return ((), detail: subjects == 1 ? "1 subject" : "\(subjects) subjects")
    }
}
