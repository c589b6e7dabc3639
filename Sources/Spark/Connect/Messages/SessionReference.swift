/// The fields by which every request names its session: `session_id` (1), `user_context` (2), and the server-side id that the
/// client has seen, whose number differs from request to request.
struct SessionReference: Hashable, Sendable {
    var sessionID = ""
    var userID = ""
    /// From the second request on; it tells a restarted server from the one that holds the session.
    var observedServerSideID: String?

    /// Reads the field if it is one of the three.
    mutating func read(_ number: Int, from reader: inout ProtobufReader, observed: Int? = nil) throws(ProtobufError) {
        switch number {
        case 1: sessionID = try reader.string()
        case 2:
            var context = try reader.message()
            while let number = try context.next() {
                if number == 1 { userID = try context.string() }
            }
        case observed: observedServerSideID = try reader.string()
        default: break
        }
    }

    func write(into writer: inout ProtobufWriter, observed: Int? = nil) {
        writer.write(1, sessionID)
        writer.write(2) { $0.write(1, userID) }
        if let observed { writer.write(observed, optional: observedServerSideID) }
    }
}
