/// The versions of the native protocol that Leat speaks.
///
/// v3 and v4 share one framing; v5 puts frames into checksummed segments once STARTUP is answered.
package enum ProtocolVersion: UInt8, Hashable, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    case v3 = 3
    case v4 = 4
    case v5 = 5

    package static let newest = ProtocolVersion.v5

    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rawValue < right.rawValue }

    package var description: String { "v\(rawValue)" }
}
