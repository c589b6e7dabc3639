import Foundation
import IO

/// The Python that runs a script.
struct PythonInterpreter: Sendable {
    let path: String

    private static let installing =
        "python3 -m venv .venv && .venv/bin/pip install 'pyspark[connect]==4.3.0', then leat submit --python .venv/bin/python"

    /// What is named first is taken, whether it works or not, so that nobody wonders which one ran.
    static func find(_ named: String?, _ settings: [String: String], _ environment: [String: String]) throws -> PythonInterpreter {
        let candidates: [(String, String?)] = [
            ("--python", named), ("spark.pyspark.driver.python", settings["spark.pyspark.driver.python"]),
            ("spark.pyspark.python", settings["spark.pyspark.python"]), ("PYSPARK_DRIVER_PYTHON", environment["PYSPARK_DRIVER_PYTHON"]),
            ("PYSPARK_PYTHON", environment["PYSPARK_PYTHON"]),
            ("VIRTUAL_ENV", environment["VIRTUAL_ENV"].flatMap { $0.isEmpty ? nil : $0 + "/bin/python" }), ("PATH", "python3"),
        ]
        for (origin, candidate) in candidates {
            guard let candidate, !candidate.isEmpty else { continue }
            if let path = executable(candidate, environment["PATH"] ?? "") { return PythonInterpreter(path: path) }
            throw SubmitError(
                problem: origin == "PATH"
                    ? "there is no python3 on PATH" : "the Python interpreter '\(candidate)' (\(origin)) is not there",
                nextStep: installing)
        }
        throw SubmitError(problem: "there is no Python interpreter", nextStep: installing)
    }

    private static func executable(_ name: String, _ path: String) -> String? {
        let places = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
        return places.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The versions of Python and PySpark; what Connect's client needs beside it is looked for too.
    func pyspark() throws -> (python: String, pyspark: String) {
        let question = """
            import importlib.metadata as m, importlib.util as u, sys
            v = ""
            for n in ("pyspark", "pyspark-client", "pyspark-connect"):
                try:
                    v = v or m.version(n)
                except m.PackageNotFoundError:
                    pass
            print("%d.%d.%d" % sys.version_info[:3], v or "-", *[n for n in ("pandas", "pyarrow", "grpc", "grpc_status") if u.find_spec(n) is None])
            """
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["-c", question]
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw SubmitError(problem: "\(path) does not run: \(error.localizedDescription)", nextStep: nil)
        }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        guard process.terminationStatus == 0, words.count >= 2 else {
            throw SubmitError(problem: "\(path) is no Python 3.9 or later", nextStep: Self.installing)
        }
        guard words[1] != "-" else { throw SubmitError(problem: "PySpark is not installed in \(path)", nextStep: Self.installing) }
        guard let major = Int(words[1].prefix { $0 != "." }), major >= 4 else {
            throw SubmitError(
                problem: "PySpark \(words[1]) in \(path) is too old: Spark Connect is served for PySpark 4", nextStep: Self.installing)
        }
        guard words.count == 2 else {
            throw SubmitError(
                problem: "PySpark's Connect client lacks \(words.dropFirst(2).joined(separator: ", ")) in \(path)",
                nextStep: "\(path) -m pip install 'pyspark[connect]==\(words[1])'")
        }
        return (words[0], words[1])
    }

    /// Runs a script in this process's place, so that its output, signals and exit code are the script's own. Returns only by an error.
    func become(_ arguments: [String], _ environment: [String: String]) throws {
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        var pairs: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
        pairs.append(nil)
        execve(path, words, pairs)
        let reason = String(cString: strerror(errno))
        for pointer in words + pairs { free(pointer) }
        throw SubmitError(problem: "\(path) does not run: \(reason)", nextStep: nil)
    }
}
