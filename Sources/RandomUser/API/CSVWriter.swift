internal import NIOCore

/// Users as comma-separated values (RFC 4180): one header line with dotted names, one line a user.
struct CSVWriter {
    private(set) var buffer: ByteBuffer
    private let fields: UserFields

    init(buffer: ByteBuffer, fields: UserFields) {
        self.buffer = buffer
        self.fields = fields
        var names: [String] = []
        for (index, columns) in Self.columns.enumerated() where fields.contains(UserFields(rawValue: 1 << UInt16(index))) {
            names += columns
        }
        self.buffer.writeString(names.joined(separator: ","))
        self.buffer.writeStaticString("\r\n")
    }

    mutating func write(_ user: GeneratedUser) {
        var isFirst = true
        func put(_ text: String, _ buffer: inout ByteBuffer) {
            if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            guard text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }) else {
                buffer.writeString(text)
                return
            }
            buffer.writeInteger(UInt8(ascii: "\""))
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\"") { buffer.writeInteger(byte) }
                buffer.writeInteger(byte)
            }
            buffer.writeInteger(UInt8(ascii: "\""))
        }
        for (index, _) in Self.columns.enumerated() {
            let field = UserFields(rawValue: 1 << UInt16(index))
            guard fields.contains(field) else { continue }
            for value in Self.values(of: field, user) { put(value, &buffer) }
        }
        buffer.writeStaticString("\r\n")
    }

    private static func values(of field: UserFields, _ user: GeneratedUser) -> [String] {
        switch field {
        case .gender: [user.gender]
        case .name: [user.title, user.first.text, user.last.text]
        case .location: location(user)
        case .email: [user.email]
        case .login: login(user)
        case .dob: [user.birth.text, "\(user.age)"]
        case .registered: [user.registration.text, "\(user.registrationAge)"]
        case .phone: [user.phone]
        case .cell: [user.cell]
        case .id: [user.nation.identity?.rawValue ?? "", user.identity ?? ""]
        case .picture: [user.picture(""), user.picture("med/"), user.picture("thumb/")]
        default: [user.nation.code]
        }
    }

    private static func location(_ user: GeneratedUser) -> [String] {
        let postcode =
            switch user.postcode {
            case .number(let number): "\(number)"
            case .text(let text): text
            }
        let (latitude, longitude) = user.coordinates
        return [
            "\(user.streetNumber)", user.street, user.city, user.state, user.nation.country, postcode, latitude, longitude,
            user.timezone.offset, user.timezone.description,
        ]
    }

    private static func login(_ user: GeneratedUser) -> [String] {
        let digests = user.digests
        return [user.uuid, user.username, user.password, user.salt, digests.md5, digests.sha1, digests.sha256]
    }

    /// Column names, in the order of ``UserFields``.
    private static let columns: [[String]] = [
        ["gender"], ["name.title", "name.first", "name.last"],
        [
            "location.street.number", "location.street.name", "location.city", "location.state", "location.country",
            "location.postcode", "location.coordinates.latitude", "location.coordinates.longitude", "location.timezone.offset",
            "location.timezone.description",
        ],
        ["email"],
        ["login.uuid", "login.username", "login.password", "login.salt", "login.md5", "login.sha1", "login.sha256"],
        ["dob.date", "dob.age"], ["registered.date", "registered.age"], ["phone"], ["cell"], ["id.name", "id.value"],
        ["picture.large", "picture.medium", "picture.thumbnail"], ["nat"],
    ]
}
