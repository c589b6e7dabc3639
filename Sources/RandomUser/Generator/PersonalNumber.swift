/// The personal numbers of the nations, each in its own form and, where the form has one, with a valid check digit.
///
/// They are well-formed, which is what a validating consumer needs, and belong to nobody: drawn at random.
enum PersonalNumber: String, Sendable {
    case taxFileNumber = "TFN", cpf = "CPF", socialInsurance = "SIN", avs = "AVS", svnr = "SVNR", cpr = "CPR", dni = "DNI"
    case hetu = "HETU", insee = "INSEE", nino = "NINO", pps = "PPS", uidai = "UIDAI", nss = "NSS", bsn = "BSN", fn = "FN"
    case sid = "SID", socialSecurity = "SSN"

    /// What some of the numbers encode of their holder.
    struct Holder {
        var isMale: Bool
        var year: Int
        var month: Int
        var day: Int
        /// The first letter of the family name in ASCII, upper case.
        var initial: UInt8
    }

    func draw(for holder: Holder, using random: inout Xoshiro256) -> String {
        switch self {
        case .taxFileNumber: Self.weighted(&random, count: 9, [1, 4, 3, 7, 5, 8, 6, 9, 10])
        case .cpf: Self.cpf(&random)
        case .socialInsurance: Self.text(Self.luhn(Self.digits(&random, 8, first: 1...9)))
        case .avs: Self.avs(&random)
        case .svnr: Self.svnr(holder, &random)
        case .cpr: Self.cpr(holder, &random)
        case .dni: Self.dni(&random)
        case .hetu: Self.hetu(holder, &random)
        case .insee: Self.insee(holder, &random)
        case .nino: Self.nino(&random)
        case .pps: Self.pps(&random)
        case .uidai: Self.text(Self.verhoeff(Self.digits(&random, 11, first: 2...9)))
        case .nss: Self.nss(holder, &random)
        case .bsn: Self.bsn(&random)
        case .fn: Self.fn(holder, &random)
        case .sid: Self.text(Self.digits(&random, 9, first: 1...9))
        case .socialSecurity: Self.socialSecurity(&random)
        }
    }

    // MARK: one function a form

    private static func cpf(_ random: inout Xoshiro256) -> String {
        var d = digits(&random, 9)
        for length in [9, 10] {
            let sum = (0..<length).reduce(0) { $0 + d[$1] * (length + 1 - $1) }
            d.append(sum * 10 % 11 % 10)
        }
        return form("###.###.###-##", d)
    }

    /// 756, the country in ISO 3166, begins an EAN-13.
    private static func avs(_ random: inout Xoshiro256) -> String {
        var d = [7, 5, 6] + digits(&random, 9)
        let sum = d.enumerated().reduce(0) { $0 + $1.element * ($1.offset % 2 == 0 ? 1 : 3) }
        d.append((10 - sum % 10) % 10)
        return form("###.####.####.##", d)
    }

