import IO
import Stack
import Testing

@Suite struct StackConfigurationTests {
    private func file(_ yaml: String) throws -> ConfigurationFile { try ConfigurationFile(name: "leat.yaml", yaml: yaml) }

    @Test func laterSourcesStandOverEarlierOnes() throws {
        let file = try file(
            """
            broker:
              port: 1
            store: {port: 2}
            profiles:
              real:
                broker: kafka-1:9092,kafka-2:9092
                store:
                  port: 3
            """)
        let configuration = try StackConfiguration(
            file: file, profile: "real", environment: ["LEAT_ENGINE_PORT": "4", "PATH": "/bin"], flags: [("console.port", "5")])
        #expect(configuration.values.integer("broker.port") == 1)
        #expect(configuration.values.origin(of: "broker.port").description == "leat.yaml:2")
        #expect(configuration.values.integer("store.port") == 3)
        #expect(configuration.values.integer("engine.port") == 4)
        #expect(configuration.values.origin(of: "engine.port").description == "environment LEAT_ENGINE_PORT")
        #expect(configuration.values.integer("console.port") == 5)
        #expect(configuration.placement(of: .broker) == .address("kafka-1:9092,kafka-2:9092"))
        #expect(try configuration.endpoints(of: .broker).map(\.description) == ["kafka-1:9092", "kafka-2:9092"])
        #expect(configuration.placement(of: .store) == .embedded)
    }

    @Test func anUnknownKeyNamesFileLineAndNearestKey() throws {
        let file = try file("broker:\n  port: 1\n  prot: 2\n")
        let error = #expect(throws: SettingError.self) { try StackConfiguration(file: file) }
        #expect(error?.description.contains("leat.yaml:3") == true)
        #expect(error?.description.contains("'broker.port'") == true)
    }

    @Test func anUnknownEnvironmentVariableIsSaid() {
        let error = #expect(throws: SettingError.self) { try StackConfiguration(environment: ["LEAT_BROKER_PROT": "1"]) }
        #expect(error?.description.contains("LEAT_BROKER_PROT") == true)
    }

    @Test func anUnknownProfileNamesThoseThatThereAre() throws {
        let file = try file("profiles: {real: {broker: 'k:1'}}")
        let error = #expect(throws: ConfigurationFileError.self) { try StackConfiguration(file: file, profile: "reel") }
        #expect(error?.description.contains("it has real") == true)
    }

    @Test(arguments: ["a: [", "- 1", "broker: {port: 1", "broker:\n  port: 1\n  port: 2"])
    func whatIsNoConfigurationIsRefusedWithItsPlace(yaml: String) {
        let error = #expect(throws: (any Error).self) { try StackConfiguration(file: ConfigurationFile(name: "leat.yaml", yaml: yaml)) }
        #expect(error.map { "\($0)" }?.contains("leat.yaml") == true)
    }

    @Test func anEmptyFileSetsNothing() throws {
        #expect(try file("").entries.isEmpty)
        #expect(try file("# a comment\n").entries.isEmpty)
    }

    @Test func everyBoxHasItsPlaceItsHostItsPortAndItsAdvertisedAddress() {
        let keys = Set(StackSettings.all.map(\.key))
        for box in Box.allCases {
            for part in ["use", "host", "port", "advertised"] {
                #expect(keys.contains("\(box.rawValue).\(part)"), "\(box.rawValue).\(part)")
            }
        }
    }

    @Test func everySettingIsDeclaredOnceAndExplained() {
        let keys = StackSettings.all.map(\.key)
        #expect(Set(keys).count == keys.count)
        for setting in StackSettings.all { #expect(setting.help.count > 10, "\(setting.key)") }
    }

    @Test func everyListenerBindsToLoopbackByDefault() throws {
        let values = try StackConfiguration().values
        for box in Box.allCases { #expect(values.text("\(box.rawValue).host") == "127.0.0.1") }
    }

    @Test func addressesOfTheApiTakeAUrlOrAHost() throws {
        #expect(try StackConfiguration().apiAddress() == "http://127.0.0.1:8088/api/")
        #expect(try StackConfiguration(flags: [("api.use", "https://randomuser.me/api/")]).apiAddress() == "https://randomuser.me/api/")
        #expect(try StackConfiguration(flags: [("api.use", "host:1")]).apiAddress() == "http://host:1/api/")
    }
}
