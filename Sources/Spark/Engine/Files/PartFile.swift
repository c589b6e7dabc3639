internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Makes a format's bytes of rows.
protocol FileEncoder: AnyObject {
    func append(_ batch: ResultBatch, to file: PartFile) throws
    /// What the format wants at the end.
    func finish(_ file: PartFile) throws
}

/// One file on its way: its name is hidden until it is whole, on the disk, and published.
final class PartFile {
    let path: String
    private let temporary: String
    private var descriptor: Int32
    private(set) var byteCount = 0

    init(folder: String, name: String) throws {
        path = folder + "/" + name
        temporary = folder + "/." + name + ".inprogress"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(call: "open", path: temporary) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var written = 0
        while written < bytes.count, let base = bytes.baseAddress {
            let count = writeBytes(descriptor, base + written, bytes.count - written)
            guard count > 0 || errno == EINTR else { throw FileError(call: "write", path: temporary) }
            written += max(0, count)
        }
        byteCount += bytes.count
    }

    /// The bytes are on the disk, under the hidden name.
    func sync() throws {
        guard descriptor >= 0 else { return }
        guard fdatasync(descriptor) == 0 else { throw FileError(call: "fdatasync", path: temporary) }
        close(descriptor)
        descriptor = -1
    }

    /// Readers see the file from here on; its folder is to be synced by the caller.
    func publish() throws {
        guard rename(temporary, path) == 0 else { throw FileError(call: "rename", path: path) }
    }

    func abandon() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        unlink(temporary)
    }
}

@inline(__always) private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
