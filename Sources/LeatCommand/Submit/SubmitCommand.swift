import ArgumentParser
import Foundation
import IO

/// `leat submit`: spark-submit's role. Runs a PySpark script as it stands, on Leat's engine or any other Spark Connect address.
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Run a PySpark script against the engine, as spark-submit would.",
        discussion: """
            Takes spark-submit's options. Needs Python with PySpark 4 (pip install 'pyspark[connect]==4.3.0') and no Java.

            EXAMPLES
              leat submit pyspark_stream.py
              leat submit --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.1 stream.py --topic users
              leat submit --remote sc://spark.example.org:15002 job.py
            """)

    @Option(help: ArgumentHelp("The Spark Connect address (else SPARK_REMOTE, else sc://127.0.0.1:15002).", valueName: "sc://host:port"))
    var remote: String?

    @Option(
        help: ArgumentHelp(
            "The Python interpreter (else PYSPARK_DRIVER_PYTHON, PYSPARK_PYTHON, the active environment, python3).", valueName: "path"))
    var python: String?

    @Option(help: "The application's name (spark.app.name).")
    var name: String?

    @Option(
        name: [.customLong("conf"), .customShort("c")],
        help: ArgumentHelp("A setting of the session; may be repeated.", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: "A file of settings, a key and its value on each line.")
    var propertiesFile: String?

    @Option(help: "Modules and archives for the script, separated by commas.")
    var pyFiles: String?

    @Flag(name: .shortAndLong, help: "Say more.")
    var verbose = false

    @OptionGroup(title: "Taken and without effect: Leat needs no cluster, no jars and no memory settings")
    var ignored: IgnoredOptions

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("The script and its arguments.", valueName: "script.py"))
    var script: [String] = []

    func run() throws {
        guard let file = script.first else {
            throw SubmitError(problem: "no script is named", nextStep: "leat submit script.py [its arguments]")
        }
        // What stands before the script and is no option of this command comes here too.
        if ["--help", "-help", "-h"].contains(file) { throw CleanExit.helpRequest(self) }
        guard !file.hasPrefix("-") else {
            throw SubmitError(
                problem: "there is no option '\(file)'", nextStep: "leat submit --help lists them; the script's own come after it")
        }
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw SubmitError(problem: "the script '\(file)' is not there, or cannot be read", nextStep: nil)
        }
        guard !file.hasSuffix(".jar") else {
            throw SubmitError(problem: "'\(file)' is an application of the JVM; Leat runs Python scripts", nextStep: nil)
        }
        var environment = ProcessInfo.processInfo.environment
        let configuration = try configuration()
        let interpreter = try PythonInterpreter.find(python, configuration, environment)
        let address = remote ?? environment["SPARK_REMOTE"].flatMap { $0.isEmpty ? nil : $0 } ?? "sc://127.0.0.1:15002"
        guard address.hasPrefix("sc://") else {
            throw SubmitError(
                problem: "'\(address)' is no Spark Connect address", nextStep: "an address reads sc://host:port, as sc://127.0.0.1:15002")
        }
        let version = try interpreter.pyspark()
        Terminal.note("leat submit: \(interpreter.path) (Python \(version.python), PySpark \(version.pyspark)) on \(address)")
        let given = ignored.given
        if !given.isEmpty {
            Terminal.note(
                "leat submit: \(given.joined(separator: ", ")) \(given.count == 1 ? "has" : "have") no effect: Leat needs no jars and sizes itself"
            )
        }
        environment["SPARK_REMOTE"] = address
        environment["PYTHONPATH"] = try pythonPath(environment["PYTHONPATH"])
        environment["LEAT_SUBMIT_CONF"] = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
        environment["PYSPARK_PYTHON"] = environment["PYSPARK_PYTHON"] ?? interpreter.path
        for key in ["MASTER", "SPARK_API_MODE"] { environment[key] = nil }
        try interpreter.become(script, environment)
    }

    private func pythonPath(_ own: String?) throws -> String {
        let modules = (pyFiles ?? "").split(separator: ",").map { path in
            path.hasSuffix(".py") ? URL(filePath: String(path)).deletingLastPathComponent().path : String(path)
        }
        return ([try SubmitPackage.folder()] + modules + [own].compactMap { $0 }.filter { !$0.isEmpty }).joined(separator: ":")
    }

    /// Later sources stand over earlier ones, as in spark-submit: the file, `--conf`, `--name`.
    private func configuration() throws -> [String: String] {
        var values: [String: String] = [:]
        if let propertiesFile {
            guard let text = try? String(contentsOfFile: propertiesFile, encoding: .utf8) else {
                throw SubmitError(problem: "the properties file '\(propertiesFile)' cannot be read", nextStep: nil)
            }
            for line in text.split(whereSeparator: \.isNewline) {
                let line = line.trimmingCharacters(in: .whitespaces)
                guard !line.isEmpty, !line.hasPrefix("#") else { continue }
                let end = line.firstIndex { $0 == "=" || $0.isWhitespace } ?? line.endIndex
                let value = line[end...].drop { $0 == "=" || $0.isWhitespace }
                values[String(line[..<end])] = String(value)
            }
        }
        for setting in settings {
            guard let end = setting.firstIndex(of: "=") else {
                throw SubmitError(problem: "--conf \(setting) has no value", nextStep: "write --conf key=value")
            }
            values[String(setting[..<end])] = String(setting[setting.index(after: end)...])
        }
        if let name { values["spark.app.name"] = name }
        values["spark.master"] = nil
        return values
    }
}

