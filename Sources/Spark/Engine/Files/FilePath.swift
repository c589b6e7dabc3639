internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Paths as Spark's users write them: plain, or as `file:` addresses.
enum FilePath {
    /// The path on this machine's file system.
    ///
    /// - Throws: ``SparkError`` for the addresses of other file systems.
    static func local(_ path: String) throws -> String {
        var plain = path
        if plain.hasPrefix("file:") {
            plain = String(plain.dropFirst(5))
            if plain.hasPrefix("//") { plain = String(plain.dropFirst(2)) }
        }
        if let scheme = plain.firstRange(of: "://") { throw Resolver.unserved("The file system \(plain[..<scheme.lowerBound])") }
        while plain.count > 1, plain.hasSuffix("/") { plain.removeLast() }
        return plain
    }

    /// The path with the folder that the process stands in before it.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }

    /// As Hadoop's paths are shown and logged.
    static func address(_ path: String) -> String { "file://" + absolute(path) }

    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    static func isFolder(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    static func createFolders(_ folder: String) throws {
        var made: [String] = []
        var prefix = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o755) == 0 {
                made.append(prefix)
            } else if errno != EEXIST {
                throw FileError(call: "mkdir", path: prefix)
            }
        }
        for path in made { try DurableFile.syncFolder(of: path) }
    }

    /// Names in a folder, hidden ones too, in order; nil where there is no such folder.
    static func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A path's last part.
    static func name(_ path: String) -> Substring { path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...] }

    /// Hadoop's rule: names that begin so are no data.
    static func isHidden(_ name: Substring) -> Bool { name.hasPrefix(".") || name.hasPrefix("_") && !name.contains("=") }
}

/// The names of Hive's partition folders, `column=value`.
enum PartitionFolder {
    static let nullName = "__HIVE_DEFAULT_PARTITION__"
    private static let escaped = Set("\"#%'*/:=?\\{[]^\u{7F}".utf8)

    static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || escaped.contains($0) }) else { return text }
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte < 0x20 || escaped.contains(byte) {
                bytes += ("%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)).utf8
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func unescape(_ text: some StringProtocol) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let value = UInt8(String(decoding: source[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                index += 3
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func name(_ column: String, _ value: String?) -> String {
        escape(column) + "=" + (value.map { $0.isEmpty ? nullName : escape($0) } ?? nullName)
    }

    /// What a folder's name tells: a column, and its value, nil for null.
    static func parse(_ name: some StringProtocol) -> (column: String, value: String?)? {
        guard let sign = name.firstIndex(of: "="), sign != name.startIndex else { return nil }
        let value = name[name.index(after: sign)...]
        return (unescape(name[..<sign]), value == nullName ? nil : unescape(value))
    }
}
