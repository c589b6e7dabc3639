/// The `password` parameter: `CHARSETS,MIN-MAX`, for example `upper,lower,number,8-16`, `special,32` or `10-20`.
///
/// Without a length it is 8 to 64 characters, without a character set all four are used, as the original documents.
struct PasswordForm: Sendable, Equatable {
    var characters: [UInt8]
    var lengths: ClosedRange<Int>

    static let lengthMax = 64

    init(parsing text: String) throws(RequestError) {
        var characters: [UInt8] = []
        var lengths: ClosedRange<Int>?
        for part in text.split(separator: ",") {
            if let set = Self.sets.first(where: { $0.name == part }) {
                characters += Array(set.characters.utf8)
            } else if let range = Self.range(part), lengths == nil {
                lengths = range
            } else {
                throw RequestError(
                    "password: '\(part)' is neither a character set (special, upper, lower, number) nor a length such as 8-16"
                        + " (1 to \(Self.lengthMax))")
            }
        }
        self.characters = characters.isEmpty ? Self.sets.flatMap { Array($0.characters.utf8) } : characters
        self.lengths = lengths ?? 8...Self.lengthMax
    }

    func draw(using random: inout Xoshiro256) -> String {
        let count = lengths.lowerBound + random.below(lengths.count)
        return String(decoding: (0..<count).map { _ in random.element(of: characters) }, as: UTF8.self)
    }

    private static func range(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        switch ends.count {
        case 1: return ends[0].flatMap { (1...lengthMax).contains($0) ? $0...$0 : nil }
        case 2:
            guard let low = ends[0], let high = ends[1], low >= 1, high <= lengthMax, low <= high else { return nil }
            return low...high
        default: return nil
        }
    }

    private static let sets: [(name: String, characters: String)] = [
        ("special", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("lower", "abcdefghijklmnopqrstuvwxyz"), ("number", "0123456789"),
    ]
}
