import Foundation
import IO
import Testing

@Suite struct DataFolderTests {
    let path = FileManager.default.temporaryDirectory.appending(path: "leat-folder-\(UUID().uuidString)").path

    @Test func aFolderThatIsInUseIsRefusedWithTheHoldersProcess() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try DataFolder(path: path + "/deep/er", box: "broker", version: 1)
        let error = #expect(throws: DataFolderError.self) { try DataFolder(path: path + "/deep/er", box: "broker", version: 1) }
        #expect(error?.description.contains("in use by process \(getpid())") == true)
        #expect(error?.description.contains("--data") == true)
        withExtendedLifetime(first) {}
    }

    @Test func aReleasedFolderOpensAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        do { _ = try DataFolder(path: path, box: "store", version: 1) }
        _ = try DataFolder(path: path, box: "store", version: 1)
    }

    @Test func aFolderOfANewerLayoutIsRefusedAndLeftAsItIs() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        do { _ = try DataFolder(path: path, box: "store", version: 3) }
        let error = #expect(throws: DataFolderError.self) { try DataFolder(path: path, box: "store", version: 2) }
        #expect(error?.description.contains("newer Leat (layout 3") == true)
        #expect(try String(contentsOfFile: path + "/leat.version", encoding: .utf8) == "3\n")
    }

    @Test func aFolderOfAnOlderLayoutIsOpenedAndMarked() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        do { _ = try DataFolder(path: path, box: "store", version: 1) }
        _ = try DataFolder(path: path, box: "store", version: 2)
        #expect(try String(contentsOfFile: path + "/leat.version", encoding: .utf8) == "2\n")
    }

    @Test func aFileIsReplacedWhole() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try DurableFile.replace(path + "/file", with: Array("one".utf8))
        try DurableFile.replace(path + "/file", with: Array("two".utf8))
        #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "two")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["file"])
    }

    @Test func aFailedReplacementNamesTheCallAndThePath() {
        let error = #expect(throws: FileError.self) { try DurableFile.replace(path + "/absent/file", with: []) }
        #expect(error?.call == "open")
        #expect(error?.description.contains("absent/file") == true)
    }
}
