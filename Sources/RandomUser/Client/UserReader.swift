internal import IO

/// Reads an answer of the API: the users under `results`, or the text under `error`.
enum UserReader {
    struct Answer {
        var users: [User] = []
        var error: String?
    }

    static func read(_ bytes: UnsafeRawBufferPointer) throws(MalformedJSON) -> Answer {
        var scanner = JSONScanner(bytes)
        var answer = Answer()
        var sawResults = false
        try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
            switch key {
            case "results":
                sawResults = true
                try scanner.array { (scanner: inout JSONScanner) throws(MalformedJSON) in answer.users.append(try user(&scanner)) }
            case "error": answer.error = try scanner.string()
            default: try scanner.skip()
            }
        }
        try scanner.end()
        guard sawResults || answer.error != nil else { throw MalformedJSON(offset: scanner.at, wanted: "\"results\"") }
        return answer
    }

    private static func user(_ scanner: inout JSONScanner) throws(MalformedJSON) -> User {
        var user = User()
        try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
            switch key {
            case "gender": user.gender = try scanner.string()
            case "name":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "title": user.title = try scanner.string()
                    case "first": user.first = try scanner.string()
                    case "last": user.last = try scanner.string()
                    default: try scanner.skip()
                    }
                }
            case "location": user.location = try location(&scanner)
            case "email": user.email = try scanner.string()
            case "login": user.login = try login(&scanner)
            case "dob": user.dob = try datedAge(&scanner)
            case "registered": user.registered = try datedAge(&scanner)
            case "phone": user.phone = try scanner.string()
            case "cell": user.cell = try scanner.string()
            case "id":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "name": user.identityName = try scanner.stringOrNull() ?? ""
                    case "value": user.identityValue = try scanner.stringOrNull()
                    default: try scanner.skip()
                    }
                }
            case "picture":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "large": user.picture.large = try scanner.string()
                    case "medium": user.picture.medium = try scanner.string()
                    case "thumbnail": user.picture.thumbnail = try scanner.string()
                    default: try scanner.skip()
                    }
                }
            case "nat": user.nationality = try scanner.string()
            default: try scanner.skip()
            }
        }
        return user
    }

    private static func location(_ scanner: inout JSONScanner) throws(MalformedJSON) -> User.Location {
        var location = User.Location()
        try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
            switch key {
            case "street":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "number": location.streetNumber = try scanner.integer()
                    case "name": location.streetName = try scanner.string()
                    default: try scanner.skip()
                    }
                }
            case "city": location.city = try scanner.string()
            case "state": location.state = try scanner.string()
            case "country": location.country = try scanner.string()
            case "postcode": location.postcode = try scanner.textOrNumber()
            case "coordinates":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "latitude": location.latitude = try scanner.textOrNumber()
                    case "longitude": location.longitude = try scanner.textOrNumber()
                    default: try scanner.skip()
                    }
                }
            case "timezone":
                try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
                    switch key {
                    case "offset": location.timezoneOffset = try scanner.string()
                    case "description": location.timezoneDescription = try scanner.string()
                    default: try scanner.skip()
                    }
                }
            default: try scanner.skip()
            }
        }
        return location
    }

    private static func login(_ scanner: inout JSONScanner) throws(MalformedJSON) -> User.Login {
        var login = User.Login()
        try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
            switch key {
            case "uuid": login.uuid = try scanner.string()
            case "username": login.username = try scanner.string()
            case "password": login.password = try scanner.string()
            case "salt": login.salt = try scanner.string()
            case "md5": login.md5 = try scanner.string()
            case "sha1": login.sha1 = try scanner.string()
            case "sha256": login.sha256 = try scanner.string()
            default: try scanner.skip()
            }
        }
        return login
    }

    private static func datedAge(_ scanner: inout JSONScanner) throws(MalformedJSON) -> User.DatedAge {
        var value = User.DatedAge()
        try scanner.object { (scanner: inout JSONScanner, key: String) throws(MalformedJSON) in
            switch key {
            case "date": value.date = try scanner.string()
            case "age": value.age = try scanner.integer()
            default: try scanner.skip()
            }
        }
        return value
    }
}
