/// Whether a connection may take its next request, whether it may read, and which of the requests that it has taken may be begun: a value
/// that is told what comes and goes.
///
/// What is beyond a bound stays in the socket, so that TCP slows the client down. A request whose answer may be long is begun only when
/// the answer has its place: all that are being made, and what the client has not taken yet, then never grow far beyond the bound,
/// however many requests a client sends that does not read. Other requests do not wait for it.
struct RequestAdmission {
    let requestsMax: Int
    let bytesMax: Int
    let answersMax: Int
    private(set) var requests = 0
    private(set) var bytes = 0
    /// Bytes that are set aside for answers that are being made.
    private(set) var answers = 0
    /// What the answer to a read of one row is taken for: the largest of late. A connection that has read nothing begins with few at a
    /// time.
    private(set) var rowBytes: Int
    /// Answers that the client does not take fill the channel's buffer.
    var isWritable = true
    /// The connection is ending: it takes nothing more.
    var isEnding = false

    init(requestsMax: Int, bytesMax: Int, answersMax: Int) {
        self.requestsMax = requestsMax
        self.bytesMax = bytesMax
        self.answersMax = answersMax
        rowBytes = max(64, answersMax / 64)
    }

    /// A request that alone is beyond the bound of bytes is taken when nothing else is worked on.
    var takesRequests: Bool { !isEnding && isWritable && requests < requestsMax && (bytes < bytesMax || requests == 0) }

    mutating func took(bytes count: Int) {
        requests += 1
        bytes += count
    }

    /// An answer that alone is beyond the bound is begun when no other is being made.
    func mayBegin(answer count: Int) -> Bool { count == 0 || isWritable && (answers == 0 || answers + count <= answersMax) }

    mutating func began(answer count: Int) { answers += count }

    mutating func answered(row count: Int) { rowBytes = max(count, rowBytes - rowBytes / 16, 64) }

    mutating func finished(bytes count: Int, answer: Int) {
        precondition(requests > 0 && bytes >= count && answers >= answer)
        requests -= 1
        bytes -= count
        answers -= answer
    }
}
