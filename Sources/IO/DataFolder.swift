#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A box's folder on disk, held by one process at a time and marked with the version of its layout.
///
/// Two files carry that: `leat.lock`, locked with flock(2) for as long as the value lives (the kernel releases it when the
/// process dies, so that a kill -9 leaves nothing to clean up), and `leat.version`, the layout's number. A folder that
/// another process holds, or that a newer Leat wrote, is refused before anything in it is touched.
package final class DataFolder: Sendable {
    package let path: String
    private let lock: CInt

    /// Opens the folder, creating it (and its parents) when absent.
    ///
    /// - Parameters:
    ///   - box: the box's name, for messages.
    ///   - version: the layout version that this build writes; folders of this or an older version open.
    /// - Throws: ``DataFolderError``.
    package init(path: String, box: String, version: Int) throws {
        self.path = path
        try Self.createFolders(path, box: box)
        let lockPath = path + "/leat.lock"
        lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw DataFolderError.unusable(box: box, path: path, reason: String(cString: strerror(errno))) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            // From here on the value is whole, and what is thrown lets its deinit close the lock.
            let holder = Self.read(lock)
            throw DataFolderError.inUse(box: box, path: path, process: holder)
        }
        try Self.checkVersion(path: path, box: box, version: version)
        ftruncate(lock, 0)
        let pid = "\(getpid())"
        _ = pid.withCString { pwrite(lock, $0, strlen($0), 0) }
    }

    deinit { close(lock) }

    private static func checkVersion(path: String, box: String, version: Int) throws {
        let versionPath = path + "/leat.version"
        let descriptor = open(versionPath, O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 {
            defer { close(descriptor) }
            let text = read(descriptor)
            guard let found = Int(text) else {
                throw DataFolderError.unusable(box: box, path: versionPath, reason: "it holds '\(text)', not a version number")
            }
            guard found <= version else { throw DataFolderError.newer(box: box, path: path, found: found, known: version) }
            if found == version { return }
        }
        try DurableFile.replace(versionPath, with: Array("\(version)\n".utf8))
    }

    private static func createFolders(_ path: String, box: String) throws {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o755) != 0, errno != EEXIST {
                throw DataFolderError.unusable(box: box, path: prefix, reason: String(cString: strerror(errno)))
            }
        }
    }

    private static func read(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).filter { !$0.isWhitespace }
    }
}

package enum DataFolderError: DescribedError {
    case inUse(box: String, path: String, process: String)
    case newer(box: String, path: String, found: Int, known: Int)
    case unusable(box: String, path: String, reason: String)

    package var problem: String {
        switch self {
        case .inUse(let box, let path, let process):
            "the \(box)'s data folder \(path) is in use by " + (process.isEmpty ? "another process" : "process \(process)")
        case .newer(let box, let path, let found, let known):
            "the \(box)'s data folder \(path) was written by a newer Leat (layout \(found); this one knows up to \(known))"
        case .unusable(let box, let path, let reason):
            "the \(box) cannot use \(path): \(reason)"
        }
    }

    package var nextStep: String? {
        switch self {
        case .inUse: "stop that process, or name another folder with --data"
        case .newer: "use the newer Leat, or name another folder with --data"
        case .unusable: "check the path and its permissions, or name another folder with --data"
        }
    }
}
