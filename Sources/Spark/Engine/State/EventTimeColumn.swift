/// The event time of a batch's rows as plain numbers: a timestamp's own, a window's end.
struct EventTimeColumn {
    /// Rows without a time belong to a partition of their own, which no watermark reaches.
    static let never = Int64.max

    private let values: Buffer<Int64>
    private let validity: Bitmap?
    private let outer: Bitmap?

    init?(_ column: Column) {
        let column = column.hasConstant ? column.gathered((0..<Int32(column.count)).map { $0 }) : column
        switch column.values {
        case .long(let values):
            self.values = values
            validity = column.validity
            outer = nil
        case .structure(let children):
            guard children.count == 2, let end = children[1], case .long(let values) = end.values, end.stride == 1 else { return nil }
            self.values = values
            validity = end.validity
            outer = column.validity
        default: return nil
        }
    }

    @inline(__always) func micros(_ row: Int) -> Int64? {
        if let validity, !validity[row] { return nil }
        if let outer, !outer[row] { return nil }
        return values.pointer[row]
    }

    /// The rows that come after the watermark; those without a time do.
    func after(_ watermark: Int64, count: Int) -> Selection {
        Selection.all(count).filter { row in micros(row).map { $0 > watermark } ?? true }
    }

    /// The selected rows by the partition that they fall into; nearly always there are very few.
    func parted(_ selection: Selection, _ partition: (Int64) -> Int64) -> [(eventTime: Int64, rows: [Int32])] {
        var parts: [(eventTime: Int64, rows: [Int32])] = []
        var places: [Int64: Int] = [:]
        var (last, place) = (Int64.min, -1)
        selection.eachRow { row in
            let time = micros(row).map(partition) ?? Self.never
            if place < 0 || time != last {
                last = time
                if let known = places[time] {
                    place = known
                } else {
                    place = parts.count
                    places[time] = place
                    parts.append((time, []))
                }
            }
            parts[place].rows.append(Int32(truncatingIfNeeded: row))
        }
        return parts
    }
}

/// What one watermark has seen in a batch, and in all of them.
final class EventTimeTracker: @unchecked Sendable {
    // Unchecked: the query's loop runs one step of one micro-batch at a time.
    let delayMicros: Int64
    private(set) var highest: Int64?
    private(set) var batch = BatchTimes()

    struct BatchTimes {
        var count = 0
        var lowest = Int64.max
        var highest = Int64.min
        /// Sum of the milliseconds, for the average.
        var sum = 0.0
    }

    init(delayMicros: Int64) { self.delayMicros = delayMicros }

    func begin() { batch = BatchTimes() }

    func note(_ times: EventTimeColumn, count: Int) {
        var (seen, low, high, sum) = (0, batch.lowest, batch.highest, 0.0)
        for row in 0..<count {
            guard let micros = times.micros(row) else { continue }
            seen += 1
            low = min(low, micros)
            high = max(high, micros)
            sum += Double(micros) / 1_000
        }
        guard seen > 0 else { return }
        batch.count += seen
        batch.lowest = low
        batch.highest = high
        batch.sum += sum
        highest = max(highest ?? high, high)
    }

    /// In whole milliseconds, as Spark has it.
    var watermark: Int64? { highest.map { DateTimeMath.floor($0, 1_000) * 1_000 - delayMicros } }
}
