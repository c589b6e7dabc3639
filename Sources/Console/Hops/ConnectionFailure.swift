internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Why a connection failed, in the words that a person would use.
enum ConnectionFailure {
    static func words(_ error: NIOConnectionError) -> String {
        if let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty { return "its name is not known (\(dns))" }
        guard let first = error.connectionErrors.first?.error else { return "no connection" }
        return (first as? IOError).map(words) ?? (first is ChannelError ? "no answer in time" : "\(first)")
    }

    static func words(_ error: IOError) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "connection refused; nothing listens there"
        case ECONNRESET, EPIPE: "it closed the connection"
        case ETIMEDOUT: "no answer in time"
        case EHOSTUNREACH, ENETUNREACH: "there is no route to it"
        default: String(cString: strerror(error.errnoCode))
        }
    }
}
