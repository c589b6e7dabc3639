/// Durations as people write them in settings and flags: `250ms`, `90s`, `1m30s`, `2h`, `7d`.
extension Duration {
    /// - Throws: ``InvalidDuration`` for a missing unit, an unknown unit, or no number.
    package init(parsing text: String) throws {
        var rest = Substring(text)
        guard !rest.isEmpty else { throw InvalidDuration(text: text) }
        var total = Duration.zero
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), number.isFinite, let one = Self.units[String(unit)] else {
                throw InvalidDuration(text: text)
            }
            guard number * one.inSeconds + total.inSeconds <= Self.longest.inSeconds else {
                throw InvalidDuration(text: text, isTooLong: true)
            }
            total += one * number
        }
        self = total
    }

    /// A hundred years: more than anything waits, and far from what a clock's arithmetic can hold.
    package static let longest = Duration.seconds(36_525 * 86_400)

    private static let units: [String: Duration] = [
        "us": .microseconds(1), "µs": .microseconds(1), "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60),
        "h": .seconds(3_600), "d": .seconds(86_400),
    ]

    /// Seconds as a floating-point number, for arithmetic and output.
    package var inSeconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }

    package var inMilliseconds: Double { inSeconds * 1_000 }

    /// The shortest of `ms`, `s`, `m`, `h`, `d` forms that a person would write: `250ms`, `1.5s`, `2h5m`.
    package var text: String {
        let seconds = inSeconds
        switch seconds {
        case ..<0: return "-" + (Duration.zero - self).text
        case 0: return "0s"
        case ..<0.001: return "\(Int((seconds * 1_000_000).rounded()))us"
        case ..<1: return "\(Self.trimmed(seconds * 1_000))ms"
        case ..<60: return "\(Self.trimmed(seconds))s"
        default:
            var left = Int(seconds.rounded())
            var text = ""
            for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] where left >= length {
                text += "\(left / length)\(unit)"
                left %= length
            }
            return text
        }
    }

    private static func trimmed(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

package struct InvalidDuration: DescribedError {
    package let text: String
    package let isTooLong: Bool

    package init(text: String, isTooLong: Bool = false) {
        self.text = text
        self.isTooLong = isTooLong
    }

    package var problem: String { isTooLong ? "'\(text)' is longer than a hundred years" : "'\(text)' is not a duration" }
    package var nextStep: String? { isTooLong ? nil : "write a number and a unit: us, ms, s, m, h or d, for example 250ms, 90s or 1m30s" }
}
