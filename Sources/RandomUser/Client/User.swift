/// A user as the API gives it: every field of the 1.4 format.
///
/// The post code, which the API sends as a number or a string by country, is text here. A field that `inc` or `exc` left out is empty.
package struct User: Sendable, Hashable {
    package struct Login: Sendable, Hashable {
        package var uuid = "", username = "", password = "", salt = "", md5 = "", sha1 = "", sha256 = ""
    }

    package struct Location: Sendable, Hashable {
        package var streetNumber = 0
        package var streetName = "", city = "", state = "", country = "", postcode = ""
        package var latitude = "", longitude = "", timezoneOffset = "", timezoneDescription = ""
    }

    package struct DatedAge: Sendable, Hashable {
        /// ISO 8601 in UTC, as sent.
        package var date = ""
        package var age = 0
    }

    package struct Picture: Sendable, Hashable {
        package var large = "", medium = "", thumbnail = ""
    }

    package var gender = "", title = "", first = "", last = ""
    package var location = Location()
    package var email = ""
    package var login = Login()
    package var dob = DatedAge()
    package var registered = DatedAge()
    package var phone = "", cell = ""
    package var identityName = ""
    package var identityValue: String?
    package var picture = Picture()
    package var nationality = ""

    package init() {}
}
