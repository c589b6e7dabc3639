/// A streaming query's identity: it stays the same over restarts from one checkpoint.
package struct StreamingQueryID: Hashable, Sendable, CustomStringConvertible {
    /// A UUID in its canonical, lower-case form.
    package let text: String

    package init(_ text: String) {
        self.text = text.lowercased()
    }

    package var description: String { text }
}

package struct StreamingQuerySummary: Hashable, Sendable {
    package let id: StreamingQueryID
    /// New at each start.
    package let runID: String
    package let name: String?
}

/// Spark's `StreamingQueryStatus`.
package struct StreamingQueryStatus: Hashable, Sendable {
    package var message: String
    package var isDataAvailable: Bool
    package var isTriggerActive: Bool
    package var isActive: Bool

    package init(message: String, isDataAvailable: Bool, isTriggerActive: Bool, isActive: Bool) {
        self.message = message
        self.isDataAvailable = isDataAvailable
        self.isTriggerActive = isTriggerActive
        self.isActive = isActive
    }
}

/// Why a query ended that did not end by itself.
package struct StreamingQueryException: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    /// Spark's error class where there is one (`STREAM_FAILED` otherwise).
    package var errorClass: String
    /// The causes, outermost first, one a line.
    package var stackTrace: String

    package init(message: String, errorClass: String, stackTrace: String = "") {
        self.message = message
        self.errorClass = errorClass
        self.stackTrace = stackTrace
    }

    package var description: String { message }
}
