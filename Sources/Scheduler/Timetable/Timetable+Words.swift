extension Timetable {
    /// In words, where the schedule is of a form that has some ("Every minute", "At 03:00, on Monday"); else the expression.
    package var words: String {
        switch kind {
        case .none: return "Never, runs are triggered"
        case .once: return "Once"
        case .interval: return "Every \(summary)"
        case .cron(let expression, let zone):
            let words = Self.words(expression.text) ?? "At the ticks of '\(expression.text)'"
            return zone.identifier == "UTC" ? words : "\(words) (\(zone.identifier))"
        }
    }

    private static func words(_ text: String) -> String? {
        let fields = text.split(separator: " ").map(String.init)
        guard fields.count == 5 else { return nil }
        if text == "* * * * *" { return "Every minute" }
        if let step = step(fields[0]), fields[1...].allSatisfy({ $0 == "*" }) { return "Every \(step) minutes" }
        guard let minute = Int(fields[0]) else { return nil }
        if fields[1...].allSatisfy({ $0 == "*" }) {
            return minute == 0 ? "Every hour" : "Every hour, at \(minute) minutes past"
        }
        if let step = step(fields[1]), fields[2...].allSatisfy({ $0 == "*" }) {
            return "Every \(step) hours, at \(minute) minutes past"
        }
        guard let hour = Int(fields[1]) else { return nil }
        let time = "At \(twoDigits(hour)):\(twoDigits(minute))"
        switch (fields[2], fields[3], fields[4]) {
        case ("*", "*", "*"): return time
        case ("*", "*", let weekday):
            guard let number = Int(weekday), let name = weekdays[safe: number % 7] else { return nil }
            return "\(time), on \(name)"
        case (let day, "*", "*"): return Int(day).map { "\(time), on day \($0) of the month" }
        case (let day, let month, "*"):
            guard let day = Int(day), let number = Int(month), let name = months[safe: number - 1] else { return nil }
            return "\(time), on \(day) \(name)"
        default: return nil
        }
    }

    private static func step(_ field: String) -> Int? { field.hasPrefix("*/") ? Int(field.dropFirst(2)) : nil }
    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
}

extension Array {
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
