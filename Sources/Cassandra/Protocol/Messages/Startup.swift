internal import NIOCore

/// STARTUP, the first message of a connection: v5, section 4.1.1. The same in v3, v4 and v5.
package struct Startup: Hashable, Sendable {
    package var options: [String: String]

    package init(options: [String: String]) { self.options = options }

    package var compression: String? { options["COMPRESSION"].flatMap { $0.isEmpty ? nil : $0 } }
    package var cqlVersion: String? { options["CQL_VERSION"] }

    init(from body: inout ByteBuffer) throws(CQLError) {
        options = try body.readCQLStringMap("STARTUP's options")
    }

    func write(to body: inout ByteBuffer) { body.writeCQLStringMap(options) }
}
