/// Whether a connection may take its next request, and whether it may read: a value that is told what comes and goes.
///
/// What is beyond a bound stays in the socket, so that TCP slows the client down.
struct RequestAdmission {
    let requestsMax: Int
    let bytesMax: Int
    private(set) var requests = 0
    private(set) var bytes = 0
    /// Answers that the client does not take fill the channel's buffer.
    var isWritable = true
    /// The connection is ending: it takes nothing more.
    var isEnding = false

    init(requestsMax: Int, bytesMax: Int) {
        self.requestsMax = requestsMax
        self.bytesMax = bytesMax
    }

    /// A request that alone is beyond the bound of bytes is taken when nothing else is worked on.
    var takesRequests: Bool { !isEnding && isWritable && requests < requestsMax && (bytes < bytesMax || requests == 0) }

    mutating func began(bytes count: Int) {
        requests += 1
        bytes += count
    }

    mutating func finished(bytes count: Int) {
        precondition(requests > 0 && bytes >= count)
        requests -= 1
        bytes -= count
    }
}
