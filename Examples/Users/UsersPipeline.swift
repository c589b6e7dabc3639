public import Leat

/// The users pipeline: once a day, and at once when it is deployed, fetch random users for a minute, send each to a Kafka
/// topic, and let a streaming query write the topic to a Cassandra table.
///
///     randomuser API ─► DAG user_automation ─► topic users_created ─► query users ─► table spark_streams.created_users
public struct UsersPipeline: Pipeline {
    /// `leat run users` finds it by this.
    public let name = "users"

    /// The command makes one.
    public init() {}

    /// One DAG of one task.
    public var dags: [DAG] {
        DAG("user_automation", schedule: .daily, catchup: false, description: "Random users, streamed to users_created") {
            SwiftOperator("stream_data_from_api", retries: 3, retryDelay: .seconds(5), produces: "users_created") { run in
                for try await person in run.randomUsers() {
                    let user = User(person)
                    try await run.kafka.send(user, to: "users_created", key: user.id)
                }
            }
        }
    }

    /// The keyspace and the table that the query writes to.
    public func prepare(_ cassandra: CassandraSession) async throws {
        try await cassandra.execute(
            """
            CREATE KEYSPACE IF NOT EXISTS spark_streams
            WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}
            """)
        try await cassandra.execute(
            """
            CREATE TABLE IF NOT EXISTS spark_streams.created_users (
                id UUID PRIMARY KEY, first_name TEXT, last_name TEXT, gender TEXT, address TEXT, post_code TEXT,
                email TEXT, username TEXT, dob TEXT, registered_date TEXT, phone TEXT, picture TEXT)
            """)
    }

    /// Topic to table.
    public func queries(_ spark: SparkSession) -> [DataStreamWriter] {
        spark.readStream.format("kafka")
            .option("subscribe", "users_created")
            .option("startingOffsets", "earliest")
            .load()
            .selectExpr("CAST(value AS STRING)")
            .select(from_json(col("value"), User.schema).alias("data"))
            .select("data.*")
            .writeStream.queryName("users")
            .format("org.apache.spark.sql.cassandra")
            .option("keyspace", "spark_streams")
            .option("table", "created_users")
    }
}

/// The record that travels: flat, all text, as the table has it.
struct User: Encodable {
    let id, firstName, lastName, gender, address, postCode, email, username, dob, registeredDate, phone, picture: String

    enum CodingKeys: String, CodingKey {
        case id, firstName = "first_name", lastName = "last_name", gender, address, postCode = "post_code"
        case email, username, dob, registeredDate = "registered_date", phone, picture
    }

    init(_ person: RandomPerson) {
        let home = person.location
        id = person.login.uuid
        firstName = person.name.first
        lastName = person.name.last
        gender = person.gender
        address = "\(home.street.number) \(home.street.name), \(home.city), \(home.state), \(home.country)"
        postCode = home.postcode
        email = person.email
        username = person.login.username
        dob = person.dob.date
        registeredDate = person.registered.date
        phone = person.phone
        picture = person.picture.medium
    }

    static let schema = StructType(
        """
        id STRING, first_name STRING, last_name STRING, gender STRING, address STRING, post_code STRING,
        email STRING, username STRING, dob STRING, registered_date STRING, phone STRING, picture STRING
        """)
}
