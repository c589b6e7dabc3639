package import IO

/// Two boxes of this process that are to listen on one port.
package struct PortConflict: DescribedError {
    package let first: String
    package let second: String
    package let port: Int
    package var problem: String { "\(first) and \(second) are both \(port)" }
    package var nextStep: String? { "give one of them another port, or 0 for any free one" }
}

extension StackConfiguration {
    /// - Throws: ``PortConflict`` when boxes that start here name one port for the same address.
    func checkPorts(of wanted: Set<Box>) throws {
        var taken: [(key: String, host: String, port: Int)] = []
        for box in Box.allCases where wanted.contains(box) && placement(of: box) == .embedded {
            for name in [box.rawValue] + (box == .broker ? ["broker.container"] : []) {
                let (key, port) = ("\(name).port", values.integer("\(name).port"))
                let host = values.text("\(box.rawValue).host")
                let other = taken.first { other in
                    other.port == port && (other.host == host || [other.host, host].contains { ["0.0.0.0", "::"].contains($0) })
                }
                if port != 0, let other { throw PortConflict(first: other.key, second: key, port: port) }
                taken.append((key, host, port))
            }
        }
    }
}
