import CMalloc
import Foundation

/// What this process does to stay small.
enum ProcessMemory {
    /// Lets malloc keep two arenas instead of eight a core: threads that come and go would each leave one behind, half empty.
    ///
    /// - Note: must come before the first thread is started.
    static func limitArenas() {
        leat_malloc_limit(2, 256 << 10)
    }

    /// The process's resident memory now and at its highest, in MiB, from /proc/self/status.
    static func resident() -> (now: Double, peak: Double) {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return (0, 0) }
        func value(_ name: String) -> Double {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }) else { return 0 }
            return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
        }
        return (value("VmRSS"), value("VmHWM"))
    }
}
