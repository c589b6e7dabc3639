internal import NIOCore

/// REGISTER, which asks for events: v5, section 4.1.8. The same in v3, v4 and v5; the answer is READY.
package struct Register: Hashable, Sendable {
    package enum EventType: String, Hashable, Sendable, CaseIterable {
        case topologyChange = "TOPOLOGY_CHANGE"
        case statusChange = "STATUS_CHANGE"
        case schemaChange = "SCHEMA_CHANGE"
    }

    package var events: [EventType]

    package init(events: [EventType]) { self.events = events }

    init(from body: inout ByteBuffer) throws(CQLError) {
        events = []
        for name in try body.readCQLStringList("REGISTER's events") {
            guard let event = EventType(rawValue: name) else { throw .protocolError("Invalid event type '\(name)'") }
            events.append(event)
        }
    }

    func write(to body: inout ByteBuffer) { body.writeCQLStringList(events.map(\.rawValue)) }
}
