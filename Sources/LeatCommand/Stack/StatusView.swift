import Foundation
import IO
import Leat

/// Shows a running pipeline: for a person, or for a program.
protocol StatusView: Sendable {
    /// - Throws: ``OutputClosed`` when nobody reads any more, as all of these.
    func show(_ status: PipelineStatus) throws
    func stopping() throws
    func summary(_ status: PipelineStatus) throws
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

    let output: ViewOutput

    func show(_ status: PipelineStatus) throws { try write(Line(status: status, isSummary: false)) }
    func stopping() {}
    func summary(_ status: PipelineStatus) throws { try write(Line(status: status, isSummary: true)) }

    private func write(_ line: Line) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try output.write(String(decoding: try encoder.encode(line), as: UTF8.self) + "\n")
    }
}

/// The pipeline as a picture in the terminal, drawn anew each second where it stands.
final class LiveView: StatusView {
    private let addresses: [Addresses.Entry]
    private let startup: Duration
    private let logPath: String
    private let style: Style
    private let output: ViewOutput
    private let size: @Sendable () -> (width: Int, height: Int?)
    nonisolated(unsafe) private var drawnLines = 0
    nonisolated(unsafe) private var earlier: PipelineStatus?

    /// - Note: called from one task at a time, first the showing and then the stopping one; `Session` sees to that.
    init(
        addresses: [Addresses.Entry], startup: Duration, logPath: String, style: Style, output: ViewOutput,
        size: @escaping @Sendable () -> (width: Int, height: Int?) = { (Terminal.width, Terminal.height) }
    ) {
        self.output = output
        self.size = size
        self.addresses = addresses
        self.startup = startup
        self.logPath = logPath
        self.style = style
    }

    func show(_ status: PipelineStatus) throws {
        try draw(picture(status) + [""] + footer(status))
        earlier = status
    }

    func stopping() throws {
        try output.write(style.dim("Stopping in order; Ctrl-C again stops at once.") + "\n")
        drawnLines += 1
    }

    func summary(_ status: PipelineStatus) throws {
        try draw(picture(status) + ["", style.dim("Stopped after \(Self.seconds(status.uptimeSeconds)).")], isLast: true)
    }

    private func draw(_ lines: [String], isLast: Bool = false) throws {
        let (width, height) = size()
        // What has scrolled out of the terminal cannot be drawn over: the picture keeps to its height, the cursor's own line left out.
        let room = height.map { max(1, $0 - 1) } ?? .max
        let lines = isLast ? lines : Array(lines.prefix(room))
        let above = min(drawnLines, room)
        var text = above > 0 ? "\u{1B}[\(above)A\u{1B}[J" : ""
        for line in lines { text += Self.fit(line, width) + "\n" }
        drawnLines = lines.count
        try output.write(text)
    }

    private func picture(_ status: PipelineStatus) -> [String] {
        var lines = [
            style.bold("leat") + style.dim("  pipeline ") + status.pipeline
                + style.dim("  up \(Self.seconds(status.uptimeSeconds)), ready in \(startup.text), \(Int(status.memoryMiB)) MiB"), "",
        ]
        lines.append(
            hop(
                "users fetched", Self.number(status.users.fetched), rate(status, \.users.fetched),
                "run " + (status.users.run ?? "none yet")
                    + (status.users.tryNumber > 1 ? ", try \(status.users.tryNumber)" : "")
            ))
        if status.users.retried > 0 {
            let times = status.users.retried == 1 ? "once" : "\(Self.number(status.users.retried)) times"
            lines.append(hop("", "", "", style.yellow("the API failed \(times) so far")))
        }
        if let note = status.users.note { lines += wrapped(note).map { hop("", "", "", style.yellow($0)) } }
        if let topic = status.topic {
            lines.append(hop("records in topic", Self.number(topic.records), rate(status, { $0.topic?.records ?? 0 }), topic.name))
        }
        if let query = status.query {
            let state =
                query.exception == nil
                ? "batch \(query.batch) took \(query.batchMilliseconds) ms, lag \(Self.number(query.lag))"
                : style.red("ended with an error:")
            lines.append(hop("rows processed", Self.number(query.rows), rate(status, { $0.query?.rows ?? 0 }), state))
            if let exception = query.exception {
                lines += wrapped(Self.cause(exception)).map { hop("", "", "", style.red($0)) }
            } else {
                lines.append(hop("", "", "", style.dim(query.status)))
            }
        }
        if let table = status.table {
            lines.append(hop("rows in table", Self.number(table.rows), rate(status, { $0.table?.rows ?? 0 }), table.name + age(table)))
        }
        if let dropped = status.dropped {
            let reason = dropped.lastReason.map { "\($0)" + (dropped.lastPlace.map { place in " at \(place)" } ?? "") } ?? "none"
            let count = Self.number(dropped.count)
            let text = hop("records dropped", count, "", dropped.count > 0 ? "\(reason), kept in \(dropped.topic)" : reason)
            lines.append(dropped.count > 0 ? style.red(text) : text)
        }
        return lines
    }

    /// A count that is older than the picture says so.
    private func age(_ table: PipelineStatus.Table) -> String {
        guard let seconds = table.countedSecondsAgo, seconds >= 2 else { return "" }
        return style.dim(", counted \(Int(seconds)) s ago")
    }

    /// What Spark's message says after the query's ids.
    static func cause(_ exception: String) -> String {
        exception.firstRange(of: "terminated with exception: ").map { String(exception[$0.upperBound...]) } ?? exception
    }

    private static let detailColumn = 46

    /// A long text as lines for the column of details, six at most.
    private func wrapped(_ text: String) -> [String] {
        let width = max(30, size().width - Self.detailColumn)
        var lines: [String] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            if let last = lines.last, TextTable.width(last) + 1 + TextTable.width(String(word)) <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.count > 6 ? Array(lines.prefix(5)) + ["…"] : lines
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
