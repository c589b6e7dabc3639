internal import IO

/// The RandomUser API: one small request shows that it answers and which version it speaks.
struct APIHop: Sendable {
    let probe: HTTPProbe

    func look(_: Interest) async throws -> (Void, detail: String) {
        // No seed would cost a fresh user each time; one field of a seeded one is the least that the API can be asked for.
        let answer = try await probe.json((probe.base.hasSuffix("/") ? "" : "/api/") + "?results=1&seed=leat&inc=gender")
        guard answer["results"] != nil else {
            throw ConsoleError.refused(box: probe.box, status: 200, reason: answer["error"]?.shown ?? "there are no results in its answer")
        }
        return ((), detail: answer["info"]?["version"].map { "version \($0.shown)" } ?? "answers")
    }
}
