internal import IO

/// The options of `format("jdbc")`, with Spark's names and words, for an address of PostgreSQL's: the one database that is reached, by
/// libpq, without a driver.
///
/// https://spark.apache.org/docs/latest/sql-data-sources-jdbc.html
struct JDBCOptions: Sendable {
    var url: String
    /// The keywords and values of libpq.
    var connection: [(keyword: String, value: String)]
    /// A table's name, or a query in parentheses with an alias.
    var table: String
    var fetchSize: Int?
    var sessionInitStatement: String?
    var queryTimeoutSeconds: Int
    var truncates: Bool
    var createTableOptions: String

    init(_ options: Options) throws {
        guard let url = options["url"]?.trimmed else { throw Self.invalid("Option 'url' is required.") }
        self.url = url
        connection = try Self.connection(url, user: options["user"], password: options["password"])
        switch (options["dbtable"]?.trimmed, options["query"]?.trimmed) {
        case (nil, nil): throw Self.invalid("Option 'dbtable' or 'query' is required.")
        case (.some, .some): throw Self.invalid("Both 'dbtable' and 'query' can not be specified at the same time.")
        case (let table?, nil):
            guard !table.isEmpty else { throw Self.invalid("Option 'dbtable' can not be empty.") }
            self.table = table
        case (nil, let query?):
            guard !query.isEmpty else { throw Self.invalid("Option 'query' can not be empty.") }
            guard options["partitionColumn"] == nil else {
                throw Self.invalid("Options 'query' and 'partitionColumn' can not be specified together.")
            }
            table = "(\(query)) spark_gen_subq"
        }
        let parts = ["partitionColumn", "lowerBound", "upperBound"].filter { options[$0] != nil }
        guard parts.isEmpty || parts.count == 3 && options["numPartitions"] != nil else {
            throw Self.invalid(
                "When reading JDBC data sources, users need to specify all or none for the following options: 'partitionColumn', 'lowerBound', 'upperBound', and 'numPartitions'."
            )
        }
        for name in ["customSchema", "createTableColumnTypes", "keytab"] where options[name] != nil {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "The jdbc option '\(name)' is not served by this engine.")
        }
        // 0 leaves it to the driver, as in Spark.
        fetchSize = try Self.number(options, "fetchsize", least: 0).flatMap { $0 > 0 ? $0 : nil }
        _ = try Self.number(options, "batchsize", least: 1)
        _ = try Self.number(options, "numPartitions", least: 1)
        queryTimeoutSeconds = try Self.number(options, "queryTimeout", least: 0) ?? 0
        sessionInitStatement = options["sessionInitStatement"]
        truncates = options["truncate"]?.equalsIgnoringCase("true") ?? false
        createTableOptions = options["createTableOptions"] ?? ""
    }

    static func invalid(_ message: String) -> SparkError { SparkError("INVALID_JDBC_OPTION", sqlState: "42616", message) }

    private static func number(_ options: Options, _ name: String, least: Int) throws -> Int? {
        guard let text = options[name] else { return nil }
        guard let value = Int(text.trimmed), value >= least, value <= 1_000_000_000 else {
            throw invalid("Invalid value `\(text)` for parameter `\(name)`. The minimum value is \(least).")
        }
        return value
    }

    /// `jdbc:postgresql://host:port,host:port/database?name=value&…`, or `jdbc:postgresql:database`.
    private static func connection(_ url: String, user: String?, password: String?) throws -> [(keyword: String, value: String)] {
        let prefix = "jdbc:postgresql:"
        guard url.lowercased().hasPrefix(prefix) else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "No suitable driver for '\(url.prefix { $0 != "?" })': this engine reaches PostgreSQL alone.",
                nextStep: "write a url such as jdbc:postgresql://localhost:5432/database")
        }
        var rest = url.dropFirst(prefix.count)
        var query: Substring = ""
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        var found: [String: String] = ["client_encoding": "UTF8", "application_name": "leat", "options": "-c TimeZone=UTC"]
        var database = rest
        if rest.hasPrefix("//") {
            let authority = rest.dropFirst(2).prefix { $0 != "/" }
            database = rest.dropFirst(2 + authority.count).drop { $0 == "/" }
            var hosts: [String] = [], ports: [String] = []
            for part in authority.split(separator: ",") {
                let endpoint = try Endpoint.list(parsing: String(part), defaultPort: 5_432)
                hosts += endpoint.map(\.host)
                ports += endpoint.map { String($0.port) }
            }
            if !hosts.isEmpty {
                found["host"] = hosts.joined(separator: ",")
                found["port"] = ports.joined(separator: ",")
            }
        }
        if found["host"] == nil { found["host"] = "localhost" }
        if !database.isEmpty { found["dbname"] = decoded(database) }
        if let user { found["user"] = user }
        if let password { found["password"] = password }
        for pair in query.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            let value = decoded(pair.dropFirst(name.count + 1))
            switch name {
            case "user": if user == nil { found["user"] = value }
            case "password": if password == nil { found["password"] = value }
            case "sslmode": found["sslmode"] = value
            case "ssl": if value != "false", found["sslmode"] == nil { found["sslmode"] = "verify-full" }
            case "sslrootcert", "sslcert", "sslkey": found[String(name)] = value
            case "ApplicationName": found["application_name"] = value
            case "connectTimeout", "loginTimeout": found["connect_timeout"] = value
            case "currentSchema":
                found["options", default: ""] += " -c search_path=\(value.replacing("\\", with: "\\\\").replacing(" ", with: "\\ "))"
            // Java's driver has dozens more, which speak of its own ways.
            default: break
            }
        }
        return found.sorted { $0.key < $1.key }.map { (keyword: $0.key, value: $0.value) }
    }

    /// `%41` is A.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var utf8 = text.utf8[...]
        while let byte = utf8.popFirst() {
            if byte == UInt8(ascii: "%"), utf8.count >= 2, let value = UInt8(String(decoding: utf8.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                utf8 = utf8.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
