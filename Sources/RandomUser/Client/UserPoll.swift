internal import IO

/// Users at a steady pace, as an asynchronous sequence: see ``RandomUserClient/poll(rate:for:)``.
package struct UserPoll: AsyncSequence, Sendable {
    package typealias Element = User

    let client: RandomUserClient
    let rate: Double
    let duration: Duration

    package func makeAsyncIterator() -> Iterator { Iterator(self) }

    package struct Iterator: AsyncIteratorProtocol {
        private let client: RandomUserClient
        private let start = ContinuousClock.now
        private var schedule: PollSchedule
        private var skippedSeen = 0
        private let requests = Requests()
        private var batch: [User] = []
        private var index = 0

        init(_ poll: UserPoll) {
            client = poll.client
            schedule = PollSchedule(
                rate: poll.rate, duration: poll.duration, backlog: client.configuration.backlog,
                resultsMax: client.configuration.resultsMax, requestsPerSecondMax: client.configuration.requestsPerSecondMax)
        }

        /// The next user; nil when the duration is over and all users due in it have come.
        ///
        /// - Throws: ``RandomUserClientError`` when a request's tries are used up.
        package mutating func next() async throws -> User? {
            while index == batch.count {
                guard try await nextBatch() else { return nil }
            }
            defer { index += 1 }
            return batch[index]
        }

        private mutating func nextBatch() async throws -> Bool {
            while true {
                try Task.checkCancellation()
                var wake: Duration?
                scheduling: while requests.pending.count < client.configuration.inFlightMax {
                    switch schedule.next(at: ContinuousClock.now - start) {
                    case .fetch(let count): requests.begin(count, client)
                    case .wait(let until):
                        wake = until
                        break scheduling
                    case .finished: break scheduling
                    }
                }
                if schedule.skipped > skippedSeen {
                    client.countSkipped(schedule.skipped - skippedSeen)
                    skippedSeen = schedule.skipped
                }
                if let (asked, users) = try await requests.first() {
                    schedule.fellShort(by: asked - users.count)
                    batch = users
                    index = 0
                    return true
                }
                guard let wake else { return false }
                try await Task.sleep(until: start + wake, clock: .continuous)
            }
        }
    }

    /// Requests under way, in order. Gone with the iterator, and then cancelled.
    private final class Requests {
        private(set) var pending: [(asked: Int, task: Task<[User], any Error>)] = []

        func begin(_ count: Int, _ client: RandomUserClient) {
            pending.append((count, Task { try await client.fetchPage(count) }))
        }

        func first() async throws -> (asked: Int, users: [User])? {
            guard !pending.isEmpty else { return nil }
            let (asked, task) = pending.removeFirst()
            let users = try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
            return (asked, users)
        }

        deinit {
            for (_, task) in pending { task.cancel() }
        }
    }
}
