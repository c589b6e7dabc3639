/// The text of `show()`, or a table of HTML: one row of one column.
final class ShowOperator: BatchOperator {
    private let child: any BatchOperator
    private let format: ShowFormat
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ format: ShowFormat, schema: StructType, run: BatchRun) {
        self.child = child
        self.format = format
        self.schema = schema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var rows: [[String?]] = []
        try await child.run { batch in
            for row in 0..<batch.count { rows.append(batch.columns.map { $0.text(row, zone: run.zone) }) }
        }
        let hasMore = rows.count > format.rows
        let shown = Array(rows.prefix(format.rows))
        let text: String =
            switch format.style {
            case .table: Self.table(schema.names, shown, truncate: format.truncate) + (hasMore ? more(shown.count) : "")
            case .vertical: vertical(shown) + (hasMore ? more(shown.count) : "")
            case .html: html(shown) + (hasMore ? more(shown.count) : "")
            }
        let column = Column.constant(.string(text), type: .string, count: 1)
        try await emit(ResultBatch(columns: [column], count: 1).dense)
    }

    private func more(_ count: Int) -> String { "only showing top \(count) row\(count == 1 ? "" : "s")\n" }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\r\n": result += "\\r\\n"
            default: result.append(character)
            }
        }
        return result
    }

    private static func cell(_ text: String, _ truncate: Int) -> String {
        guard truncate > 0, text.count > truncate else { return text }
        return truncate < 4 ? String(text.prefix(truncate)) : text.prefix(truncate - 3) + "..."
    }

    /// East Asian wide characters take two places.
    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { width, scalar in
            let value = scalar.value
            let isWide =
                (0x1100...0x115F).contains(value) || (0x2E80...0xA4CF).contains(value) || (0xAC00...0xD7A3).contains(value)
                || (0xF900...0xFAFF).contains(value) || (0xFE30...0xFE6F).contains(value) || (0xFF00...0xFF60).contains(value)
                || (0xFFE0...0xFFE6).contains(value)
            return width + (isWide ? 2 : 1)
        }
    }

    static func table(_ names: [String], _ rows: [[String?]], truncate: Int) -> String {
        let cells = [names.map { escaped($0) }] + rows.map { $0.map { cell(escaped($0 ?? "NULL"), truncate) } }
        var widths = names.map { _ in 3 }
        for row in cells { for (index, text) in row.enumerated() { widths[index] = max(widths[index], width(text)) } }
        let rule = "+" + widths.map { String(repeating: "-", count: $0) }.joined(separator: "+") + "+\n"
        func line(_ row: [String]) -> String {
            "|"
                + zip(row, widths).map { text, wanted in
                    let padding = String(repeating: " ", count: max(0, wanted - width(text)))
                    return truncate > 0 ? padding + text : text + padding
                }.joined(separator: "|") + "|\n"
        }
        var result = rule + line(cells[0]) + rule
        for row in cells.dropFirst() { result += line(row) }
        return result + rule
    }

    private func vertical(_ rows: [[String?]]) -> String {
        guard !rows.isEmpty else { return "(0 rows)\n" }
        let names = schema.names.map { Self.escaped($0) }
        let cells = rows.map { $0.map { Self.cell(Self.escaped($0 ?? "NULL"), format.truncate) } }
        let nameWidth = max(3, names.map(Self.width).max() ?? 0)
        let valueWidth = max(3, cells.flatMap { $0.map(Self.width) }.max() ?? 0)
        var result = ""
        for (index, row) in cells.enumerated() {
            let title = "-RECORD \(index)"
            result += title + String(repeating: "-", count: max(0, nameWidth + valueWidth + 5 - title.count)) + "\n"
            for (name, value) in zip(names, row) {
                result +=
                    " " + name + String(repeating: " ", count: max(0, nameWidth - Self.width(name))) + " | " + value
                    + String(repeating: " ", count: max(0, valueWidth - Self.width(value))) + " \n"
            }
        }
        return result
    }

    private func html(_ rows: [[String?]]) -> String {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
        }
        var result = "<table border='1'>\n<tr>" + schema.names.map { "<th>\(escaped($0))</th>" }.joined() + "</tr>\n"
        for row in rows {
            result += "<tr>" + row.map { "<td>\(escaped(Self.cell($0 ?? "NULL", format.truncate)))</td>" }.joined() + "</tr>\n"
        }
        return result + "</table>\n"
    }
}
