internal import Foundation
package import Logging
internal import NIOConcurrencyHelpers

/// Log lines for people: time, level, label, message, then the metadata as `key=value`; each written whole, with one write(2).
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let label: String
    private let descriptor: CInt

    /// - Parameter descriptor: an open file or standard error; it stays open for the process's life.
    package init(label: String, level: Logger.Level, descriptor: CInt) {
        self.label = label
        logLevel = level
        self.descriptor = descriptor
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
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = write(descriptor, rest.baseAddress, rest.count)
                guard count > 0 || errno == EINTR else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
            }
        }
    }

    /// Sends this process's log lines to a file, or to standard error where `path` is empty.
    ///
    /// - Throws: ``LogFileError`` when the file cannot be opened.
    package static func bootstrap(path: String, level: Logger.Level) throws {
        var descriptor = STDERR_FILENO
        if !path.isEmpty {
            let folder = (path as NSString).deletingLastPathComponent
            if !folder.isEmpty { try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
            descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw LogFileError(path: path, reason: String(cString: strerror(errno))) }
        }
        let opened = descriptor
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, descriptor: opened) }
    }
}
