import IO
import Testing

@Suite struct SettingTests {
    let settings = [
        Setting("broker.port", .integer(0...65_535), default: "9092", "the port"),
        Setting("broker.flush", .choice(["group", "os"]), default: "group", "when"),
        Setting("broker.timeout", .duration, default: "30s", "how long"),
        Setting("broker.memory", .bytes, default: "64MiB", "how much"),
        Setting("broker.name", .text, default: "", "what"),
    ]

    @Test func aValueIsKeptWithItsOrigin() throws {
        var values = SettingValues(settings)
        #expect(values.integer("broker.port") == 9092)
        #expect(values.origin(of: "broker.port") == .builtIn)
        try values.set("broker.port", to: "19092", from: .flag("--broker.port"))
        #expect(values.integer("broker.port") == 19_092)
        #expect(values.origin(of: "broker.port").description == "flag --broker.port")
    }

    @Test func anUnknownKeyNamesTheNearestKnownOneAndItsPlace() {
        var values = SettingValues(settings)
        let error = #expect(throws: SettingError.self) {
            try values.set("broker.prot", to: "1", from: .file(name: "leat.yaml", line: 12))
        }
        #expect(error?.description.contains("leat.yaml:12") == true)
        #expect(error?.description.contains("'broker.port'") == true)
    }

    @Test(arguments: [
        ("broker.port", "ninety"), ("broker.port", "70000"), ("broker.flush", "never"), ("broker.timeout", "30"),
        ("broker.memory", "64 XB"),
    ])
    func aValueOfTheWrongFormIsRefused(key: String, text: String) {
        var values = SettingValues(settings)
        #expect(throws: SettingError.self) { try values.set(key, to: text, from: .flag(key)) }
        #expect(values.origin(of: key) == .builtIn)
    }

    @Test(arguments: [("1048576", 1 << 20), ("64MiB", 64 << 20), ("1GiB", 1 << 30), ("1kb", 1_000), ("0", 0)])
    func bytesAreReadWithTheirUnits(text: String, bytes: Int) {
        #expect(Setting.bytes(text) == bytes)
    }

    @Test func aNumberOfBytesThatOverflowsIsNone() {
        #expect(Setting.bytes("99999999999GiB") == nil)
    }

    @Test func theEnvironmentsNameIsDerived() {
        #expect(settings[0].environmentName == "LEAT_BROKER_PORT")
    }

    @Test func editDistanceCountsInsertionsDeletionsAndSubstitutions() {
        #expect(editDistance("prot", "port") == 2)
        #expect(editDistance("", "abc") == 3)
        #expect(editDistance("same", "same") == 0)
    }
}
