internal import IO
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One open .log file. Readers hold it while they send from it: retention may unlink the file at any time, and its bytes stay
/// readable until the last response that reads them is written.
final class SegmentFile: Sendable {
    let path: String
    let descriptor: CInt

    init(path: String, create: Bool) throws(FileError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o644)
        guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
    }

    deinit { close(descriptor) }

    func size() throws(FileError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(call: "fstat", path: path) }
        return Int(status.st_size)
    }

    /// Writes both parts one after the other at `position`: the stamped head of a batch, and the rest from where it was received.
    func write(_ head: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer, at position: Int) throws(FileError) {
        var written = 0
        let total = head.count + rest.count
        while written < total {
            let count: Int
            if written < head.count {
                var parts = (
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress! + written), iov_len: head.count - written),
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
                )
                count = withUnsafeBytes(of: &parts) {
                    pwritev(descriptor, $0.baseAddress!.assumingMemoryBound(to: iovec.self), 2, off_t(position + written))
                }
            } else {
                let start = written - head.count
                count = pwrite(descriptor, rest.baseAddress! + start, rest.count - start, off_t(position + written))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(call: "pwritev", path: path)
            }
            written += count
        }
    }

    /// Fills `bytes` from `position` on; returns how many there were before the end of the file.
    func read(into bytes: UnsafeMutableRawBufferPointer, at position: Int) throws(FileError) -> Int {
        var done = 0
        while done < bytes.count {
            let count = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(position + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(call: "pread", path: path)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func truncate(to size: Int) throws(FileError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileError(call: "ftruncate", path: path) }
    }

    func sync() throws(FileError) {
        guard fdatasync(descriptor) == 0 else { throw FileError(call: "fdatasync", path: path) }
    }

    /// The header of the batch that begins at `position`, nil when less than one is left before `limit`.
    func header(at position: Int, limit: Int) throws(FileError) -> RecordBatchHeader? {
        guard limit - position >= RecordBatchHeader.size else { return nil }
        // Eight 8-byte words hold the 61 bytes, on the stack.
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        let result = withUnsafeMutableBytes(of: &words) { bytes -> Result<RecordBatchHeader?, FileError> in
            let place = UnsafeMutableRawBufferPointer(rebasing: bytes[..<RecordBatchHeader.size])
            do throws(FileError) {
                let count = try self.read(into: place, at: position)
                return .success(count == place.count ? RecordBatchHeader(UnsafeRawBufferPointer(place)) : nil)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// A descriptor of its own for a response: NIO's handles admit one user at a time, and responses of several event loops
    /// read the same segment.
    func fileHandle() throws(FileError) -> NIOFileHandle {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw FileError(call: "fcntl", path: path) }
        return NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: copy)
    }
}

extension SegmentFile {
    /// Removes a segment's files; readers that hold the log go on reading it.
    static func unlinkAll(_ path: String) {
        for suffix in suffixes { unlink(path + suffix) }
    }

    private static let suffixes = [".log", ".index", ".timeindex", TransactionIndex.suffix, ProducerSnapshot.suffix]

    /// Makes a small file beside a segment; the caller syncs it.
    static func make(_ path: String, _ bytes: [UInt8]) throws(FileError) -> SegmentFile {
        let file = try SegmentFile(path: path, create: true)
        try file.truncate(to: 0)
        let result = bytes.withUnsafeBytes { bytes -> Result<Void, FileError> in
            do throws(FileError) {
                return .success(try file.write(bytes, UnsafeRawBufferPointer(start: nil, count: 0), at: 0))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        return file
    }

    /// A small file's bytes; nil when it cannot be read.
    static func bytes(_ path: String) -> [UInt8]? {
        do throws(FileError) {
            let file = try SegmentFile(path: path, create: false)
            var bytes = [UInt8](repeating: 0, count: try file.size())
            let count = bytes.withUnsafeMutableBytes { try? file.read(into: $0, at: 0) }
            return count == bytes.count ? bytes : nil
        } catch {
            return nil
        }
    }
}
