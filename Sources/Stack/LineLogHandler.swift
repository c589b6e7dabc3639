internal import Foundation
package import Logging

/// Log lines for people: time, level, label, message, then the metadata as `key=value`; each written whole, with one write(2).
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let label: String
    private let output: LogOutput

    /// - Parameter output: shared by all of the process's handlers.
    package init(label: String, level: Logger.Level, output: LogOutput) {
        self.label = label
        logLevel = level
        self.output = output
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = "\(Date.now.formatted(.iso8601.time(includingFractionalSeconds: true))) \(event.level) \(label): \(event.message)"
        var all = metadata
        for (key, value) in event.metadata ?? [:] { all[key] = value }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += "\n"
        line.withUTF8 { output.write(UnsafeRawBufferPointer($0)) }
    }

    /// Sends this process's log lines to a file, or to standard error where `path` is empty.
    ///
    /// - Parameter bytesMax: how large the file grows before it is put aside as `path.1` and begun anew.
    /// - Throws: ``LogFileError`` when the file cannot be opened.
    package static func bootstrap(path: String, bytesMax: Int, level: Logger.Level) throws {
        let output = try LogOutput(path: path, bytesMax: bytesMax)
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, output: output) }
    }
}
