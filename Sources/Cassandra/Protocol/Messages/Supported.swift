internal import NIOCore

/// SUPPORTED, the answer to OPTIONS (which has no body): v5, section 4.2.4. The same in v3, v4 and v5.
package struct Supported: Hashable, Sendable {
    package var options: [String: [String]]

    package init(options: [String: [String]]) { self.options = options }

    init(from body: inout ByteBuffer) throws(CQLError) {
        options = try body.readCQLStringMultimap("SUPPORTED's options")
    }

    func write(to body: inout ByteBuffer) { body.writeCQLStringMultimap(options) }
}
