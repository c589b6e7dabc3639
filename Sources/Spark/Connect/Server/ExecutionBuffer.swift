internal import DequeModule

/// The responses of one execution, kept until the client has released them, so that it can reattach after a broken connection.
///
/// A position counts responses from the execution's start. Released ones are gone; a bound on those kept lets go of the oldest
/// when a client releases nothing, and a reattach that would need one is told so.
struct ExecutionBuffer {
    enum Outcome: Equatable {
        case completed
        case failed(ConnectError)
    }

    /// What a reader at some position has to do.
    enum Step: Equatable {
        case send(ExecutePlanResponse)
        case wait
        case end
        case fail(ConnectError)
    }

    private var responses: Deque<ExecutePlanResponse> = []
    /// The position of the first response kept.
    private var start = 0
    private(set) var outcome: Outcome?
    let retainedMax: Int
    /// What is kept of responses that a reader has had, for one that reattaches (Spark's `observerRetryBufferSize`).
    private let retainedBytesMax: Int
    private var retainedBytes = 0
    /// The position after the last response that a reader has had, and the bytes that no reader has had.
    private var readEnd = 0
    private(set) var unreadBytes = 0

    init(retainedMax: Int, retainedBytesMax: Int = 10 << 20) {
        self.retainedMax = retainedMax
        self.retainedBytesMax = retainedBytesMax
    }

    var retained: Int { responses.count }
    var unread: Int { start + responses.count - max(readEnd, start) }

    mutating func append(_ response: ExecutePlanResponse) {
        guard outcome == nil else { return }
        if responses.count == retainedMax { dropFirst() }
        responses.append(response)
        retainedBytes += response.byteCount
        unreadBytes += response.byteCount
        while retainedBytes > retainedBytesMax, start < readEnd, responses.count > 1 { dropFirst() }
    }

    private mutating func dropFirst() {
        let dropped = responses.removeFirst()
        retainedBytes -= dropped.byteCount
        if start >= readEnd { unreadBytes -= dropped.byteCount }
        start += 1
    }

    /// A reader has had everything before a position.
    mutating func read(until position: Int) {
        guard position > readEnd else { return }
        for index in max(readEnd, start)..<max(max(readEnd, start), min(position, start + responses.count)) {
            unreadBytes -= responses[index - start].byteCount
        }
        readEnd = position
    }

    /// The first outcome stands.
    mutating func finish(_ outcome: Outcome) {
        if self.outcome == nil { self.outcome = outcome }
    }

    func step(at position: Int) -> Step {
        if position < start {
            return .fail(.invalidCursor("POSITION_NOT_AVAILABLE", "The response at position \(position) has been released."))
        }
        if position - start < responses.count { return .send(responses[position - start]) }
        switch outcome {
        case nil: return .wait
        case .completed: return .end
        case .failed(let error): return .fail(error)
        }
    }

    /// The position after a response, for a reattach; the start when the client has seen none.
    func position(after responseID: String?) throws(ConnectError) -> Int {
        guard let responseID else { return 0 }
        guard let index = responses.firstIndex(where: { $0.responseID == responseID }) else {
            // The client may release the last response it saw before it reattaches after it.
            if responseID == lastReleased { return start }
            throw .invalidCursor("POSITION_NOT_FOUND", "The response \(responseID) is not known.")
        }
        return start + index + 1
    }

    private var lastReleased: String?

    /// Lets go of everything up to and including a response. An unknown id releases nothing.
    mutating func release(until responseID: String) {
        guard let index = responses.firstIndex(where: { $0.responseID == responseID }) else { return }
        read(until: start + index + 1)
        for _ in 0...index { dropFirst() }
        lastReleased = responseID
    }
}
