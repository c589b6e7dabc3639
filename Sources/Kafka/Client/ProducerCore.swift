internal import CRdkafka
internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// librdkafka's producer, the thread that polls it, and those who wait for it.
///
/// The thread holds the core until it has been told to stop, so that the delivery reports always find it. Each record in
/// librdkafka's hands carries one retained ``Delivery``, released by its report; librdkafka gives exactly one report for each
/// record, also for those that are purged at the end.
final class ProducerCore: @unchecked Sendable {
    // Unchecked: librdkafka's handles are thread-safe, `handle` and `queue` are set once before the thread starts and destroyed by it
    // last, under `handleLock`; all else is in `state`.

    /// What a record in flight is called back by.
    private final class Delivery {
        let topic: String
        let callback: @Sendable (Result<RecordMetadata, any Error>) -> Void

        init(topic: String, callback: @escaping @Sendable (Result<RecordMetadata, any Error>) -> Void) {
            self.topic = topic
            self.callback = callback
        }
    }

    /// What librdkafka's callbacks reach by their opaque pointer. It outlives the handle.
    private final class CallbackTarget {
        let logger: Logger
        /// Reports served since the polling thread last looked. A call on a transaction serves reports on its own thread too.
        let served = Atomic<Int>(0)
        /// The first record without a callback that was not acknowledged, since somebody last asked.
        let failure = NIOLockedValueBox<ProducerError?>(nil)

        init(logger: Logger) { self.logger = logger }
    }

    private struct Flush {
        let id: UInt64
        let deadline: ContinuousClock.Instant
        let timeout: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var isStopping = false
        var isEnded = false
        var nextID: UInt64 = 0
        var flushes: [Flush] = []
        var roomWaiters: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        var stops: [CheckedContinuation<Void, Never>] = []
        var cancelled: Set<UInt64> = []
    }

    let handle: OpaquePointer
    private let queue: OpaquePointer
    private let target: CallbackTarget
    private let state = NIOLockedValueBox(State())
    /// Topic handles by name. The lock also keeps the handle alive while a record is handed over.
    private let topics = NIOLockedValueBox<[String: Topic]?>([:])

    private struct Topic: @unchecked Sendable {
        // Unchecked: a thread-safe handle of librdkafka.
        let handle: OpaquePointer
    }

