/// Code points that a class takes.
struct CharacterSet: Sendable {
    enum Property: Sendable {
        case letter, uppercase, lowercase, digit, alphanumeric, punctuation, space, symbol, mark, number, ascii, any, control
    }

    /// Membership of the ASCII code points, worked out once.
    private(set) var ascii: (UInt64, UInt64) = (0, 0)
    var ranges: [ClosedRange<UInt32>] = []
    var properties: [(Property, isNegated: Bool)] = []
    /// Sets inside the set, united with it.
    var nested: [CharacterSet] = []
    /// `[a-z&&[^aeiou]]`.
    var intersections: [CharacterSet] = []
    var isNegated = false
    var ignoresCase = false

    mutating func seal() {
        for value in 0..<UInt32(128) where slowContains(value) {
            if value < 64 { ascii.0 |= 1 << UInt64(value) } else { ascii.1 |= 1 << UInt64(value - 64) }
        }
    }

    @inline(__always) func contains(_ value: UInt32) -> Bool {
        if value < 64 { return ascii.0 >> UInt64(value) & 1 != 0 }
        if value < 128 { return ascii.1 >> UInt64(value - 64) & 1 != 0 }
        return slowContains(value)
    }

    private func slowContains(_ value: UInt32) -> Bool {
        var found = has(value)
        if !found, ignoresCase {
            let other = JavaRegex.swappedCase(value)
            found = other != value && has(other)
        }
        for set in intersections { found = found && set.slowContains(value) }
        return found != isNegated
    }

    private func has(_ value: UInt32) -> Bool {
        for range in ranges where range.contains(value) { return true }
        for set in nested where set.slowContains(value) { return true }
        for (property, isNegated) in properties where Self.holds(property, value) != isNegated { return true }
        return false
    }

    private static func holds(_ property: Property, _ value: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(value) else { return false }
        let category = scalar.properties.generalCategory
        switch property {
        case .ascii: return value < 128
        case .any: return true
        case .letter: return scalar.properties.isAlphabetic && category != .letterNumber
        case .uppercase: return category == .uppercaseLetter
        case .lowercase: return category == .lowercaseLetter
        case .digit: return category == .decimalNumber
        case .number: return [.decimalNumber, .letterNumber, .otherNumber].contains(category)
        case .alphanumeric: return scalar.properties.isAlphabetic || category == .decimalNumber
        case .punctuation:
            return [
                .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
                .otherPunctuation,
            ].contains(category)
        case .symbol: return [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol].contains(category)
        case .mark: return [.nonspacingMark, .spacingMark, .enclosingMark].contains(category)
        case .space: return scalar.properties.isWhitespace
        case .control: return category == .control
        }
    }
}
