internal import NIOCore

/// The body of an answer: users, drawn one by one and written at once, so that 5,000 of them never stand in memory as values.
enum UserDocument {
    static let version: StaticString = "1.4"

    static func write(_ parameters: RequestParameters, seed: String, now: CivilTime, into buffer: ByteBuffer) -> ByteBuffer {
        let generator = UserGenerator(
            seed: seed, nations: parameters.nations, isMale: parameters.isMale, password: parameters.password, now: now)
        let first = (parameters.page - 1) * parameters.results
        switch parameters.format {
        case .csv:
            var csv = CSVWriter(buffer: buffer, fields: parameters.fields)
            for index in first..<first + parameters.results { csv.write(generator.user(at: index)) }
            return csv.buffer
        case .json, .pretty:
            var json = JSONWriter(buffer: buffer, pretty: parameters.format == .pretty)
            json.open(UInt8(ascii: "{"))
            json.key("results")
            json.open(UInt8(ascii: "["))
            for index in first..<first + parameters.results {
                json.element()
                write(generator.user(at: index), parameters.fields, &json)
            }
            json.close(UInt8(ascii: "]"))
            if parameters.showsInfo { info(seed: seed, results: parameters.results, page: parameters.page, &json) }
            json.close(UInt8(ascii: "}"))
            return json.buffer
        }
    }

    static func info(seed: String, results: Int, page: Int, _ json: inout JSONWriter) {
        json.object("info") { json in
            json.key("seed")
            json.escaped(seed)
            json.field("results", results)
            json.field("page", page)
            json.key("version")
            json.plain("\(version)")
        }
    }

    private static func write(_ user: GeneratedUser, _ fields: UserFields, _ json: inout JSONWriter) {
        json.open(UInt8(ascii: "{"))
        if fields.contains(.gender) { json.field("gender", user.gender) }
        if fields.contains(.name) {
            json.object("name") { json in
                json.field("title", user.title)
                json.field("first", user.first.text)
                json.field("last", user.last.text)
            }
        }
        if fields.contains(.location) { location(user, &json) }
        if fields.contains(.email) { json.field("email", user.email) }
        if fields.contains(.login) { login(user, &json) }
        if fields.contains(.dob) {
            json.object("dob") { json in
                json.field("date", user.birth.text)
                json.field("age", user.age)
            }
        }
        if fields.contains(.registered) {
            json.object("registered") { json in
                json.field("date", user.registration.text)
                json.field("age", user.registrationAge)
            }
        }
        if fields.contains(.phone) { json.field("phone", user.phone) }
        if fields.contains(.cell) { json.field("cell", user.cell) }
        if fields.contains(.id) {
            json.object("id") { json in
                json.field("name", user.nation.identity?.rawValue ?? "")
                json.key("value")
                if let identity = user.identity { json.plain(identity) } else { json.null() }
            }
        }
        if fields.contains(.picture) {
            json.object("picture") { json in
                json.field("large", user.picture(""))
                json.field("medium", user.picture("med/"))
                json.field("thumbnail", user.picture("thumb/"))
            }
        }
        if fields.contains(.nat) { json.field("nat", user.nation.code) }
        json.close(UInt8(ascii: "}"))
    }

    private static func location(_ user: GeneratedUser, _ json: inout JSONWriter) {
        json.object("location") { json in
            json.object("street") { json in
                json.field("number", user.streetNumber)
                json.field("name", user.street)
            }
            json.field("city", user.city)
            json.field("state", user.state)
            json.field("country", user.nation.country)
            switch user.postcode {
            case .number(let number): json.field("postcode", number)
            case .text(let text): json.field("postcode", text)
            }
            json.object("coordinates") { json in
                let (latitude, longitude) = user.coordinates
                json.field("latitude", latitude)
                json.field("longitude", longitude)
            }
            json.object("timezone") { json in
                json.field("offset", user.timezone.offset)
                json.field("description", user.timezone.description)
            }
        }
    }

    private static func login(_ user: GeneratedUser, _ json: inout JSONWriter) {
        json.object("login") { json in
            let digests = user.digests
            json.field("uuid", user.uuid)
            json.field("username", user.username)
            json.key("password")
            json.escaped(user.password)
            json.field("salt", user.salt)
            json.field("md5", digests.md5)
            json.field("sha1", digests.sha1)
            json.field("sha256", digests.sha256)
        }
    }
}
