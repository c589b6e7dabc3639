/// What a column of a stream says about its rows' event time.
///
/// Spark carries this as a mark in the column's metadata; here it is derived from the plan: a watermark marks its column, a projection
/// passes the mark on, and `window` over a marked column is marked itself.
struct EventTime: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case moment
        /// Of this many microseconds.
        case window(Int64)
    }

    var kind: Kind
    var delayMicros: Int64
}

extension ResolvedPlan {
    /// The columns of the output that are event time.
    var eventTimes: [Int: EventTime] {
        switch self {
        case .watermark(let column, let delay, let child):
            // A later watermark stands in for the ones before, as in Spark.
            if case .structure = child.schema.fields[column].dataType {
                guard var known = child.eventTimes[column] else { return [:] }
                known.delayMicros = delay
                return [column: known]
            }
            return [column: EventTime(kind: .moment, delayMicros: delay)]
        case .project(let columns, let child): return Self.marked(columns.map(\.expression), child.eventTimes)
        case .aggregate(let aggregate, let child): return Self.marked(aggregate.keys.map(\.expression), child.eventTimes)
        case .generate(let generator, let child):
            let below = child.eventTimes
            var result = below
            if let time = Self.mark(generator.arguments[0], below), generator.kind == .explode(withPosition: false) {
                result[child.schema.fields.count] = time
            }
            return result
        case .join(let join, let left, let right):
            switch join.kind {
            case .leftSemi, .leftAnti, .mark: return left.eventTimes
            default:
                let width = left.schema.fields.count
                return left.eventTimes.merging(right.eventTimes.map { ($0.key + width, $0.value) }) { $1 }
            }
        case .union(let left, let right, _): return left.eventTimes.merging(right.eventTimes) { mine, _ in mine }
        case .filter(_, let child), .limit(_, let child), .offset(_, let child), .tail(_, let child), .sort(_, let child),
            .deduplicate(_, let child), .deduplicateWithin(_, let child), .sample(_, let child), .observe(_, _, _, let child),
            .window(_, let child):
            return child.eventTimes
        default: return [:]
        }
    }

    private static func marked(_ expressions: [ResolvedExpression], _ below: [Int: EventTime]) -> [Int: EventTime] {
        if below.isEmpty { return [:] }
        var result: [Int: EventTime] = [:]
        for (index, expression) in expressions.enumerated() { result[index] = mark(expression, below) }
        return result
    }

    static func mark(_ expression: ResolvedExpression, _ below: [Int: EventTime]) -> EventTime? {
        switch expression {
        case .column(let index, _, _): return below[index]
        case .call(.named("window"), let arguments, _), .call(.named("sliding_windows"), let arguments, _):
            guard var time = mark(arguments[0], below), time.kind == .moment,
                case .literal(.string(let text), _) = arguments[1], let length = EventTimeInterval.micros(text)
            else { return nil }
            time.kind = .window(length)
            return time
        // The moment before a window's end stands for the window.
        case .call(.named("window_time"), let arguments, _):
            guard case .field(let base, index: 1, _) = arguments[0], var time = mark(base, below), case .window = time.kind else {
                return nil
            }
            time.kind = .moment
            return time
        default: return nil
        }
    }

    /// Without its watermarks, where nothing asks for them.
    var withoutWatermarks: ResolvedPlan {
        if case .watermark(_, _, let child) = self { return child.withoutWatermarks }
        return mapChildren(\.withoutWatermarks)
    }

    /// Filters and projections of streams that end in one sink: every chunk is on its own.
    var isStateless: Bool {
        switch self {
        case .source(let read, _): read.isStreaming
        case .project(_, let child), .filter(_, let child): child.isStateless
        case .union(let left, let right, _): left.isStateless && right.isStateless
        default: false
        }
    }
}
