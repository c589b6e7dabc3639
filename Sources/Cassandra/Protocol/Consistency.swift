/// The consistency levels of a statement: CQL native protocol, section 3, "[consistency]".
///
/// The embedded store is one node and meets every level at once; levels matter against a real cluster.
package enum Consistency: UInt16, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case any = 0x0000
    case one = 0x0001
    case two = 0x0002
    case three = 0x0003
    case quorum = 0x0004
    case all = 0x0005
    case localQuorum = 0x0006
    case eachQuorum = 0x0007
    case serial = 0x0008
    case localSerial = 0x0009
    case localOne = 0x000A

    package var description: String {
        switch self {
        case .any: "ANY"
        case .one: "ONE"
        case .two: "TWO"
        case .three: "THREE"
        case .quorum: "QUORUM"
        case .all: "ALL"
        case .localQuorum: "LOCAL_QUORUM"
        case .eachQuorum: "EACH_QUORUM"
        case .serial: "SERIAL"
        case .localSerial: "LOCAL_SERIAL"
        case .localOne: "LOCAL_ONE"
        }
    }

    package init?(parsing text: some StringProtocol) {
        let name = text.uppercased()
        guard let found = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = found
    }
}
