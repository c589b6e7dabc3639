internal import Logging
internal import RandomUser
internal import Scheduler

/// Users as they come from the API, at a steady pace: see ``TaskRun/randomUsers()``.
public struct RandomUsers: AsyncSequence, Sendable {
    let client: RandomUserClient
    let rate: Int
    let duration: Duration
    let context: TaskContext

    /// Begins to fetch.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// The users of one pass.
    public struct Iterator: AsyncIteratorProtocol {
        private let client: RandomUserClient
        private let context: TaskContext
        private var users: UserPoll.Iterator
        private var failuresSeen: Int
        private var fetched = 0

        init(_ sequence: RandomUsers) {
            client = sequence.client
            context = sequence.context
            failuresSeen = client.statistics.failureCount
            users = sequence.client.poll(rate: Double(sequence.rate), for: sequence.duration).makeAsyncIterator()
        }

        /// The next user, or nil when the time is over.
        ///
        /// - Throws: the API's last failure when its retries are used up.
        public mutating func next() async throws -> RandomPerson? {
            defer { tellFailures() }
            guard let user = try await users.next() else {
                context.log("fetched \(fetched) user\(fetched == 1 ? "" : "s")")
                return nil
            }
            fetched += 1
            context.count("fetched", 1)
            return RandomPerson(user)
        }

        private mutating func tellFailures() {
            let statistics = client.statistics
            guard statistics.failureCount > failuresSeen else { return }
            context.count("retried", statistics.failureCount - failuresSeen)
            failuresSeen = statistics.failureCount
            context.log("the API failed, and was asked again: \(statistics.lastFailure ?? "")", level: .warning)
        }
    }
}

/// One user, in the words of randomuser.me's answer.
public struct RandomPerson: Sendable, Hashable {
    /// A person's name, each part in the nation's own script.
    public struct Name: Sendable, Hashable {
        /// `Ms`, `Monsieur`; the given name; the family name.
        public let title, first, last: String
    }

    /// A street and the house's number in it.
    public struct Street: Sendable, Hashable {
        /// The house's number.
        public let number: Int
        /// The street's name.
        public let name: String
    }

    /// Where a person lives.
    public struct Location: Sendable, Hashable {
        /// The street and the number.
        public let street: Street
        /// The post code is text here, though the API sends a number for some countries.
        public let city, state, country, postcode: String
    }

    /// What a person logs in with.
    public struct Login: Sendable, Hashable {
        /// A random UUID, and the user name.
        public let uuid, username: String
    }

    /// A date, and the years since.
    public struct DatedAge: Sendable, Hashable {
        /// ISO 8601.
        public let date: String
        /// Whole years.
        public let age: Int
    }

    /// Addresses of one portrait in three sizes.
    public struct Picture: Sendable, Hashable {
        /// 128, 72 and 48 pixels wide.
        public let large, medium, thumbnail: String
    }

    /// `female` or `male`.
    public let gender: String
    /// The name.
    public let name: Name
    /// The address.
    public let location: Location
    /// The mail address, at example.com.
    public let email: String
    /// The account.
    public let login: Login
    /// The birth day, and the day of registration.
    public let dob, registered: DatedAge
    /// Telephone numbers in the nation's form.
    public let phone, cell: String
    /// The portrait.
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
