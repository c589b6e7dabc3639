import Foundation

/// A Swift file of the package, read for what it imports, declares and names.
struct SourceFile {
    /// Relative to the repository's root.
    let path: String
    let module: String
    /// The folder inside the module, or an empty text for a file that stands in none.
    let folder: String
    let imports: Set<String>
    /// The names of the types that the file declares at its top level.
    let declarations: Set<String>
    /// Every capitalised word of the file's code, comments and string literals left out.
    let names: Set<String>

    static func all() throws -> [SourceFile] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        var files: [SourceFile] = []
        for top in ["Sources", "Examples"] {
            let folder = root.appending(path: top)
            guard let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { continue }
            for case let url as URL in walk where url.pathExtension == "swift" {
                let path = String(url.path.dropFirst(root.path.count + 1))
                files.append(SourceFile(path: path, text: try String(contentsOf: url, encoding: .utf8)))
            }
        }
        return files
    }

    /// The names of the types that the file declares anywhere, nested ones too.
    let nested: Set<String>

    init(path: String, text: String) {
        self.path = path
        let parts = path.split(separator: "/").map(String.init)
        module = parts[1]
        folder = parts.count > 3 ? parts[2] : ""
        var imports: Set<String> = []
        var declarations: Set<String> = []
        var nested: Set<String> = []
        var names: Set<String> = []
        for line in Self.code(of: text) {
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            if let index = words.firstIndex(of: "import"), words[..<index].allSatisfy(Self.isModifier) {
                // `import struct Module.Name` names the kind first.
                if let module = words[(index + 1)...].first(where: { !Self.kinds.contains($0) && $0 != "func" }) {
                    imports.insert(String(module))
                }
                continue
            }
            if let index = words.firstIndex(where: Self.kinds.contains), index + 1 < words.count,
                words[..<index].allSatisfy(Self.isModifier)
            {
                let name = String(words[index + 1])
                nested.insert(name)
                if line.first?.isWhitespace == false { declarations.insert(name) }
            }
            for word in words where word.first?.isUppercase == true { names.insert(String(word)) }
        }
        self.imports = imports
        self.declarations = declarations
        self.nested = nested
        self.names = names
    }

    private static let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
    private static let modifiers: Set<Substring> = [
        "package", "public", "internal", "private", "fileprivate", "final", "indirect", "testable", "preconcurrency", "unchecked", "main",
        "resultBuilder", "usableFromInline", "frozen", "nonisolated", "unsafe",
    ]

    private static func isModifier(_ word: Substring) -> Bool { modifiers.contains(word) }

    /// The file's lines without comments, string literals and what stands between triple quotes.
    private static func code(of text: String) -> [Substring] {
        var lines: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            if line.contains("\"\"\"") {
                isInside.toggle()
                continue
            }
            if isInside { continue }
            if line.drop(while: \.isWhitespace).hasPrefix("//") { continue }
            guard line.utf8.contains(UInt8(ascii: "\"")) || line.utf8.contains(UInt8(ascii: "/")) else {
                lines.append(line)
                continue
            }
            lines.append(withoutLiterals(line))
        }
        return lines
    }

    private static func withoutLiterals(_ line: Substring) -> Substring {
        var kept: [UInt8] = []
        var isQuoted = false
        var previous: UInt8 = 0
        for byte in line.utf8 {
            if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") {
                isQuoted.toggle()
            } else if !isQuoted {
                if byte == UInt8(ascii: "/"), previous == byte {
                    kept.removeLast()
                    break
                }
                kept.append(byte)
            }
            previous = previous == UInt8(ascii: "\\") && byte == previous ? 0 : byte
        }
        return Substring(decoding: kept, as: UTF8.self)
    }
}
