/// A source that is there whole when it is opened, and is read once: files, or a table of another server, for a batch.
protocol OnceSource: StreamSource {}

extension OnceSource {
    private static var whole: SourcePartition { SourcePartition(topic: "whole", partition: 0) }

    var waitingReason: String? { nil }
    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.whole: 0]) }
    func latest() async throws -> SourceOffset { SourceOffset([Self.whole: 1]) }
    func start(at offset: SourceOffset, identities: [String: String]) async throws {}
    func newest() -> SourceOffset? { nil }
    func waiting(after offset: SourceOffset) throws -> SourceRange? { nil }
    func stop() async {}
}
