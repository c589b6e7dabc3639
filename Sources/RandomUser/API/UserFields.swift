/// The top-level fields of a user, as `inc` and `exc` name them.
struct UserFields: OptionSet, Sendable {
    let rawValue: UInt16

    static let gender = UserFields(rawValue: 1 << 0)
    static let name = UserFields(rawValue: 1 << 1)
    static let location = UserFields(rawValue: 1 << 2)
    static let email = UserFields(rawValue: 1 << 3)
    static let login = UserFields(rawValue: 1 << 4)
    static let dob = UserFields(rawValue: 1 << 5)
    static let registered = UserFields(rawValue: 1 << 6)
    static let phone = UserFields(rawValue: 1 << 7)
    static let cell = UserFields(rawValue: 1 << 8)
    static let id = UserFields(rawValue: 1 << 9)
    static let picture = UserFields(rawValue: 1 << 10)
    static let nat = UserFields(rawValue: 1 << 11)

    static let names = [
        "gender", "name", "location", "email", "login", "dob", "registered", "phone", "cell", "id", "picture", "nat",
    ]
    static let all = UserFields(rawValue: 1 << 12 - 1)

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(parsing text: String, parameter: String) throws(RequestError) {
        var fields: UserFields = []
        for part in text.split(separator: ",") {
            let name = part.trimmingSpaces
            guard let index = Self.names.firstIndex(of: name.lowercased()) else {
                throw RequestError("\(parameter): '\(name)' is no field; the fields are \(Self.names.joined(separator: ", "))")
            }
            fields.insert(UserFields(rawValue: 1 << UInt16(index)))
        }
        self = fields
    }
}

extension StringProtocol {
    var trimmingSpaces: String {
        let start = drop { $0 == " " }
        return String(start.prefix(start.count - start.reversed().prefix { $0 == " " }.count))
    }
}
