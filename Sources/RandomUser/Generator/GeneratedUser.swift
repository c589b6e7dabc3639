/// One user as the generator has drawn it, before it is written in any format.
struct GeneratedUser: Sendable {
    let nation: Nation
    let isMale: Bool
    let title: String
    let first: Nation.Name
    let last: Nation.Name
    let streetNumber: Int
    let street: String
    let city: String
    let state: String
    let postcode: Postcode
    /// In ten-thousandths of a degree.
    let latitude: Int
    let longitude: Int
    let timezone: (offset: String, description: String)
    let uuid: String
    let username: String
    let password: String
    let salt: String
    let birth: CivilTime
    let age: Int
    let registration: CivilTime
    let registrationAge: Int
    let phone: String
    let cell: String
    let identity: String?
    let portrait: Int

    enum Postcode: Sendable {
        case number(Int)
        case text(String)
    }

    var gender: String { isMale ? "male" : "female" }
    var email: String { "\(first.address).\(last.address)@example.com" }

    /// Digests of the password followed by the salt.
    var digests: (md5: String, sha1: String, sha256: String) {
        let salted = Array((password + salt).utf8)
        return (MessageDigests.md5(salted), MessageDigests.sha1(salted), MessageDigests.sha256(salted))
    }

    var coordinates: (latitude: String, longitude: String) { (Self.degrees(latitude), Self.degrees(longitude)) }

    func picture(_ size: String) -> String {
        "https://randomuser.me/api/portraits/\(size)\(isMale ? "men" : "women")/\(portrait).jpg"
    }

    private static func degrees(_ value: Int) -> String {
        let fraction = String(abs(value) % 10_000)
        return (value < 0 ? "-" : "") + "\(abs(value) / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
    }
}
