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

    init(path: String, text: String) {
        self.path = path
        let parts = path.split(separator: "/").map(String.init)
        module = parts[1]
        folder = parts.count > 3 ? parts[2] : ""
        let code = Self.withoutCommentsAndLiterals(text)
        var imports: Set<String> = []
        var declarations: Set<String> = []
        for line in code.split(separator: "\n") {
            if let match = line.wholeMatch(
                of:
                    /\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?import\s+(?:struct\s+|class\s+|enum\s+|func\s+)?([\w]+).*/
            ) {
                imports.insert(String(match.1))
            }
            if let match = line.prefixMatch(
                of:
                    /(?:@[\w().]+\s+)*(?:(?:package|public|internal|final|indirect)\s+)*(?:struct|class|enum|actor|protocol|typealias)\s+(\w+)/
            ) {
                declarations.insert(String(match.1))
            }
        }
        self.imports = imports
        self.declarations = declarations
        names = Set(code.split { !($0.isLetter || $0.isNumber || $0 == "_") }.filter { $0.first!.isUppercase }.map(String.init))
    }

    private static func withoutCommentsAndLiterals(_ text: String) -> String {
        var kept = ""
        var inBlock = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.contains("\"\"\"") { inBlock.toggle() }
            if inBlock { continue }
            let bare = line.replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"")
            kept += (bare.firstRange(of: "//").map { bare[..<$0.lowerBound] } ?? bare[...]) + "\n"
        }
        return kept
    }
}
