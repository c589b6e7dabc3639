internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Larger blocks of columns that were let go of, kept for the columns that come next.
///
/// The process gives large blocks back to the system at once, so that its heap stays small; a new one then costs a fault and a clearing for each
/// of its pages, which was most of what reading a file took. Kept are a few megabytes, by size, whoever made them.
enum BlockPool {
    static let blockMin = 32 << 10
    private static let blockMax = 8 << 20
    private static let keptMax = 16 << 20

    private struct State {
        /// Addresses of free blocks by their size.
        var free: [Int: [UInt]] = [:]
        var byteCount = 0
    }

    private static let state = NIOLockedValueBox(State())

    /// Sizes that blocks have: four to each doubling.
    private static func size(_ bytes: Int) -> Int {
        let step = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 2)
        return (bytes + step - 1) & ~(step - 1)
    }

    static func take(_ bytes: Int, zeroed: Bool) -> UnsafeMutableRawPointer? {
        guard bytes <= blockMax else { return zeroed ? calloc(1, bytes) : malloc(bytes) }
        let size = size(bytes)
        let kept = state.withLockedValue { state -> UInt? in
            guard let address = state.free[size]?.popLast() else { return nil }
            state.byteCount -= size
            return address
        }
        guard let block = kept.flatMap(UnsafeMutableRawPointer.init(bitPattern:)) else { return zeroed ? calloc(1, size) : malloc(size) }
        if zeroed { memset(block, 0, bytes) }
        return block
    }

    static func give(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
        guard bytes <= blockMax else { return free(block) }
        let size = size(bytes)
        let dropped = state.withLockedValue { state -> [UInt] in
            var dropped: [UInt] = []
            // Sizes that were wanted before make room for those that are now.
            while state.byteCount + size > keptMax, let other = state.free.first(where: { $0.key != size && !$0.value.isEmpty })?.key {
                guard let address = state.free[other]?.popLast() else { break }
                state.byteCount -= other
                dropped.append(address)
            }
            guard state.byteCount + size <= keptMax else { return dropped + [UInt(bitPattern: block)] }
            state.free[size, default: []].append(UInt(bitPattern: block))
            state.byteCount += size
            return dropped
        }
        for address in dropped { free(UnsafeMutableRawPointer(bitPattern: address)) }
    }
}
