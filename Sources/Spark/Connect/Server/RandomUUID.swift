/// A version 4 UUID in its canonical, lower-case form (RFC 9562, section 5.4).
func randomUUID() -> String {
    var text = ""
    text.reserveCapacity(36)
    for index in 0..<16 {
        if [4, 6, 8, 10].contains(index) { text += "-" }
        var byte = UInt8.random(in: .min ... .max)
        if index == 6 { byte = byte & 0x0F | 0x40 }
        if index == 8 { byte = byte & 0x3F | 0x80 }
        text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
}

/// Whether a text has a UUID's form, of any version and case.
func isUUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == 36
        && bytes.indices.allSatisfy { index in
            switch index {
            case 8, 13, 18, 23: bytes[index] == UInt8(ascii: "-")
            default: Character(UnicodeScalar(bytes[index])).isHexDigit
            }
        }
}
