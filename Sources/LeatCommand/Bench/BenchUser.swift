import Cassandra
import IO
import Kafka
import Logging

/// A user of about 450 bytes and twelve fields, made from its number: the record of the pipeline's benchmarks.
struct BenchUser {
    /// Spread over the token ring, as version-4 UUIDs are.
    let uuid: CQLUUID
    let key: [UInt8]
    let json: [UInt8]

    init(_ number: Int) {
        var state = UInt64(bitPattern: Int64(number))
        func next() -> UInt64 {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        uuid = CQLUUID(high: (next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000, low: (next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000)
        key = Array(uuid.description.utf8)
        var json: [UInt8] = []
        json.reserveCapacity(480)
        json += Array("{\"id\":\"".utf8)
        json += key
        json += Self.middle
        json += Array("\(number)".utf8)
        json += Self.end
        self.json = json
    }

    private static let middle = Array(
        """
        ","first_name":"Melike","last_name":"Sözeri","gender":"female","address":"9890 Kushimoto Sk, Ankara, Hatay, Turkey",\
        "post_code":"33074","email":"melike.sozeri@example.com","username":"tinyladybug348","dob":"1944-10-02T08:39:49.850Z",\
        "registered_date":"2002-04-07T21:59:21.945Z","phone":"(396)-288-
        """.utf8)
    private static let end = Array("\",\"picture\":\"https://randomuser.me/api/portraits/med/women/32.jpg\"}".utf8)
}

extension BenchUser {
    /// Produces the users of the first numbers, and returns when all are acknowledged.
    static func fill(_ topic: String, at broker: Endpoint, count: Int) async throws {
        Terminal.note("filling the topic with \(count) records")
        let producer = try KafkaProducer(
            bootstrap: [broker], properties: ["linger.ms": "20", "batch.size": "131072", "compression.type": "none"], logger: .quietBench)
        let failures = FailureCount()
        for number in 0..<count {
            let user = BenchUser(number)
            while true {
                do {
                    try producer.enqueue(topic: topic, key: user.key, value: user.json) {
                        if case .failure = $0 { failures.add() }
                    }
                    break
                } catch ProducerError.queueFull {
                    try await producer.untilRoom()
                }
            }
        }
        try await producer.flush(timeout: .seconds(120))
        await producer.close()
        guard failures.count == 0 else { throw BenchError(problem: "\(failures.count) of \(count) records were not acknowledged") }
    }
}

extension Logger {
    /// For clients of a benchmark, whose own figures are what is to be seen.
    static var quietBench: Logger {
        var logger = Logger(label: "leat.bench")
        logger.logLevel = .error
        return logger
    }
}
