internal import CRocksDB
internal import Synchronization

/// Rows that are overwritten again and again: each write is an operand, and reads fold all of them. A read that has folded many asks for
/// the row to be written back as one value, behind the writes that came before; the next reads fold what came since.
extension GroupWriter {
    /// The most rows that wait to be folded; others ask again with their next read.
    private static let foldsMax = 64

    func fold(_ key: [UInt8], pending: PendingCount) {
        guard pending.begin(max: Self.foldsMax) else { return }
        do throws(CQLError) {
            try append(
                job: { database in
                    do throws(CQLError) {
                        _ = leat_rows_take_operands()
                        guard let value = try database.copy(of: key), leat_rows_take_operands() > RocksDatabase.operandsMax,
                            let batch = rocksdb_writebatch_create()
                        else { return .success(.init(result: .void, batch: nil, applied: nil)) }
                        key.withUnsafeBytes { key in
                            value.withUnsafeBytes { value in
                                rocksdb_writebatch_put(
                                    batch, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
                                    value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
                            }
                        }
                        return .success(.init(result: .void, batch: batch, applied: nil))
                    } catch {
                        return .failure(error)
                    }
                }, completion: { _ in pending.end() })
        } catch {
            // The store is stopping, or full: the row stays as it is.
            pending.end()
        }
    }
}

/// How many of something wait.
final class PendingCount: Sendable {
    private let count = Atomic<Int>(0)

    init() {}

    func begin(max: Int) -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).oldValue < max else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    func end() { count.wrappingSubtract(1, ordering: .relaxed) }
}
