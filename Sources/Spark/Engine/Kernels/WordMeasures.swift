/// Words with a capital at their start and small letters after it; only a space ends a word.
enum Capitals {
    static func capitalized(_ text: String) -> String {
        var result = ""
        var isStart = true
        for character in text.lowercased() {
            result += isStart ? character.uppercased() : String(character)
            isStart = character == " "
        }
        return result
    }
}

/// The code of an English name by its sound: a letter and three digits.
enum Soundex {
    private static let codes = Array("01230127022455012623017202".utf8)

    static func append(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        guard let first = bytes.first, first & 0xDF &- 0x41 < 26 else { return out.append(contentsOf: bytes) }
        out.append(first & 0xDF)
        var last = codes[Int(first & 0xDF &- 0x41)]
        var count = 1
        for byte in bytes.dropFirst() {
            let letter = byte & 0xDF &- 0x41
            guard byte & 0xC0 == 0x40, letter < 26 else {
                last = 0x30
                continue
            }
            let code = codes[Int(letter)]
            if code == 0x37 { continue }  // H and W do not part equal codes.
            if code != 0x30, code != last {
                out.append(code)
                count += 1
                if count == 4 { break }
            }
            last = code
        }
        while count < 4 {
            out.append(0x30)
            count += 1
        }
    }
}

enum Levenshtein {
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], _ row: inout [Int32]) -> Int32 {
        if a.isEmpty { return Int32(b.count) }
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: (0...b.count).map { Int32($0) })
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = Int32(i + 1)
            for j in 0..<b.count {
                let above = row[j + 1]
                row[j + 1] = min(min(above, row[j]) + 1, diagonal + (a[i] == b[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}
