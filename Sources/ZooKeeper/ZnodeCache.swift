internal import Logging

/// Keeps the tree for a moment, so that many clients cost the broker one metadata request per refresh interval.
///
/// Requests that come while one is under way wait for it.
actor ZnodeCache {
    private let refresh: Duration
    private let createdAt: Int64
    private let metadata: @Sendable () async throws -> ClusterPicture
    private let logger: Logger
    private var tree: (nodes: Znodes, readAt: ContinuousClock.Instant)?
    private var reading: Task<Znodes, any Error>?

    init(refresh: Duration, createdAt: Int64, logger: Logger, metadata: @escaping @Sendable () async throws -> ClusterPicture) {
        self.refresh = refresh
        self.createdAt = createdAt
        self.logger = logger
        self.metadata = metadata
    }

    /// The tree as of at most one refresh interval ago.
    func current() async throws -> Znodes {
        if let tree, ContinuousClock.now - tree.readAt < refresh { return tree.nodes }
        if let reading { return try await reading.value }
        let task = Task { [metadata, createdAt] in Znodes(try await metadata(), createdAt: createdAt) }
        reading = task
        defer { reading = nil }
        do {
            let nodes = try await task.value
            tree = (nodes, .now)
            return nodes
        } catch {
            logger.warning("The cluster's metadata cannot be read; the request is answered with an error", metadata: ["error": "\(error)"])
            throw error
        }
    }

    /// What was last read, if anything was: for the words, which must answer while the broker is down.
    var latest: Znodes? { tree?.nodes }
}
