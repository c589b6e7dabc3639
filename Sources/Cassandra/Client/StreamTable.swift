internal import NIOCore

/// The streams of one connection: which are free, which wait for an answer, which were given up.
///
/// A stream whose request timed out stays taken until its answer comes, so that a late answer is never handed to a later request.
struct StreamTable<Request> {
    private enum Slot {
        case free
        case waiting(Request, NIODeadline)
        case abandoned
    }

    private var slots: [Slot] = []
    private var free: [Int16] = []
    let capacity: Int
    private(set) var abandonedCount = 0

    init(capacity: Int) {
        precondition((1...32_768).contains(capacity))
        self.capacity = capacity
    }

    var waitingCount: Int { slots.count - free.count - abandonedCount }
    var hasFree: Bool { !free.isEmpty || slots.count < capacity }

    /// A free stream's id, now taken by `request`; nil when there is none.
    mutating func take(_ request: Request, deadline: NIODeadline) -> Int16? {
        if let stream = free.popLast() {
            slots[Int(stream)] = .waiting(request, deadline)
            return stream
        }
        guard slots.count < capacity else { return nil }
        slots.append(.waiting(request, deadline))
        return Int16(slots.count - 1)
    }

    enum Answered {
        case request(Request)
        /// The answer of a request that was given up.
        case late
        /// No request has this stream.
        case unknown
    }

    mutating func answer(_ stream: Int16) -> Answered {
        guard stream >= 0, Int(stream) < slots.count else { return .unknown }
        switch slots[Int(stream)] {
        case .free:
            return .unknown
        case .waiting(let request, _):
            release(stream)
            return .request(request)
        case .abandoned:
            abandonedCount -= 1
            release(stream)
            return .late
        }
    }

    private mutating func release(_ stream: Int16) {
        slots[Int(stream)] = .free
        free.append(stream)
    }

    /// Gives up the requests whose deadline has passed.
    mutating func expire(now: NIODeadline) -> [Request] {
        var expired: [Request] = []
        for index in slots.indices {
            guard case .waiting(let request, let deadline) = slots[index], deadline <= now else { continue }
            slots[index] = .abandoned
            abandonedCount += 1
            expired.append(request)
        }
        return expired
    }

    /// All requests that wait, when the connection is gone.
    mutating func removeAll() -> [Request] {
        let waiting = slots.compactMap { slot in
            if case .waiting(let request, _) = slot { request } else { nil }
        }
        slots = []
        free = []
        abandonedCount = 0
        return waiting
    }
}