    /// Area, birth date, initial, serial, check digit (VKVV § 4: the digit sums of the weighted digits, mod 10).
    private static func svnr(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        let area = [random.below(9), random.below(10)].enumerated().map { $0.offset == 0 ? $0.element : max(1, $0.element) }
        let date = pair(holder.day) + pair(holder.month) + pair(holder.year % 100)
        let serial = pair(holder.isMale ? random.below(50) : 50 + random.below(50))
        let letter = pair(Int(holder.initial) - 64)
        let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]
        let sum = zip(area + date + letter + serial, weights).reduce(0) { $0 + ($1.0 * $1.1) / 10 + ($1.0 * $1.1) % 10 }
        return form("## ###### ", area + date) + String(UnicodeScalar(holder.initial)) + form(" ###", serial + [sum % 10])
    }

    /// Serials up to 3999 belong to births of the 1900s; the last digit is odd for men and makes the whole divisible by 11.
    private static func cpr(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        while true {
            let d = pair(holder.day) + pair(holder.month) + pair(holder.year % 100) + [random.below(4)] + digits(&random, 2)
            let sum = zip(d, [4, 3, 2, 7, 6, 5, 4, 3, 2]).reduce(0) { $0 + $1.0 * $1.1 }
            let check = (11 - sum % 11) % 11
            if check < 10, (check % 2 == 1) == holder.isMale { return form("######-####", d + [check]) }
        }
    }

    private static func dni(_ random: inout Xoshiro256) -> String {
        let number = random.below(100_000_000)
        return form("########-", padded(number, 8)) + letter("TRWAGMYFPDXBNJZSQVHLCKE", number % 23)
    }

    private static func hetu(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        let serial = 2 + random.below(448) * 2 + (holder.isMale ? 1 : 0)
        let date = pair(holder.day) + pair(holder.month) + pair(holder.year % 100)
        let value = (date + padded(serial, 3)).reduce(0) { $0 * 10 + $1 }
        return form("######-###", date + padded(serial, 3)) + letter("0123456789ABCDEFHJKLMNPRSTUVWXY", value % 31)
    }

    private static func insee(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        let department = [1 + random.below(19), 21 + random.below(75)][random.below(2)]
        let d =
            [holder.isMale ? 1 : 2] + pair(holder.year % 100) + pair(holder.month) + pair(department)
            + padded(1 + random.below(900), 3) + padded(1 + random.below(999), 3)
        let value = d.reduce(0) { $0 * 10 + $1 }
        return form("############# ##", d + pair(97 - value % 97))
    }

    private static func nino(_ random: inout Xoshiro256) -> String {
        let first = Array("ABCEGHJKLMNOPRSTWXYZ"), second = Array("ABCEGHJKLMNPRSTWXYZ")
        while true {
            let prefix = String([random.element(of: first), random.element(of: second)])
            if ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(prefix) { continue }
            return prefix + form(" ## ## ## ", digits(&random, 6)) + letter("ABCD", random.below(4))
        }
    }

    private static func pps(_ random: inout Xoshiro256) -> String {
        let d = digits(&random, 7)
        let sum = d.enumerated().reduce(0) { $0 + $1.element * (8 - $1.offset) }
        return text(d) + letter("WABCDEFGHIJKLMNOPQRSTUV", sum % 23)
    }

    /// Sub-delegation, year of joining, year of birth, serial, Luhn's digit.
    private static func nss(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        let joined = (holder.year + 18 + random.below(8)) % 100
        return form(
            "## ## ## #### #", luhn(pair(1 + random.below(97)) + pair(joined) + pair(holder.year % 100) + digits(&random, 4)))
    }

    /// Eight digits: the ninth, in front, is a zero that the form leaves out. The weighted sum is divisible by 11.
    private static func bsn(_ random: inout Xoshiro256) -> String {
        while true {
            let d = digits(&random, 7, first: 1...9)
            let check = d.enumerated().reduce(0) { $0 + $1.element * (8 - $1.offset) } % 11
            if check < 10 { return text(d + [check]) }
        }
    }

    private static func fn(_ holder: Holder, _ random: inout Xoshiro256) -> String {
        while true {
            var d = pair(holder.day) + pair(holder.month) + pair(holder.year % 100) + padded(random.below(500), 3)
            if (d[8] % 2 == 1) != holder.isMale { continue }
            let first = (11 - zip(d, [3, 7, 6, 1, 8, 9, 4, 5, 2]).reduce(0) { $0 + $1.0 * $1.1 } % 11) % 11
            if first == 10 { continue }
            d.append(first)
            let second = (11 - zip(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]).reduce(0) { $0 + $1.0 * $1.1 } % 11) % 11
            if second == 10 { continue }
            return text(d + [second])
        }
    }

    private static func socialSecurity(_ random: inout Xoshiro256) -> String {
        var area = 1 + random.below(898)
        if area == 666 { area = 667 }
        return form("###-##-####", padded(area, 3) + pair(1 + random.below(99)) + padded(1 + random.below(9_999), 4))
    }

    // MARK: check digits

    /// Appends the digit that makes the number pass Luhn's test.
    static func luhn(_ d: [Int]) -> [Int] {
        let sum = d.reversed().enumerated().reduce(0) { sum, digit in
            let doubled = digit.offset % 2 == 0 ? digit.element * 2 : digit.element
            return sum + doubled / 10 + doubled % 10
        }
        return d + [(10 - sum % 10) % 10]
    }

    /// Appends Verhoeff's digit: the dihedral group of order ten, its permutation applied by position.
    static func verhoeff(_ d: [Int]) -> [Int] {
        var check = 0
        for (index, digit) in d.reversed().enumerated() {
            check = dihedral(check, permuted(digit, index + 1))
        }
        // The inverse in the group: rotations invert to 5 less, reflections to themselves.
        return d + [check == 0 ? 0 : check < 5 ? 5 - check : check]
    }

    static func verhoeffIsValid(_ d: [Int]) -> Bool {
        d.reversed().enumerated().reduce(0) { dihedral($0, permuted($1.element, $1.offset)) } == 0
    }

    private static func dihedral(_ a: Int, _ b: Int) -> Int {
        switch (a < 5, b < 5) {
        case (true, true): (a + b) % 5
        case (true, false): (a + b - 5) % 5 + 5
        case (false, true): (a - b) % 5 + 5
        case (false, false): (a - b + 5) % 5
        }
    }

    private static func permuted(_ digit: Int, _ times: Int) -> Int {
        (0..<times % 8).reduce(digit) { value, _ in [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] }
    }

    /// A number of `count` digits whose weighted sum is divisible by 11.
    private static func weighted(_ random: inout Xoshiro256, count: Int, _ weights: [Int]) -> String {
        while true {
            let d = digits(&random, count - 1, first: 1...9)
            let sum = zip(d, weights).reduce(0) { $0 + $1.0 * $1.1 }
            if let last = (0...9).first(where: { (sum + $0 * weights[count - 1]) % 11 == 0 }) { return text(d + [last]) }
        }
    }

    // MARK: digits and letters

    private static func digits(_ random: inout Xoshiro256, _ count: Int, first: ClosedRange<Int> = 0...9) -> [Int] {
        (0..<count).map { $0 == 0 ? first.lowerBound + random.below(first.count) : random.below(10) }
    }

    private static func pair(_ number: Int) -> [Int] { [number / 10, number % 10] }

    private static func padded(_ number: Int, _ count: Int) -> [Int] {
        var rest = number
        var d = [Int](repeating: 0, count: count)
        for index in d.indices.reversed() {
            d[index] = rest % 10
            rest /= 10
        }
        return d
    }

    private static func text(_ d: [Int]) -> String { String(decoding: d.map { UInt8(48 + $0) }, as: UTF8.self) }

    private static func letter(_ alphabet: StaticString, _ index: Int) -> String {
        String(UnicodeScalar(alphabet.utf8Start[index]))
    }

    private static func form(_ pattern: String, _ d: [Int]) -> String {
        var next = d.makeIterator()
        return String(decoding: pattern.utf8.map { $0 == UInt8(ascii: "#") ? UInt8(48 + (next.next() ?? 0)) : $0 }, as: UTF8.self)
    }
}
