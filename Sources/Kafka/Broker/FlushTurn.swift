/// Sees to it that one partition is synced by one thread at a time.
///
/// Two syncs that overlap would both be wrong: Linux reports a failed write-back once for each open file, so the second may succeed
/// over bytes that are lost; and the second would take the folder for synced while the first is still at it.
struct FlushTurn {
    private(set) var isQueued = false
    private var isRunning = false
    private var isWantedAgain = false

    /// - Returns: Whether the caller has to put the partition in the flusher's queue.
    mutating func want() -> Bool {
        if isQueued { return false }
        isQueued = true
        return true
    }

    /// A flusher's thread has come. False: another one is at it, and is followed by one more.
    mutating func begin() -> Bool {
        isQueued = false
        if isRunning {
            isWantedAgain = true
            return false
        }
        isRunning = true
        return true
    }

    /// - Returns: Whether the caller has to put the partition in the queue once more.
    mutating func end() -> Bool {
        isRunning = false
        guard isWantedAgain else { return false }
        isWantedAgain = false
        return want()
    }
}