    init(properties: [String: String], logger: Logger) throws {
        guard let configuration = rd_kafka_conf_new() else { throw ProducerError.start(reason: "out of memory") }
        var reason = [CChar](repeating: 0, count: 512)
        // A client that asks for its brokers anew forgets where its transactions' coordinators are, and waits for ever (2.11 and later).
        var properties = properties
        if Self.isKnown("metadata.recovery.strategy") {
            properties["metadata.recovery.strategy"] = properties["metadata.recovery.strategy"] ?? "none"
        }
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            guard rd_kafka_conf_set(configuration, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw ProducerError.configuration(property: name, reason: Self.text(reason))
            }
        }
        target = CallbackTarget(logger: logger)
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(target).toOpaque())
        rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
            guard let message = message?.pointee, let opaque else { return }
            let target = Unmanaged<CallbackTarget>.fromOpaque(opaque).takeUnretainedValue()
            target.served.wrappingAdd(1, ordering: .relaxed)
            if let delivery = message._private {
                ProducerCore.report(message, Unmanaged<Delivery>.fromOpaque(delivery).takeRetainedValue())
            } else if message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                target.failure.withLockedValue { $0 = $0 ?? ProducerCore.undelivered(message) }
            }
        }
        rd_kafka_conf_set_log_cb(configuration) { handle, level, facility, text in
            guard let handle, let text, let opaque = rd_kafka_opaque(handle) else { return }
            let facility = facility.map { String(cString: $0) } ?? ""
            // Levels are syslog's. A broker that cannot be reached comes again as `error_cb` below.
            let level: Logger.Level = level <= 3 ? .warning : level <= 4 ? .notice : .debug
            Unmanaged<CallbackTarget>.fromOpaque(opaque).takeUnretainedValue()
                .logger.log(level: level, "\(String(cString: text))", metadata: ["facility": "\(facility)"])
        }
        rd_kafka_conf_set_error_cb(configuration) { _, code, text, opaque in
            guard let opaque, let text else { return }
            Unmanaged<CallbackTarget>.fromOpaque(opaque).takeUnretainedValue()
                .logger.warning(
                    "\(String(cString: text))", metadata: ["code": "\(ProducerError.codeName(rd_kafka_resp_err_t(code)))"])
        }
        guard let handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            throw ProducerError.start(reason: Self.text(reason))
        }
        self.handle = handle
        queue = rd_kafka_queue_get_main(handle)
        startThread()
    }

    /// Whether this librdkafka has a property of the name.
    static func isKnown(_ property: String) -> Bool {
        guard let scratch = rd_kafka_conf_new() else { return false }
        defer { rd_kafka_conf_destroy(scratch) }
        return rd_kafka_conf_set(scratch, property, "", nil, 0) != RD_KAFKA_CONF_UNKNOWN
    }

    // MARK: records

    func produce(
        topic: String, partition: Int32?, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: [(String, [UInt8]?)], timestamp: Int64?, onDelivery: (@Sendable (Result<RecordMetadata, any Error>) -> Void)?
    ) throws {
        let headerList = headers.isEmpty ? nil : Self.headerList(headers)
        let delivery = onDelivery.map { Unmanaged.passRetained(Delivery(topic: topic, callback: $0)) }
        let code = topics.withLockedValue { topics -> rd_kafka_resp_err_t? in
            guard topics != nil else { return nil }
            guard let topic = self.topic(topic, in: &topics) else { return rd_kafka_last_error() }
            return leat_rd_kafka_produce(
                handle, topic, partition ?? -1, Self.address(key), key?.count ?? 0, Self.address(value), value?.count ?? 0,
                timestamp ?? 0, headerList, delivery?.toOpaque())
        }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        delivery?.release()
        if let headerList { rd_kafka_headers_destroy(headerList) }
        switch code {
        case nil: throw ProducerError.closed
        case RD_KAFKA_RESP_ERR__QUEUE_FULL?: throw ProducerError.queueFull(topic: topic)
        case let code?:
            throw ProducerError.refused(topic: topic, code: ProducerError.codeName(code), reason: ProducerError.reason(code))
        }
    }

    var pendingCount: Int {
        topics.withLockedValue { $0 == nil ? 0 : Int(rd_kafka_outq_len(handle)) }
    }

    /// - Returns: nil when librdkafka takes no such name.
    private func topic(_ name: String, in topics: inout [String: Topic]?) -> OpaquePointer? {
        if let topic = topics?[name] { return topic.handle }
        guard let handle = rd_kafka_topic_new(handle, name, nil) else { return nil }
        topics?[name] = Topic(handle: handle)
        return handle
    }

    /// An empty value is not a null one: it has an address.
    private static func address(_ bytes: UnsafeRawBufferPointer?) -> UnsafeRawPointer? {
        guard let bytes else { return nil }
        return bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
    }

    private static func headerList(_ headers: [(String, [UInt8]?)]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            if let value {
                _ = value.withUnsafeBytes { rd_kafka_header_add(list, name, -1, address($0), $0.count) }
            } else {
                _ = rd_kafka_header_add(list, name, -1, nil, 0)
            }
        }
        return list
    }

    private static func report(_ message: rd_kafka_message_t, _ delivery: Delivery) {
        if message.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            delivery.callback(
                .success(RecordMetadata(topic: delivery.topic, partition: message.partition, offset: message.offset)))
        } else {
            delivery.callback(.failure(undelivered(message)))
        }
    }

    private static func undelivered(_ message: rd_kafka_message_t) -> ProducerError {
        ProducerError.undelivered(
            topic: message.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "", partition: message.partition,
            code: ProducerError.codeName(message.err), reason: ProducerError.reason(message.err))
    }

    /// What became of a record that was sent without a callback and not acknowledged; told once.
    func takeFailure() -> ProducerError? {
        target.failure.withLockedValue { failure in
            defer { failure = nil }
            return failure
        }
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: waiting

    func untilRoom() async throws {
        try await wait { id, continuation, state in state.roomWaiters.append((id, continuation)) }
    }

    func flush(timeout: Duration) async throws {
        let deadline = ContinuousClock.now + timeout
        try await wait { id, continuation, state in
            state.flushes.append(Flush(id: id, deadline: deadline, timeout: timeout, continuation: continuation))
        }
    }

    private func wait(
        _ add: (UInt64, CheckedContinuation<Void, any Error>, inout State) -> Void
    ) async throws {
        let id = state.withLockedValue { state in
            state.nextID += 1
            return state.nextID
        }
        defer { state.withLockedValue { _ = $0.cancelled.remove(id) } }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let refusal: (any Error)? = state.withLockedValue { state in
                    if state.cancelled.remove(id) != nil { return CancellationError() }
                    if state.isStopping { return ProducerError.closed }
                    add(id, continuation, &state)
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) } else { wake() }
            }
        } onCancel: {
            let continuation: CheckedContinuation<Void, any Error>? = state.withLockedValue { state in
                if let index = state.roomWaiters.firstIndex(where: { $0.id == id }) {
                    return state.roomWaiters.remove(at: index).continuation
                }
                if let index = state.flushes.firstIndex(where: { $0.id == id }) { return state.flushes.remove(at: index).continuation }
                state.cancelled.insert(id)
                return nil
            }
            continuation?.resume(throwing: CancellationError())
        }
    }

    /// Ends the thread, which gives up what is still queued.
    func stop(continuation: CheckedContinuation<Void, Never>?) {
        let isEnded = state.withLockedValue { state in
            if state.isEnded { return true }
            state.isStopping = true
            if let continuation { state.stops.append(continuation) }
            return false
        }
        if isEnded { continuation?.resume() } else { wake() }
    }

    /// Has the polling thread look at the state at once.
    private func wake() {
        topics.withLockedValue { if $0 != nil { rd_kafka_queue_yield(queue) } }
    }

    // MARK: the thread

    private func startThread() {
        let core = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Glibc)
            var thread = pthread_t()
            let result = pthread_create(&thread, nil, { ProducerCore.threadBody($0!) }, core)
            precondition(result == 0, "the system gives no thread")
            pthread_detach(thread)
        #else
            var thread: pthread_t?
            let result = pthread_create(&thread, nil, { ProducerCore.threadBody($0) }, core)
            precondition(result == 0, "the system gives no thread")
            pthread_detach(thread!)
        #endif
    }

    private static func threadBody(_ core: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<ProducerCore>.fromOpaque(core).takeRetainedValue().poll()
        return nil
    }

    private func poll() {
        while true {
            let (isStopping, isFlushing) = state.withLockedValue { ($0.isStopping, !$0.flushes.isEmpty) }
            if isStopping { break }
            if isFlushing {
                // Serves reports too, and sends without lingering.
                rd_kafka_flush(handle, 20)
            } else {
                rd_kafka_queue_poll_callback(queue, 200)
                // What else is there, up to a bound, so that those who wait for room are not kept waiting.
                var rounds = 0
                while rounds < 1_000, rd_kafka_queue_poll_callback(queue, 0) > 0 { rounds += 1 }
            }
            settleFlushes()
            wakeRoomWaiters()
        }
        end()
    }

    private func settleFlushes() {
        let now = ContinuousClock.now
        let remaining = Int(rd_kafka_outq_len(handle))
        let settled = state.withLockedValue { state -> [Flush] in
            guard !state.flushes.isEmpty else { return [] }
            if remaining == 0 {
                defer { state.flushes = [] }
                return state.flushes
            }
            let late = state.flushes.filter { $0.deadline <= now }
            state.flushes.removeAll { $0.deadline <= now }
            return late
        }
        for flush in settled {
            if remaining == 0 {
                flush.continuation.resume()
            } else {
                flush.continuation.resume(throwing: ProducerError.flushTimedOut(remaining: remaining, timeout: flush.timeout))
            }
        }
    }

    /// As many as records have left; at least one, since the last report may have come before the waiter did.
    private func wakeRoomWaiters() {
        let count = max(target.served.exchange(0, ordering: .relaxed), 1)
        let waiters = state.withLockedValue { state in
            let woken = Array(state.roomWaiters.prefix(count))
            state.roomWaiters.removeFirst(woken.count)
            return woken
        }
        for waiter in waiters { waiter.continuation.resume() }
    }

    private func end() {
        // No record is taken from here on; each of those taken gets its report.
        let topics = self.topics.withLockedValue { topics in
            defer { topics = nil }
            return topics ?? [:]
        }
        rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        while rd_kafka_outq_len(handle) > 0 { rd_kafka_poll(handle, 50) }
        for topic in topics.values { rd_kafka_topic_destroy(topic.handle) }
        rd_kafka_queue_destroy(queue)
        rd_kafka_destroy(handle)
        let (flushes, waiters, stops) = state.withLockedValue { state in
            defer {
                state.flushes = []
                state.roomWaiters = []
                state.stops = []
                state.isEnded = true
            }
            return (state.flushes, state.roomWaiters, state.stops)
        }
        for flush in flushes { flush.continuation.resume(throwing: ProducerError.closed) }
        for waiter in waiters { waiter.continuation.resume(throwing: ProducerError.closed) }
        for stop in stops { stop.resume() }
    }
}
