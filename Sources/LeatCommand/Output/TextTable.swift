/// A table for people: a header, a rule, rows; columns as wide as their widest cell, numbers to the right.
///
/// Widths are counted in terminal cells, so that Han, kana, hangul and emoji (two cells) and combining marks (none) line up.
struct TextTable {
    struct Column {
        let title: String
        let alignsRight: Bool

        init(_ title: String, alignsRight: Bool = false) {
            self.title = title
            self.alignsRight = alignsRight
        }
    }

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter cells: one text a column; control characters are shown as their pictures.
    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "a row has one cell for each column")
        rows.append(cells.map(Self.printable))
    }

    /// The whole table, each line ended by a line feed.
    ///
    /// - Parameters:
    ///   - style: colours for the header, or none.
    ///   - maximumCellWidth: the longest that one cell may be; a longer one ends in an ellipsis.
    func text(style: Style = Terminal.output.style, maximumCellWidth: Int = 60) -> String {
        let cut = rows.map { $0.map { Self.cut($0, to: maximumCellWidth) } }
        var widths = columns.map { Self.width($0.title) }
        for row in cut {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], Self.width(cell)) }
        }
        var text = line(columns.map(\.title), widths, style: style.bold)
        text += widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
        for row in cut { text += line(row, widths, style: { $0 }) }
        return text
    }

    private func line(_ cells: [String], _ widths: [Int], style: (String) -> String) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            let space = String(repeating: " ", count: widths[index] - Self.width(cell))
            let isLast = index == cells.count - 1
            if index > 0 { text += "  " }
            text += columns[index].alignsRight ? space + style(cell) : style(cell) + (isLast ? "" : space)
        }
        return text + "\n"
    }

    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20: shown.append(Unicode.Scalar(0x2400 + scalar.value)!)
            case 0x7F: shown.append("\u{2421}")
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }

    static func cut(_ text: String, to width: Int) -> String {
        guard Self.width(text) > width else { return text }
        var kept = ""
        var used = 0
        for character in text {
            let next = self.width(of: character)
            if used + next > width - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + "…"
    }

    static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width(of: $1) }
    }

    private static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.properties.generalCategory == .nonspacingMark || first.properties.generalCategory == .format { return 0 }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default:
            return 1
        }
    }
}