/// Options of spark-submit that have nothing to act on here.
struct IgnoredOptions: ParsableArguments {
    @Option(help: .hidden) var master: String?
    @Option(help: .hidden) var deployMode: String?
    @Option(name: .customLong("class"), help: .hidden) var mainClass: String?
    @Option(help: .hidden) var packages: String?
    @Option(help: .hidden) var excludePackages: String?
    @Option(help: .hidden) var repositories: String?
    @Option(help: .hidden) var jars: String?
    @Option(help: .hidden) var files: String?
    @Option(help: .hidden) var archives: String?
    @Option(help: .hidden) var driverMemory: String?
    @Option(help: .hidden) var driverCores: String?
    @Option(help: .hidden) var driverJavaOptions: String?
    @Option(help: .hidden) var driverLibraryPath: String?
    @Option(help: .hidden) var driverClassPath: String?
    @Option(help: .hidden) var executorMemory: String?
    @Option(help: .hidden) var executorCores: String?
    @Option(help: .hidden) var numExecutors: String?
    @Option(help: .hidden) var totalExecutorCores: String?
    @Option(help: .hidden) var queue: String?
    @Option(help: .hidden) var proxyUser: String?
    @Option(help: .hidden) var principal: String?
    @Option(help: .hidden) var keytab: String?
    @Flag(help: .hidden) var supervise = false

    /// The options that were given, as they are written.
    var given: [String] {
        let options: [(String, String?)] = [
            ("--master", master), ("--deploy-mode", deployMode), ("--class", mainClass), ("--packages", packages),
            ("--exclude-packages", excludePackages), ("--repositories", repositories), ("--jars", jars), ("--files", files),
            ("--archives", archives), ("--driver-memory", driverMemory), ("--driver-cores", driverCores),
            ("--driver-java-options", driverJavaOptions), ("--driver-library-path", driverLibraryPath),
            ("--driver-class-path", driverClassPath), ("--executor-memory", executorMemory), ("--executor-cores", executorCores),
            ("--num-executors", numExecutors), ("--total-executor-cores", totalExecutorCores), ("--queue", queue),
            ("--proxy-user", proxyUser), ("--principal", principal), ("--keytab", keytab), ("--supervise", supervise ? "" : nil),
        ]
        return options.filter { $0.1 != nil }.map(\.0)
    }
}

struct SubmitError: DescribedError {
    let problem: String
    let nextStep: String?
}
