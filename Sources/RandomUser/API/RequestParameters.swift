internal import IO

/// What a request asks for: the query's parameters, checked.
///
/// Parameters that the API does not know are passed over, as the original does; a known one with a value that means nothing is
/// refused with the reason, where the original would answer something else than was asked for.
struct RequestParameters: Sendable {
    enum Format: Sendable, Equatable { case json, pretty, csv }

    var results = 1
    var page = 1
    /// Nil when the request names none: one is drawn, and shown in `info`.
    var seed: String?
    var isMale: Bool?
    var nations = Nation.all
    var fields = UserFields.all
    var password: PasswordForm?
    var format = Format.json
    var showsInfo = true

    static let pageMax = 10_000
    static let seedLengthMax = 128

    init(query: [(key: String, value: String)], resultsMax: Int) throws(RequestError) {
        var excluded: UserFields = []
        for (key, value) in query {
            switch key.lowercased() {
            case "results": results = try Self.number(value, key, 1...resultsMax)
            case "page": page = try Self.number(value, key, 1...Self.pageMax)
            case "seed": seed = try Self.seed(value)
            case "gender": isMale = try Self.gender(value)
            case "nat", "nationality": nations = try Self.nations(value)
            case "inc": fields = try UserFields(parsing: value, parameter: "inc")
            case "exc": excluded = try UserFields(parsing: value, parameter: "exc")
            case "password": password = try PasswordForm(parsing: value)
            case "format", "fmt": format = try Self.format(value)
            case "noinfo": showsInfo = false
            default: break
            }
        }
        fields.subtract(excluded)
    }

    private static func number(_ text: String, _ key: String, _ range: ClosedRange<Int>) throws(RequestError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw RequestError("\(key): '\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func seed(_ text: String) throws(RequestError) -> String? {
        guard text.utf8.count <= seedLengthMax else { throw RequestError("seed: at most \(seedLengthMax) bytes are taken") }
        return text.isEmpty ? nil : text
    }

    private static func gender(_ text: String) throws(RequestError) -> Bool? {
        switch text.lowercased() {
        case "male": true
        case "female": false
        case "": nil
        default: throw RequestError("gender: '\(text)' is neither male nor female")
        }
    }

    private static func nations(_ text: String) throws(RequestError) -> [Nation] {
        var nations: [Nation] = []
        for part in text.split(separator: ",") {
            let code = part.trimmingSpaces.uppercased()
            guard let nation = Nation.named(code) else {
                throw RequestError(
                    "nat: '\(part)' is no nationality that this API has; it has \(Nation.all.map(\.code).joined(separator: ", "))")
            }
            if !nations.contains(where: { $0.code == code }) { nations.append(nation) }
        }
        return nations.isEmpty ? Nation.all : nations
    }

    private static func format(_ text: String) throws(RequestError) -> Format {
        switch text.lowercased() {
        case "json", "": .json
        case "pretty", "prettyjson": .pretty
        case "csv": .csv
        case "yaml", "xml":
            throw RequestError("format: \(text.lowercased()) is not served here; json, pretty and csv are")
        default: throw RequestError("format: '\(text)' is none of json, pretty, csv")
        }
    }
}

/// A request that is refused: the text goes into `{"error": …}`.
struct RequestError: DescribedError {
    let problem: String
    init(_ problem: String) { self.problem = problem }
}
