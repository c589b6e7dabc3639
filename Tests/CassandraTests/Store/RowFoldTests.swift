import CRocksDB
import Foundation
import Testing

@testable import Cassandra

/// The merge operator: whatever the order in which writes meet, the row is the same.
@Suite(.serialized) struct RowFoldTests {
    /// One write, as the encoder makes it.
    private func mutation(_ random: inout SystemRandomNumberGenerator) -> [UInt8] {
        let arena = ByteArena()
        let timestamp = Int64.random(in: 1...4, using: &random)
        switch Int.random(in: 0...5, using: &random) {
        case 0:
            arena.append(UInt8(LEAT_ROW_DELETION))
            arena.append(little: timestamp)
            arena.append(little: timestamp)
            arena.append(little: UInt32(1_000))
            return arena.array
        default:
            let isInsert = Bool.random(using: &random)
            arena.append(isInsert ? UInt8(LEAT_ROW_LIVENESS) : 0)
            arena.append(little: timestamp)
            if isInsert { arena.append(little: timestamp) }
            for column in 1...3 where Bool.random(using: &random) {
                arena.append(varint: column)
                switch Int.random(in: 0...3, using: &random) {
                case 0:
                    arena.append(UInt8(LEAT_CELL_TOMBSTONE))
                    arena.append(little: UInt32(1_000))
                case 1:
                    arena.append(UInt8(LEAT_CELL_EXPIRING))
                    for number in [UInt32(10), UInt32.random(in: 100...101, using: &random), 500] { arena.append(little: number) }
                    arena.append(varint: 1)
                    arena.append(UInt8.random(in: 0...3, using: &random))
                default:
                    arena.append(0)
                    arena.append(varint: 1)
                    arena.append(UInt8.random(in: 0...3, using: &random))
                }
            }
            if Bool.random(using: &random) {
                arena.append(varint: 4)
                arena.append(UInt8(LEAT_CELL_COLLECTION_TOMBSTONE | LEAT_CELL_TIMESTAMP))
                arena.append(little: timestamp - 1)
                arena.append(little: UInt32(1_000))
            }
            for element in 0...1 where Bool.random(using: &random) {
                arena.append(varint: 4)
                arena.append(UInt8(LEAT_CELL_PATH))
                arena.append(varint: 1)
                arena.append(UInt8(element))
                arena.append(varint: 1)
                arena.append(UInt8.random(in: 0...3, using: &random))
            }
            return arena.array
        }
    }

    private func fold(_ values: [[UInt8]], now: UInt32 = 0) throws -> [UInt8] {
        let copies = values.map { value in
            let arena = ByteArena()
            arena.append(value)
            return arena
        }
        let pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0.base.assumingMemoryBound(to: CChar.self)) }
        defer { withExtendedLifetime(copies) {} }
        let lengths = copies.map(\.count)
        var length = 0
        let result = try #require(leat_rows_fold(pointers, lengths, Int32(values.count), now, &length))
        defer { free(result) }
        return Array(UnsafeRawBufferPointer(start: result, count: length))
    }

    @Test func doesNotDependOnTheOrderOrTheGrouping() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            let writes = (0..<Int.random(in: 2...6, using: &random)).map { _ in mutation(&random) }
            let expected = try fold(writes)
            for _ in 0..<4 {
                var shuffled = writes.shuffled(using: &random)
                // Some are folded beforehand, as compaction does.
                let cut = Int.random(in: 1..<shuffled.count, using: &random)
                let first = try fold(Array(shuffled[..<cut]))
                shuffled.removeFirst(cut)
                #expect(try fold([first] + shuffled) == expected)
            }
            #expect(try fold([expected, expected]) == expected)
        }
    }

    @Test func forgetsOnlyWhatIsPastItsTime() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let writes = (0..<3).map { _ in mutation(&random) }
            #expect(try fold(writes, now: 50) == fold(writes))
            let late = try fold(writes, now: 2_000)
            #expect(late.count <= (try fold(writes)).count)
            #expect(try fold([late], now: 2_000) == late)
        }
    }

    @Test func refusesBytesThatAreNoRow() {
        let broken: [UInt8] = [0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        let arena = ByteArena()
        arena.append(broken)
        defer { withExtendedLifetime(arena) {} }
        var length = 0
        let pointers: [UnsafePointer<CChar>?] = [UnsafePointer(arena.base.assumingMemoryBound(to: CChar.self))]
        #expect(leat_rows_fold(pointers, [broken.count], 1, 0, &length) == nil)
    }
}
