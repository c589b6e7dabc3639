package import IO

/// A log file that cannot be written.
package struct LogFileError: DescribedError {
    package let path: String
    package let reason: String
    package var place: String? { path }
    package var problem: String { "log lines cannot be written there: \(reason)" }
    package var nextStep: String? { "name another file with log.file" }
}
