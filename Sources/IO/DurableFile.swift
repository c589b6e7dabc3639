#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Small files that are replaced whole and survive power loss.
package enum DurableFile {
    /// Writes `bytes` beside `path`, syncs, renames over it, and syncs the folder: a reader sees the old content or the new.
    ///
    /// - Throws: ``FileError`` that names the call and the path.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(call: "open", path: temporary) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
            guard count > 0 || errno == EINTR else {
                let error = FileError(call: "write", path: temporary)
                close(descriptor)
                throw error
            }
            written += max(0, count)
        }
        guard fdatasync(descriptor) == 0 else {
            let error = FileError(call: "fdatasync", path: temporary)
            close(descriptor)
            throw error
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw FileError(call: "rename", path: path) }
        try syncFolder(of: path)
    }

    /// Makes the names in the folder that holds `path` durable.
    package static func syncFolder(of path: String) throws(FileError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(call: "open", path: folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(call: "fsync", path: folder) }
    }
}

/// A file call that failed: which one, on which path, and the system's reason.
package struct FileError: DescribedError {
    package let call: String
    package let path: String
    package let code: CInt

    package init(call: String, path: String, code: CInt = errno) {
        self.call = call
        self.path = path
        self.code = code
    }

    package var place: String? { path }
    package var problem: String { "\(call) failed: \(String(cString: strerror(code)))" }
    package var nextStep: String? {
        switch code {
        case ENOSPC, EDQUOT: "free space on that disk"
        case EACCES, EPERM, EROFS: "check the permissions of the folder"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: nil
        }
    }
}
