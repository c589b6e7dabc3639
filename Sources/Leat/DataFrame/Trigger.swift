internal import Spark

/// When a streaming query starts its micro-batches.
public enum Trigger: Hashable, Sendable {
    /// At this interval, or as soon as the batch before is done where that takes longer.
    case processingTime(Duration)
    /// All that is there at the start, in as many batches as the limits ask for; then the query ends.
    case availableNow
    /// All that is there at the start, in one batch; then the query ends.
    case once

    var plan: Spark.Trigger {
        get throws {
            switch self {
            case .processingTime(let interval):
                guard interval >= .zero else {
                    throw SparkError("INVALID_TRIGGER", sqlState: "42616", "A trigger's interval cannot be negative: \(interval).")
                }
                return interval == .zero ? .asSoonAsPossible : .processingTime(interval)
            case .availableNow: return .availableNow
            case .once: return .once
            }
        }
    }
}

/// Which rows a streaming query writes after a micro-batch.
public enum OutputMode: Hashable, Sendable {
    /// The rows that are new.
    case append
    /// The rows that are new or changed.
    case update
    /// All rows, each time.
    case complete

    var plan: Spark.OutputMode {
        switch self {
        case .append: .append
        case .update: .update
        case .complete: .complete
        }
    }
}
