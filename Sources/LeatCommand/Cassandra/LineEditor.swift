import CEdit
import Foundation
import Synchronization

/// Reads lines at a terminal with editing, history and completion, by libedit.
///
/// libedit keeps its state in C globals and calls back without a context: hence the words to complete stand in one static, locked
/// place, and one editor is made in a process.
final class LineEditor {
    private static let words = Mutex<[String]>([])
    private let historyPath: String
    private static let historyLinesMax: CInt = 5_000

    /// - Parameter historyPath: read now, appended to with every line.
    init(historyPath: String) {
        self.historyPath = historyPath
        using_history()
        stifle_history(Self.historyLinesMax)
        read_history(historyPath)
        Self.name.withUTF8Buffer { name in
            name.withMemoryRebound(to: CChar.self) { name in
                leat_edit_begin(name.baseAddress) { text, _, _ in
                    leat_edit_no_file_names()
                    return rl_completion_matches(text) { text, number in
                        guard let text else { return nil }
                        return LineEditor.match(String(cString: text), number: Int(number)).flatMap { strdup($0) }
                    }
                }
            }
        }
    }

    /// Static, as libedit keeps the pointer.
    private static let name: StaticString = "leat"

    func setWords(_ words: [String]) { Self.words.withLock { $0 = words.sorted() } }

    /// The next line, or nil at its end (Ctrl-D). Blocks: call it from a thread that may.
    func readLine(prompt: String) -> String? {
        guard let line = readline(prompt) else { return nil }
        defer { free(line) }
        return String(cString: line)
    }

    func remember(_ statement: String) {
        let line = statement.split(whereSeparator: \.isNewline).map { $0.drop { $0.isWhitespace } }.joined(separator: " ")
        add_history(line)
        write_history(historyPath)
    }

    private static func match(_ prefix: String, number: Int) -> String? {
        guard !prefix.isEmpty else { return nil }
        let isLower = prefix == prefix.lowercased()
        return words.withLock { words in
            var seen = 0
            for word in words where word.lowercased().hasPrefix(prefix.lowercased()) {
                if seen == number {
                    // Keywords follow the case that the user writes in; names keep theirs.
                    return word == word.uppercased() && isLower ? word.lowercased() : word
                }
                seen += 1
            }
            return nil
        }
    }
}
