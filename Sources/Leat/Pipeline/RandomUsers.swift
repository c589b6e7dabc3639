internal import RandomUser
internal import Scheduler

/// Users as they come from the API, at a steady pace: see ``TaskRun/randomUsers()``.
public struct RandomUsers: AsyncSequence, Sendable {
    let client: RandomUserClient
    let rate: Int
    let duration: Duration
    let context: TaskContext

    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    public struct Iterator: AsyncIteratorProtocol {
        private let client: RandomUserClient
        private let context: TaskContext
        private var users: UserPoll.Iterator
        private var failuresSeen: Int

        init(_ sequence: RandomUsers) {
            client = sequence.client
            context = sequence.context
            failuresSeen = client.statistics.failureCount
            users = sequence.client.poll(rate: Double(sequence.rate), for: sequence.duration).makeAsyncIterator()
        }

        /// - Throws: the API's last failure when its retries are used up.
        public mutating func next() async throws -> RandomPerson? {
            defer { tellFailures() }
            return try await users.next().map(RandomPerson.init)
        }

        private mutating func tellFailures() {
            let statistics = client.statistics
            guard statistics.failureCount > failuresSeen else { return }
            context.count("api_failures", statistics.failureCount - failuresSeen)
            failuresSeen = statistics.failureCount
            context.log("the API failed, and was asked again: \(statistics.lastFailure ?? "")", level: .warning)
        }
    }
}

/// One user, in the words of randomuser.me's answer.
public struct RandomPerson: Sendable, Hashable {
    public struct Name: Sendable, Hashable { public let title, first, last: String }
    public struct Street: Sendable, Hashable {
        public let number: Int
        public let name: String
    }
    public struct Location: Sendable, Hashable {
        public let street: Street
        /// The post code is text here, though the API sends a number for some countries.
        public let city, state, country, postcode: String
    }
    public struct Login: Sendable, Hashable { public let uuid, username: String }
    public struct DatedAge: Sendable, Hashable {
        /// ISO 8601.
        public let date: String
        public let age: Int
    }
    public struct Picture: Sendable, Hashable { public let large, medium, thumbnail: String }

    public let gender: String
    public let name: Name
    public let location: Location
    public let email: String
    public let login: Login
    public let dob, registered: DatedAge
    public let phone, cell: String
    public let picture: Picture
    /// Two letters, as the API has them.
    public let nat: String

    init(_ user: User) {
        gender = user.gender
        name = Name(title: user.title, first: user.first, last: user.last)
        let place = user.location
        location = Location(
            street: Street(number: place.streetNumber, name: place.streetName), city: place.city, state: place.state,
            country: place.country, postcode: place.postcode)
        email = user.email
        login = Login(uuid: user.login.uuid, username: user.login.username)
        dob = DatedAge(date: user.dob.date, age: user.dob.age)
        registered = DatedAge(date: user.registered.date, age: user.registered.age)
        phone = user.phone
        cell = user.cell
        picture = Picture(large: user.picture.large, medium: user.picture.medium, thumbnail: user.picture.thumbnail)
        nat = user.nationality
    }
}
