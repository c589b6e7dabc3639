#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The system's words for an error number.
enum IOErrorText {
    static func text(_ code: CInt) -> String { String(cString: strerror(code)) }
}
