/// Names as they appear in e-mail addresses: lower-case ASCII, without marks and spaces.
enum Transliteration {
    static func address(_ name: String) -> String {
        var text = ""
        for character in name.lowercased() {
            if let ascii = character.asciiValue {
                if character.isLetter || character.isNumber || ascii == UInt8(ascii: "-") { text.append(character) }
            } else if let letters = table[character] {
                text += letters
            }
        }
        return text
    }

    /// Latin letters with marks lose them; Cyrillic follows the languages' official romanisations; Persian keeps its consonants.
    private static let table: [Character: String] = {
        var table: [Character: String] = [
            "æ": "ae", "ø": "o", "å": "a", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "đ": "dj", "ı": "i", "œ": "oe",
            // Serbian and Ukrainian
            "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "ђ": "dj", "е": "e", "є": "ye", "ж": "z", "з": "z",
            "и": "i", "і": "i", "ї": "yi", "й": "y", "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj",
            "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "c",
            "џ": "dz", "ш": "s", "щ": "shch", "ь": "", "ю": "yu", "я": "ya", "’": "",
            // Persian
            "آ": "a", "ا": "a", "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "j", "چ": "ch", "ح": "h", "خ": "kh", "د": "d",
            "ذ": "z", "ر": "r", "ز": "z", "ژ": "zh", "س": "s", "ش": "sh", "ص": "s", "ض": "z", "ط": "t", "ظ": "z", "ع": "a",
            "غ": "gh", "ف": "f", "ق": "q", "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "و": "v", "ه": "h", "ی": "y",
        ]
        for (base, marked) in [
            "a": "áàâãäă", "c": "çćč", "d": "ď", "e": "éèêëėęě", "g": "ğ", "i": "íìîï", "n": "ñńň", "o": "óòôõö", "r": "ř",
            "s": "šşś", "t": "ť", "u": "úùûüů", "y": "ýÿ", "z": "žźż",
        ] {
            for character in marked { table[character] = base }
        }
        // Turkish İ lower-cases to i with a combining dot.
        table["i̇"] = "i"
        return table
    }()
}
