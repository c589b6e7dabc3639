/// What the generator knows of one nationality: names in their own script, places, and the forms of its numbers.
///
/// Forms are patterns: `#` stands for a digit, `@` for a capital letter, anything else for itself.
struct Nation: Sendable {
    /// The two letters of `nat`.
    let code: String
    let country: String
    let titles: (male: [String], female: [String])
    let male: [Name]
    let female: [Name]
    let last: [Name]
    let streets: [String]
    let cities: [String]
    let states: [String]
    let postcode: Postcode
    let phones: [String]
    let cells: [String]
    /// The name that the API gives to the nation's personal number; empty where it shows none.
    let identity: PersonalNumber?

    /// A name and its form in an e-mail address: ASCII, lower case.
    struct Name: Sendable {
        let text: String
        let address: String
    }

    enum Postcode: Sendable {
        /// A JSON number.
        case number(ClosedRange<Int>)
        /// A JSON string after one of the patterns.
        case text([String])
    }

    /// Lists are given as comma-separated texts, which keeps a nation readable on one page.
    init(
        _ code: String, _ country: String, male: String, female: String, last: String, streets: String, cities: String,
        states: String, postcode: Postcode, phones: [String], cells: [String], identity: PersonalNumber?,
        titles: (male: [String], female: [String]) = (["Mr"], ["Ms", "Mrs", "Miss"])
    ) {
        func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
        func names(_ text: String) -> [Name] { list(text).map { Name(text: $0, address: Transliteration.address($0)) } }
        self.code = code
        self.country = country
        self.titles = titles
        self.male = names(male)
        self.female = names(female)
        self.last = names(last)
        self.streets = list(streets)
        self.cities = list(cities)
        self.states = list(states)
        self.postcode = postcode
        self.phones = phones
        self.cells = cells
        self.identity = identity
    }

    /// All nations, in the order of their codes.
    static let all: [Nation] =
        ([northAmerican, oceanian, british, german, romance, nordic, eastern].flatMap { $0 }).sorted { $0.code < $1.code }

    static func named(_ code: String) -> Nation? { all.first { $0.code == code } }
}
