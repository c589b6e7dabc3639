import Foundation
import IO

/// What one sync of a small write costs on a disk: the floor under every acknowledged write.
enum DiskSync {
    /// - Returns: the median of a hundred appends of 4 KiB, each followed by fdatasync, in milliseconds.
    static func median(in folder: String, count: Int = 100) throws -> Double {
        let path = folder + "/leat-fdatasync"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 0x4C, count: 4_096)
        var times: [Double] = []
        for _ in 0..<count {
            let began = ContinuousClock.now
            guard write(descriptor, bytes, bytes.count) == bytes.count else { throw FileError(call: "write", path: path) }
            guard fdatasync(descriptor) == 0 else { throw FileError(call: "fdatasync", path: path) }
            times.append((ContinuousClock.now - began).inMilliseconds)
        }
        return times.sorted()[count / 2]
    }
}
