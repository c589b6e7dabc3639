import Foundation
import IO
import Leat

/// Shows a running pipeline: for a person, or for a program.
protocol StatusView: Sendable {
    func show(_ status: PipelineStatus)
    func stopping()
    func summary(_ status: PipelineStatus)
}

/// One JSON object a line; the last one carries `"summary": true`.
struct JSONView: StatusView {
    private struct Line: Encodable {
        let status: PipelineStatus
        let isSummary: Bool

        private enum Key: CodingKey { case summary }

        func encode(to encoder: any Encoder) throws {
            try status.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            if isSummary { try container.encode(true, forKey: .summary) }
        }
    }

    func show(_ status: PipelineStatus) { write(Line(status: status, isSummary: false)) }
    func stopping() {}
    func summary(_ status: PipelineStatus) { write(Line(status: status, isSummary: true)) }

    private func write(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var data = try? encoder.encode(line) else { return }
        data.append(UInt8(ascii: "\n"))
        FileHandle.standardOutput.write(data)
    }
}

/// The pipeline as a picture in the terminal, drawn anew each second where it stands.
final class LiveView: StatusView {
    private let addresses: [Addresses.Entry]
    private let startup: Duration
    private let logPath: String
    private let style: Style
    nonisolated(unsafe) private var drawnLines = 0
    nonisolated(unsafe) private var earlier: PipelineStatus?

    /// - Note: called from one task at a time, first the showing and then the stopping one; `Session` sees to that.
    init(addresses: [Addresses.Entry], startup: Duration, logPath: String, style: Style) {
        self.addresses = addresses
        self.startup = startup
        self.logPath = logPath
        self.style = style
    }

    func show(_ status: PipelineStatus) {
        draw(picture(status) + [""] + footer(status))
        earlier = status
    }

    func stopping() {
        FileHandle.standardOutput.write(Data((style.dim("Stopping in order; Ctrl-C again stops at once.") + "\n").utf8))
        drawnLines += 1
    }

    func summary(_ status: PipelineStatus) {
        draw(picture(status) + ["", style.dim("Stopped after \(Self.seconds(status.uptimeSeconds)).")])
    }

    private func draw(_ lines: [String]) {
        var text = drawnLines > 0 ? "\u{1B}[\(drawnLines)A\u{1B}[J" : ""
        let width = Terminal.width
        for line in lines { text += Self.fit(line, width) + "\n" }
        drawnLines = lines.count
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private func picture(_ status: PipelineStatus) -> [String] {
        var lines = [
            style.bold("leat") + style.dim("  pipeline ") + status.pipeline
                + style.dim("  up \(Self.seconds(status.uptimeSeconds)), ready in \(startup.text), \(Int(status.memoryMiB)) MiB"), "",
        ]
        lines.append(
            hop(
                "users fetched", Self.number(status.users.fetched), rate(status, \.users.fetched), "run " + (status.users.run ?? "none yet")
            ))
        if let topic = status.topic {
            lines.append(hop("records in topic", Self.number(topic.records), rate(status, { $0.topic?.records ?? 0 }), topic.name))
        }
        if let query = status.query {
            let state =
                query.exception.map { style.red($0) }
                ?? "batch \(query.batch) took \(query.batchMilliseconds) ms, lag \(Self.number(query.lag))"
            lines.append(hop("rows processed", Self.number(query.rows), rate(status, { $0.query?.rows ?? 0 }), state))
            if query.exception == nil { lines.append(hop("", "", "", style.dim(query.status))) }
        }
        if let table = status.table {
            lines.append(hop("rows in table", Self.number(table.rows), rate(status, { $0.table?.rows ?? 0 }), table.name))
        }
        if let dropped = status.dropped {
            let reason = dropped.lastReason.map { "\($0)" + (dropped.lastPlace.map { place in " at \(place)" } ?? "") } ?? "none"
            let count = Self.number(dropped.count)
            let text = hop("records dropped", count, "", dropped.count > 0 ? "\(reason), kept in \(dropped.topic)" : reason)
            lines.append(dropped.count > 0 ? style.red(text) : text)
        }
        return lines
    }

    private func footer(_ status: PipelineStatus) -> [String] {
        var lines = addresses.map { "  " + style.dim(Self.padded($0.name, 16)) + style.cyan($0.address) }
        lines.append("")
        lines += status.problems.map { style.yellow("  \($0)") }
        lines.append(style.dim("  Ctrl-C stops. Log: \(logPath.isEmpty ? "standard error" : logPath)"))
        return lines
    }

    private func hop(_ name: String, _ count: String, _ rate: String, _ detail: String) -> String {
        "  " + Self.padded(name, 17) + String(repeating: " ", count: max(0, 11 - count.count)) + style.bold(count)
            + "  " + Self.padded(rate, 11) + " " + detail
    }

    private func rate(_ status: PipelineStatus, _ count: (PipelineStatus) -> Int) -> String {
        guard let earlier, status.uptimeSeconds > earlier.uptimeSeconds else { return "" }
        let perSecond = Double(count(status) - count(earlier)) / (status.uptimeSeconds - earlier.uptimeSeconds)
        return perSecond > 0.05 ? "\(Self.number(Int(perSecond.rounded())))/s" : ""
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - TextTable.width(text)))
    }

    static func number(_ value: Int) -> String {
        var digits = String(abs(value))
        var grouped = ""
        while digits.count > 3 {
            grouped = "," + digits.suffix(3) + grouped
            digits = String(digits.dropLast(3))
        }
        return (value < 0 ? "-" : "") + digits + grouped
    }

    private static func seconds(_ value: Double) -> String { Duration.seconds(Int(value)).text }

    /// Cuts a line with colours in it to the terminal's width, escape sequences not counted.
    private static func fit(_ line: String, _ width: Int) -> String {
        var kept = ""
        var used = 0
        var inEscape = false
        for character in line {
            if character == "\u{1B}" { inEscape = true }
            if inEscape {
                kept.append(character)
                if character == "m" { inEscape = false }
                continue
            }
            if used >= width { continue }
            kept.append(character)
            used += TextTable.width(String(character))
        }
        return kept
    }
}
