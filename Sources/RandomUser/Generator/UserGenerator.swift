/// Draws users: a pure function of seed, index and filters.
///
/// User `k` of a seed is drawn from a generator of its own, so that page 3 of 100 results holds the same users as results 201 to
/// 300 of one long page, and asking for other fields or another format changes no value. Only the two ages depend on the day.
struct UserGenerator: Sendable {
    let seed: UInt64
    let nations: [Nation]
    let isMale: Bool?
    let password: PasswordForm?
    let now: CivilTime

    init(seed: String, nations: [Nation], isMale: Bool?, password: PasswordForm?, now: CivilTime) {
        // FNV-1a over the text, then spread: seeds that differ in one letter must not give related users.
        self.seed = Xoshiro256.mix(seed.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
        self.nations = nations
        self.isMale = isMale
        self.password = password
        self.now = now
    }

    func user(at index: Int) -> GeneratedUser {
        var random = Xoshiro256(seed: seed ^ Xoshiro256.mix(UInt64(truncatingIfNeeded: index) &+ 1))
        // Both are drawn whether filtered or not, so that a filter shifts none of the later draws.
        let drawnMale = random.next() >> 63 == 0
        let nationDraw = random.below(nations.count)
        let nation = nations[nationDraw]
        let isMale = self.isMale ?? drawnMale
        let birth = Self.time(from: Self.birthFirst, to: Self.birthLast, &random)
        let registration = Self.time(
            from: max(Self.registrationFirst, birth.milliseconds + 16 * 366 * CivilTime.millisecondsPerDay),
            to: Self.registrationLast, &random)
        let first = random.element(of: isMale ? nation.male : nation.female)
        let last = random.element(of: nation.last)
        let date = birth.date
        let holder = PersonalNumber.Holder(
            isMale: isMale, year: date.year, month: date.month, day: date.day,
            initial: last.address.utf8.first.map { $0 & 0xDF } ?? UInt8(ascii: "X"))
        let postcode: GeneratedUser.Postcode
        switch nation.postcode {
        case .number(let range): postcode = .number(range.lowerBound + random.below(range.count))
        case .text(let forms): postcode = .text(Self.fill(random.element(of: forms), &random))
        }
        return GeneratedUser(
            nation: nation, isMale: isMale, title: random.element(of: isMale ? nation.titles.male : nation.titles.female),
            first: first, last: last, streetNumber: 1 + random.below(9_999), street: random.element(of: nation.streets),
            city: random.element(of: nation.cities), state: random.element(of: nation.states), postcode: postcode,
            latitude: random.below(1_800_000) - 900_000, longitude: random.below(3_600_000) - 1_800_000,
            timezone: random.element(of: Self.timezones), uuid: Self.uuid(&random),
            username: random.element(of: Self.adjectives) + random.element(of: Self.animals) + "\(100 + random.below(900))",
            password: password?.draw(using: &random) ?? random.element(of: Self.passwords), salt: Self.salt(&random),
            birth: birth, age: birth.years(until: now), registration: registration, registrationAge: registration.years(until: now),
            phone: Self.fill(random.element(of: nation.phones), &random), cell: Self.fill(random.element(of: nation.cells), &random),
            identity: nation.identity?.draw(for: holder, using: &random), portrait: random.below(isMale ? 100 : 97))
    }

    // MARK: draws

    private static let birthFirst = CivilTime(year: 1944, month: 8, day: 25).milliseconds
    private static let birthLast = CivilTime(year: 1999, month: 12, day: 31).milliseconds
    private static let registrationFirst = CivilTime(year: 2002, month: 3, day: 21).milliseconds
    private static let registrationLast = CivilTime(year: 2022, month: 5, day: 9).milliseconds

    private static func time(from: Int64, to: Int64, _ random: inout Xoshiro256) -> CivilTime {
        CivilTime(milliseconds: from + Int64(random.below(Int(to - from))))
    }

    /// Replaces `#` by digits and `@` by capital letters.
    private static func fill(_ pattern: String, _ random: inout Xoshiro256) -> String {
        String(unsafeUninitializedCapacity: pattern.utf8.count) { bytes in
            for (index, byte) in pattern.utf8.enumerated() {
                switch byte {
                case UInt8(ascii: "#"): bytes[index] = UInt8(48 + random.below(10))
                case UInt8(ascii: "@"): bytes[index] = UInt8(65 + random.below(26))
                default: bytes[index] = byte
                }
            }
            return pattern.utf8.count
        }
    }

    /// Version 4 (RFC 9562, 5.4): random but for the version and variant bits.
    private static func uuid(_ random: inout Xoshiro256) -> String {
        let high = random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { bytes in
            var at = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    bytes[at] = UInt8(ascii: "-")
                    at += 1
                }
                let word = nibble < 16 ? high : low
                let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - nibble % 16 * 4) & 15)
                bytes[at] = value < 10 ? 48 + value : 87 + value
                at += 1
            }
            return at
        }
    }

    private static func salt(_ random: inout Xoshiro256) -> String {
        String(decoding: (0..<8).map { _ in random.element(of: saltCharacters) }, as: UTF8.self)
    }

    // MARK: words

    private static let saltCharacters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let adjectives = words(
        """
        angry beautiful big black blue brown crazy golden goofy green happy heavy lazy little orange organic purple red sad silver \
        smallest tiny ticklish white whitest yellow
        """)
    private static let animals = words(
        """
        bear bird butterfly cat deer dog duck elephant fish frog goose gorilla kangaroo koala ladybug leopard lion meercat mouse \
        ostrich otter panda peacock rabbit snake swan tiger wolf zebra
        """)
    private static let passwords = words(
        """
        anchor autumn badger bagpipe bamboo beacon bluebird bonfire breeze bridge candle carbon castle cedar chapel cherry clover \
        cobalt comet copper coral cosmos cricket crystal denmark diamond domino dragon eclipse emerald falcon feather flamingo \
        forest galaxy garnet glacier granite harbor hazel horizon indigo island ivory jasmine juniper kestrel lantern lemon \
        lobster lunar magnet mammoth maple marble meadow meteor midnight mountain nebula northern nutmeg oasis olive orchid \
        pepper phoenix pioneer planet poplar quartz raven river rocket saffron sailor sapphire shadow silver sparrow spider \
        summer sunset sunshine thunder timber topaz tulip velvet violet walnut willow winter zephyr
        """)

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    private static let timezones: [(offset: String, description: String)] = [
        ("-12:00", "Eniwetok, Kwajalein"), ("-11:00", "Midway Island, Samoa"), ("-10:00", "Hawaii"), ("-9:00", "Alaska"),
        ("-8:00", "Pacific Time (US & Canada)"), ("-7:00", "Mountain Time (US & Canada)"),
        ("-6:00", "Central Time (US & Canada), Mexico City"), ("-5:00", "Eastern Time (US & Canada), Bogota, Lima"),
        ("-4:00", "Atlantic Time (Canada), Caracas, La Paz"), ("-3:30", "Newfoundland"),
        ("-3:00", "Brazil, Buenos Aires, Georgetown"), ("-2:00", "Mid-Atlantic"), ("-1:00", "Azores, Cape Verde Islands"),
        ("0:00", "Western Europe Time, London, Lisbon, Casablanca"), ("+1:00", "Brussels, Copenhagen, Madrid, Paris"),
        ("+2:00", "Kaliningrad, South Africa"), ("+3:00", "Baghdad, Riyadh, Moscow, St. Petersburg"), ("+3:30", "Tehran"),
        ("+4:00", "Abu Dhabi, Muscat, Baku, Tbilisi"), ("+4:30", "Kabul"), ("+5:00", "Ekaterinburg, Islamabad, Karachi, Tashkent"),
        ("+5:30", "Bombay, Calcutta, Madras, New Delhi"), ("+5:45", "Kathmandu"), ("+6:00", "Almaty, Dhaka, Colombo"),
        ("+7:00", "Bangkok, Hanoi, Jakarta"), ("+8:00", "Beijing, Perth, Singapore, Hong Kong"),
        ("+9:00", "Tokyo, Seoul, Osaka, Sapporo, Yakutsk"), ("+9:30", "Adelaide, Darwin"),
        ("+10:00", "Eastern Australia, Guam, Vladivostok"), ("+11:00", "Magadan, Solomon Islands, New Caledonia"),
    ]
}
