import Testing

@testable import LeatCommand

@Suite struct SettingFlagsTests {
    let keys: Set<String> = ["data", "broker.port", "log.level"]

    @Test func settingsAreTakenOutWhereverTheyStand() {
        let flags = SettingFlags(arguments: ["--data", "x", "up", "--broker.port=1", "--for", "2m", "--log.level", "debug"], keys: keys)
        #expect(flags.rest == ["up", "--for", "2m"])
        #expect(flags.pairs.map(\.key) == ["data", "broker.port", "log.level"])
        #expect(flags.pairs.map(\.text) == ["x", "1", "debug"])
    }

    @Test func aMisspeltSettingIsTakenForOneSoThatItIsToldSo() {
        let flags = SettingFlags(arguments: ["up", "--broker.prot", "1"], keys: keys)
        #expect(flags.rest == ["up"])
        #expect(flags.pairs.map(\.key) == ["broker.prot"])
    }

    @Test func whatFollowsTwoDashesIsLeftAlone() {
        let flags = SettingFlags(arguments: ["produce", "--", "--data", "x"], keys: keys)
        #expect(flags.rest == ["produce", "--", "--data", "x"])
        #expect(flags.pairs.isEmpty)
    }

    @Test func anEmptyValueIsOneAndAMissingOneIsNot() {
        let flags = SettingFlags(arguments: ["--data=", "--log.level"], keys: keys)
        #expect(flags.pairs.map(\.text) == [""] && flags.missing == ["log.level"])
    }
}

@Suite struct TextTableTests {
    @Test func columnsAreAsWideAsTheirWidestCell() {
        var table = TextTable([.init("NAME"), .init("ROWS", alignsRight: true)])
        table.add(["a", "1"])
        table.add(["longer", "12345"])
        #expect(
            table.text(style: .plain) == """
                NAME     ROWS
                ──────  ─────
                a           1
                longer  12345

                """)
    }

    @Test func wideAndCombiningCharactersLineUp() {
        #expect(TextTable.width("漢字") == 4)
        #expect(TextTable.width("e\u{301}") == 1)
        #expect(TextTable.width("🐴") == 2)
        #expect(TextTable.cut("漢字漢字", to: 5) == "漢字…")
    }

    @Test func controlCharactersAreShownAndNotObeyed() {
        #expect(TextTable.printable("a\u{1B}[31m\n") == "a␛[31m␊")
    }
}
