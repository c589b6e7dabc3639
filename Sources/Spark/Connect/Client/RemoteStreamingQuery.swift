internal import IO
internal import NIOConcurrencyHelpers

/// A streaming query as its caller sees it, wherever it runs.
package protocol StreamingQueryView: Sendable {
    var id: StreamingQueryID { get }
    var runID: String { get }
    var name: String? { get }
    var status: StreamingQueryStatus { get }
    var isActive: Bool { get }
    var recentProgress: [String] { get }
    var lastProgress: String? { get }
    var exception: StreamingQueryException? { get }
    func stop() async
    /// - Returns: whether it has ended.
    func awaitTermination(timeout: Duration?) async -> Bool
}

extension StreamingQueryHandle: StreamingQueryView {}

/// A streaming query on another Spark: asked about at an interval, so that its caller sees it without a call of its own.
///
/// A server that does not answer leaves what was known, and the status says so; one that answers that there is no such query has been
/// started anew, and the query has ended.
package final class RemoteStreamingQuery: StreamingQueryView {
    package let id: StreamingQueryID
    package let runID: String
    package let name: String?

    private struct State {
        var status = StreamingQueryStatus(message: "Initializing sources", isDataAvailable: false, isTriggerActive: false, isActive: true)
        var progress: [String] = []
        var exception: StreamingQueryException?
        var isStopRequested = false
        var polling: Task<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())
    private let client: SparkConnectClient

    package init(_ query: ConnectStreamingQuery, client: SparkConnectClient, interval: Duration = .seconds(1)) {
        id = StreamingQueryID(query.id)
        runID = query.runID
        name = query.name
        self.client = client
        let polling = Task { [weak self] in
            while !Task.isCancelled, let self, self.isActive {
                await self.look()
                try? await Task.sleep(for: interval)
            }
        }
        state.withLockedValue { $0.polling = polling }
    }

    deinit { state.withLockedValue { $0.polling }?.cancel() }

    package var status: StreamingQueryStatus { state.withLockedValue { $0.status } }
    package var isActive: Bool { status.isActive }
    package var recentProgress: [String] { state.withLockedValue { $0.progress } }
    package var lastProgress: String? { state.withLockedValue { $0.progress.last } }
    package var exception: StreamingQueryException? { state.withLockedValue { $0.exception } }

    func look() async {
        do {
            let status = try await client.status(id.text)
            let progress = try await client.recentProgress(id.text)
            let exception = status.isActive ? nil : try await client.exception(id.text)
            state.withLockedValue { state in
                guard state.status.isActive else { return }
                state.status = status
                state.progress = progress
                state.exception = exception
            }
        } catch let error as SparkConnectClientError where !error.isUnreachable {
            state.withLockedValue { state in
                state.status.isActive = false
                state.status.message = error.reason
                if !state.isStopRequested {
                    state.exception = StreamingQueryException(
                        message: "the Spark at \(client.endpoint) no longer knows this query: \(error.reason)", errorClass: "STREAM_FAILED")
                }
            }
        } catch {
            state.withLockedValue { $0.status.message = "\(error)" }
        }
    }

    package func stop() async {
        state.withLockedValue { $0.isStopRequested = true }
        do {
            try await client.stop(id.text)
            await look()
        } catch {
            state.withLockedValue { state in
                state.status.isActive = false
                state.status.message = "\(error)"
            }
        }
        state.withLockedValue { $0.polling }?.cancel()
    }

    package func awaitTermination(timeout: Duration?) async -> Bool {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        while isActive {
            if let deadline, ContinuousClock.now >= deadline { return false }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return !isActive }
        }
        return true
    }
}
