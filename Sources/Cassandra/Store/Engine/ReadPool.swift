/// A few threads for reads that may touch the disk, with a bounded queue.
///
/// `@unchecked Sendable`: all state is guarded by `monitor`.
final class ReadPool: @unchecked Sendable {
    typealias Work = @Sendable () -> Void

    private let monitor = Monitor()
    private var queue: [Work] = []
    private var head = 0
    private var waiting = 0
    private var isClosing = false
    private let queueMax: Int
    /// How many times the bound may be passed by callers that do not look at the gate.
    private static let refusedAt = 4
    /// Closed from the time that the queue is full until it is half empty.
    let gate = FlowGate()
    private var threads: [NamedThread] = []

    init(name: String, threads count: Int, queueMax: Int) {
        self.queueMax = queueMax
        for index in 0..<count { threads.append(NamedThread("\(name)-\(index)") { [unowned self] in run() }) }
    }

    /// - Throws: `OVERLOADED` when the queue is full.
    func submit(_ work: @escaping Work) throws(CQLError) {
        monitor.lock()
        if isClosing {
            monitor.unlock()
            throw .serverError("The store is stopping")
        }
        guard queue.count - head < queueMax * Self.refusedAt else {
            monitor.unlock()
            throw .overloaded("\(queueMax * Self.refusedAt) reads wait already")
        }
        queue.append(work)
        if queue.count - head >= queueMax { gate.close() }
        let wakes = waiting > 0
        monitor.unlock()
        if wakes { monitor.signal() }
    }

    func close() {
        monitor.lock()
        isClosing = true
        monitor.broadcast()
        monitor.unlock()
        for thread in threads { thread.join() }
        threads.removeAll()
    }

    private func run() {
        while true {
            monitor.lock()
            while queue.count == head, !isClosing {
                waiting += 1
                monitor.wait()
                waiting -= 1
            }
            guard queue.count > head else {
                monitor.unlock()
                return
            }
            let opens = gate.isClosed && (queue.count - head) * 2 <= queueMax
            let work = queue[head]
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 1_024 {
                queue.removeFirst(head)
                head = 0
            }
            monitor.unlock()
            if opens { gate.open() }
            work()
        }
    }
}
