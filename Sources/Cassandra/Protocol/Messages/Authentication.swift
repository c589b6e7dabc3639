internal import NIOCore

/// AUTHENTICATE, AUTH_CHALLENGE, AUTH_RESPONSE and AUTH_SUCCESS: v5, sections 4.1.2, 4.2.3, 4.2.7 and 4.2.8. The embedded store asks
/// for no password; the client answers a cluster that does, by SASL's PLAIN (RFC 4616), as PasswordAuthenticator takes it.
package enum Authentication {
    static func readAuthenticator(from body: inout ByteBuffer) throws(CQLError) -> String {
        try body.readCQLString("authenticator's class name")
    }

    static func writePlainResponse(user: String, password: String, to body: inout ByteBuffer) {
        body.writeInteger(Int32(user.utf8.count + password.utf8.count + 2))
        body.writeInteger(UInt8(0))
        body.writeString(user)
        body.writeInteger(UInt8(0))
        body.writeString(password)
    }
}
