internal import NIOCore

/// QUERY: a statement's text and its parameters: v5, section 4.1.4.
package struct Query: Sendable {
    package var statement: String
    package var parameters: QueryParameters

    package init(statement: String, parameters: QueryParameters) {
        self.statement = statement
        self.parameters = parameters
    }

    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        statement = try body.readCQLLongString("statement")
        parameters = try QueryParameters(from: &body, version: version)
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeCQLLongString(statement)
        parameters.write(to: &body, version: version)
    }
}
