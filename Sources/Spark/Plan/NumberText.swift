/// Floating-point numbers as Java prints them, which is what Spark's casts to string give (`1.0`, `1.0E10`, `NaN`, `Infinity`).
enum NumberText {
    static func text(_ value: Double) -> String {
        java("\(value)", magnitude: value.magnitude, isFinite: value.isFinite, isNaN: value.isNaN, isNegative: value.sign == .minus)
    }
    static func text(_ value: Float) -> String {
        java("\(value)", magnitude: Double(value.magnitude), isFinite: value.isFinite, isNaN: value.isNaN, isNegative: value.sign == .minus)
    }

    /// Swift and Java both print the shortest digits that read back; they differ in where the exponent begins and how it is written.
    private static func java(_ swift: String, magnitude: Double, isFinite: Bool, isNaN: Bool, isNegative: Bool) -> String {
        if isNaN { return "NaN" }
        let sign = isNegative ? "-" : ""
        guard isFinite else { return sign + "Infinity" }
        if magnitude == 0 { return sign + "0.0" }
        let parts = swift.drop { $0 == "-" }.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        var digits = String(mantissa[0] + fraction)
        // The value is 0.digits × 10^point.
        var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        let zeros = digits.prefix { $0 == "0" }.count
        digits.removeFirst(zeros)
        point -= zeros
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        if magnitude >= 1e-3, magnitude < 1e7 {
            if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
            if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        }
        let rest = digits.dropFirst()
        return sign + digits.prefix(1) + "." + (rest.isEmpty ? "0" : rest) + "E\(point - 1)"
    }
}
