internal import NIOCore

/// A port that could not be bound, named with the box that wanted it and the setting that moves it.
package struct ListenerError: DescribedError {
    package let box: String
    package let endpoint: Endpoint
    package let setting: String
    package let reason: String

    package init(box: String, endpoint: Endpoint, setting: String, underlying error: any Error) {
        self.box = box
        self.endpoint = endpoint
        self.setting = setting
        if let error = error as? IOError, error.errnoCode == addressInUse {
            reason = "another process listens there"
        } else {
            reason = "\(error)"
        }
    }

    package var problem: String { "the \(box) cannot listen on \(endpoint): \(reason)" }
    package var nextStep: String? { "stop what uses port \(endpoint.port), or give the \(box) another one with \(setting)" }
}

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

private let addressInUse = EADDRINUSE
