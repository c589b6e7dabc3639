import ArgumentParser
import Foundation
import Histogram
import IO
import Leat
import Stack

struct BenchPipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Records from topic to table: throughput of a preloaded topic, then latency under a steady load.",
        discussion: """
            Starts `leat up` in a process of its own, in a temporary folder. Throughput: the topic is filled first, then the query is started on
            it; the clock runs from its start until the last record is committed. Latency: open loop, each record stamped before it is
            sent (the time that it was due, so that a stall is not hidden), until a second connection reads its row.

            EXAMPLES
              leat bench pipeline
              leat bench pipeline --records 100000 --seconds 10 --json
            """)

    @Option(help: "Records of the throughput run; 0 leaves it out.")
    var records = 1_000_000

    @Option(help: "Records a second of the latency run.")
    var rate = 1_000

    @Option(help: "Seconds of the latency run; 0 leaves it out.")
    var seconds = 60

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let stack = BenchStack(folder: folder.path)
        var report = BenchPipelineReport(
            records: records, rate: rate, seconds: seconds, fdatasyncMilliseconds: try DiskSync.median(in: folder.path))
        if records > 0 {
            try await preload(stack)
            report.throughput = try await throughput(stack)
        }
        if seconds > 0 { report.latency = try await latency(stack) }
        print(try json ? report.json() : report.text())
    }

    private func preload(_ stack: BenchStack) async throws {
        let broker = try await stack.start(["broker"])
        defer { broker.kill() }
        try await broker.waitForPort(stack.ports.broker)
        try await BenchUser.fill(BenchStack.topic, at: stack.broker, count: records)
        await broker.stop()
    }

    private func throughput(_ stack: BenchStack) async throws -> BenchPipelineReport.Throughput {
        let up = try await stack.start(["up", "--json", "--pipeline.trigger=false"])
        defer { up.kill() }
        try await up.waitForPort(stack.ports.engine)
        let began = ContinuousClock.now, cpu = up.cpuSeconds()
        let gatherer = try StatusGatherer(try Pipelines.named("users"), configuration: try stack.configuration(), timeout: .seconds(5))
        var rows = 0
        while rows < records {
            guard up.isRunning else { throw BenchError(problem: "leat up ended: \(up.lastErrors())") }
            guard ContinuousClock.now - began < .seconds(600) else { throw BenchError(problem: "only \(rows) rows after 600 s") }
            try await Task.sleep(for: .milliseconds(50))
            rows = await gatherer.gatherQuery()?.rows ?? rows
        }
        let took = (ContinuousClock.now - began).inSeconds, spent = up.cpuSeconds() - cpu
        let peak = up.peakMemoryMiB()
        let counted = await gatherer.gather(countsTable: true).table?.rows ?? 0
        await gatherer.close()
        guard counted == records else { throw BenchError(problem: "\(counted) rows are in the table, and \(records) were sent") }
        await up.stop()
        return .init(
            seconds: took, rowsPerSecond: Double(records) / took, cpuSeconds: spent, cpuMicrosecondsPerRow: spent / Double(records) * 1e6,
            peakMemoryMiB: peak)
    }

    private func latency(_ stack: BenchStack) async throws -> BenchPipelineReport.Latency {
        let up = try await stack.start(["up", "--json", "--pipeline.trigger=false"])
        defer { up.kill() }
        try await up.waitForPort(stack.ports.console)
        Terminal.note("\(rate) records a second for \(seconds) s")
        let cpu = up.cpuSeconds(), began = ContinuousClock.now
        let run = LatencyRun(stack: stack, rate: rate, count: rate * seconds, first: 1 << 40)
        let histogram = try await run.run()
        let spent = up.cpuSeconds() - cpu, took = (ContinuousClock.now - began).inSeconds
        let peak = up.peakMemoryMiB()
        await up.stop()
        return .init(histogram, cpuCores: spent / took, peakMemoryMiB: peak)
    }
}

struct BenchPipelineReport: Encodable {
    struct Throughput: Encodable {
        let seconds, rowsPerSecond, cpuSeconds, cpuMicrosecondsPerRow, peakMemoryMiB: Double
    }

    struct Latency: Encodable {
        let p50Milliseconds, p90Milliseconds, p99Milliseconds, p999Milliseconds, maxMilliseconds, cpuCores, peakMemoryMiB: Double
        let records: Int

        init(_ histogram: Histogram<UInt64>, cpuCores: Double, peakMemoryMiB: Double) {
            func at(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1_000 }
            p50Milliseconds = at(50)
            p90Milliseconds = at(90)
            p99Milliseconds = at(99)
            p999Milliseconds = at(99.9)
            maxMilliseconds = at(100)
            self.cpuCores = cpuCores
            self.peakMemoryMiB = peakMemoryMiB
            records = Int(histogram.totalCount)
        }
    }

    let records, rate, seconds: Int
    let fdatasyncMilliseconds: Double
    var throughput: Throughput?
    var latency: Latency?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func text() -> String {
        func rounded(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        var table = TextTable([.init("WHAT"), .init("FIGURE", alignsRight: true), .init("UNIT")])
        table.add(["this disk's fdatasync, median", rounded(fdatasyncMilliseconds, 2), "ms"])
        if let throughput {
            table.add(["topic to table, \(records) records", rounded(throughput.rowsPerSecond, 0), "rows/s"])
            table.add(["time", rounded(throughput.seconds, 2), "s"])
            table.add(["CPU, all boxes", rounded(throughput.cpuSeconds, 2), "s"])
            table.add(["CPU a row", rounded(throughput.cpuMicrosecondsPerRow, 2), "µs"])
            table.add(["peak memory", rounded(throughput.peakMemoryMiB, 0), "MiB"])
        }
        if let latency {
            table.add(["produce to readable row, p50 at \(rate)/s", rounded(latency.p50Milliseconds, 2), "ms"])
            table.add(["p90", rounded(latency.p90Milliseconds, 2), "ms"])
            table.add(["p99", rounded(latency.p99Milliseconds, 2), "ms"])
            table.add(["p99.9", rounded(latency.p999Milliseconds, 2), "ms"])
            table.add(["longest of \(latency.records)", rounded(latency.maxMilliseconds, 2), "ms"])
            table.add(["CPU, all boxes", rounded(latency.cpuCores, 2), "cores"])
            table.add(["peak memory", rounded(latency.peakMemoryMiB, 0), "MiB"])
        }
        return table.text()
    }
}
