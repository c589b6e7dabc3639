import Foundation

/// What standard output or standard error is connected to, and what may be written there.
struct Terminal: Sendable {
    let isTerminal: Bool
    let style: Style

    static let output = Terminal(descriptor: STDOUT_FILENO)
    static let error = Terminal(descriptor: STDERR_FILENO)

    private init(descriptor: CInt) {
        isTerminal = isatty(descriptor) == 1
        let environment = ProcessInfo.processInfo.environment
        let isDumb = environment["TERM"] == "dumb" || environment["TERM"] == nil
        // https://no-color.org: any non-empty value turns colours off.
        let isRefused = !(environment["NO_COLOR"] ?? "").isEmpty
        style = Style(isColoured: isTerminal && !isDumb && !isRefused)
    }

    /// The width in cells, or 80 where there is no terminal to ask.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// The height in lines, or nil where there is no terminal to ask.
    static var height: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
        return Int(size.ws_row)
    }

    /// Writes a message for people to standard error, so that standard output stays data.
    static func note(_ text: String) {
        write(text + "\n")
    }

    /// Writes to standard error; where nobody takes it, there is nobody to tell.
    static func write(_ text: String) {
        var text = text
        try? text.withUTF8 { try writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
    }
}

/// Terminal colours, or none of them.
struct Style: Sendable {
    let isColoured: Bool

    static let plain = Style(isColoured: false)

    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func yellow(_ text: String) -> String { wrap(text, "33") }
    func cyan(_ text: String) -> String { wrap(text, "36") }

    private func wrap(_ text: String, _ code: String) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
