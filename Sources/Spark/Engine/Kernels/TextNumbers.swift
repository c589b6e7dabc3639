/// Numbers and truth values from text as Spark's casts read them: surrounding space goes, all else must belong to the value.
enum TextNumbers {
    static func trimmed(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0, end = bytes.count
        while start < end, bytes[start] <= 0x20 { start += 1 }
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        let bytes = trimmed(bytes)
        var index = 0
        let isNegative = bytes.first == 0x2D
        if isNegative || bytes.first == 0x2B { index = 1 }
        guard index < bytes.count else { return nil }
        var value: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = scaled.subtractingReportingOverflow(Int64(digit))
            if tooLarge || overflow { return nil }
            value = sum
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    static func double(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        let bytes = trimmed(bytes)
        guard let first = bytes.first, bytes.count <= 400 else { return nil }
        var text = String(decoding: bytes, as: UTF8.self)
        if first & 0xDF >= 0x41 || bytes.count > 1 && (first == 0x2B || first == 0x2D) && bytes[1] & 0xDF >= 0x41 {
            switch text.lowercased() {
            case "nan": return .nan
            case "inf", "+inf", "infinity", "+infinity": return .infinity
            case "-inf", "-infinity": return -.infinity
            default: return nil
            }
        }
        // Java takes a type suffix.
        if let last = text.last, "dDfF".contains(last) { text.removeLast() }
        guard text.utf8.allSatisfy({ $0 &- 0x30 < 10 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }) else { return nil }
        if text.hasSuffix(".") { text += "0" }
        return Double(text)
    }

    static func boolean(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
        switch String(decoding: trimmed(bytes), as: UTF8.self).lowercased() {
        case "t", "true", "y", "yes", "1": true
        case "f", "false", "n", "no", "0": false
        default: nil
        }
    }
}
