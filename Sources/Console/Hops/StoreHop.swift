internal import Cassandra
internal import IO
internal import NIOConcurrencyHelpers

/// The store by CQL: its tables, the newest rows of those that queries write, and how many rows they hold.
///
/// CQL has no "newest": a SELECT with LIMIT gives rows by token. So the newest rows are looked up by the keys of the topic's newest
/// records; where records do not hold the key, a part of the table is read and its newest by `writetime` are shown, and said to be
/// a sample. `count(*)` reads the whole table: it runs beside the looks, one at a time, and rests for many times as long as it took.
final class StoreHop: Sendable {
    private let client: CassandraClient
    /// Counts have a time-out of their own, and a connection on which a long one holds up nothing.
    private let countClient: CassandraClient
    private let configuration: ConsoleConfiguration

    private struct State {
        var tables: [String] = []
        var tablesReadAt: ContinuousClock.Instant?
        var known: [String: KnownTable] = [:]
    }

    private struct KnownTable {
        var metadata: TableMetadata
        var readAt: ContinuousClock.Instant
        /// Found rows by the record that named them.
        var rows: [String: RowSnapshot] = [:]
        var sample: (rows: [RowSnapshot], isPart: Bool, dueAt: ContinuousClock.Instant)?
        var count: (rows: Int64, at: ContinuousClock.Instant, rowsRead: Int64?)?
        var counting: Task<Void, Never>?
        var countDueAt: ContinuousClock.Instant?
        var countTook: Duration?
        var countProblem: String?
    }

    private let state = NIOLockedValueBox(State())

    /// How long what `system_schema` said is believed.
    private static let schemaMaxAge = Duration.seconds(10)
    /// Rows read for a sample.
    private static let sampleRows: Int32 = 500
    /// A count or a sample rests for this many times as long as it took.
    private static let restFactor = 30
    /// A count younger than this is shown as it is; to an older one the rows written since are added.
    private static let countFresh = Duration.seconds(3)

    /// A count that took less is waited for.
    private static let countQuick = Duration.milliseconds(100)

    init(client: CassandraClient, countClient: CassandraClient, configuration: ConsoleConfiguration) {
        self.client = client
        self.countClient = countClient
        self.configuration = configuration
    }

    func look(_ interest: Interest) async throws -> (StoreLook, detail: String) {
        let local = try await client.query("SELECT release_version FROM system.local", consistency: .one)
        let release = local.rows.first?.first?.description ?? "?"
        var tables = try await tables(atMost: Self.schemaMaxAge)
        // A query that has just begun may have just made its table.
        if interest.sinks.contains(where: { Sink(description: $0.description).table(among: tables) == nil }) {
            tables = try await self.tables(atMost: .seconds(2))
        }
        var look = StoreLook(release: release, tables: tables, shown: [:], rowsReadAtCount: [:])
        for sink in interest.sinks {
            guard let name = Sink(description: sink.description).table(among: tables), look.shown[name] == nil else { continue }
            let (table, rowsRead) = await show(name, sink)
            look.shown[name] = table
            look.rowsReadAtCount[name] = rowsRead
        }
        let count = tables.count
        return (look, detail: "Cassandra \(release), \(count == 1 ? "1 table" : "\(count) tables")")
    }

    private func tables(atMost age: Duration) async throws -> [String] {
        let now = ContinuousClock.now
        if let known = state.withLockedValue({ state in state.tablesReadAt.flatMap { now - $0 < age ? state.tables : nil } }) {
            return known
        }
        let rows = try await client.query("SELECT keyspace_name, table_name FROM system_schema.tables", consistency: .one)
        let tables = rows.rows.compactMap { row -> String? in
            guard row.count == 2 else { return nil }
            let keyspace = row[0].description
            return keyspace == "system" || keyspace.hasPrefix("system_") ? nil : "\(keyspace).\(row[1])"
        }.sorted()
        state.withLockedValue { state in
            state.tables = tables
            state.tablesReadAt = now
            state.known = state.known.filter { tables.contains($0.key) }
        }
        return tables
    }

    private func show(_ name: String, _ sink: SinkInterest) async -> (TableSnapshot, rowsReadAtCount: Int64?) {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        var table = TableSnapshot(keyspace: parts[0], name: parts[1], isEstimate: false, isSample: false)
        do {
            let metadata = try await metadata(name, keyspace: parts[0], table: parts[1])
            let selection = RowSelection(metadata: metadata, rowsMax: configuration.rowsMax, valueBytesMax: configuration.valueBytesMax)
            table.columns = selection.columns
            let found = try await rows(named: sink.records, in: name, selection)
            if let found {
                table.newest = found
            } else {
                let sample = try await sample(of: name, selection)
                table.newest = sample.rows
                table.isSample = sample.isPart
            }
            await count(name, rowsRead: sink.rowsRead)
        } catch {
            table.problem = KafkaHop.words(error)
        }
        let now = ContinuousClock.now
        let (count, problem) = state.withLockedValue { ($0.known[name]?.count, $0.known[name]?.countProblem) }
        table.rows = count?.rows
        if table.problem == nil, count == nil { table.problem = problem }
        return (table, count.flatMap { now - $0.at > Self.countFresh ? $0.rowsRead : nil })
    }

    private func metadata(_ name: String, keyspace: String, table: String) async throws -> TableMetadata {
        let now = ContinuousClock.now
        if let known = state.withLockedValue({ $0.known[name] }), now - known.readAt < Self.schemaMaxAge { return known.metadata }
        guard let metadata = try await client.table(keyspace: keyspace, name: table) else { throw ConsoleError.notFound("table \(name)") }
        state.withLockedValue { state in
            if state.known[name]?.metadata == metadata {
                state.known[name]?.readAt = now
            } else {
                state.known[name] = KnownTable(metadata: metadata, readAt: now)
            }
        }
        return metadata
    }

    // MARK: Rows

    /// The rows of the newest records, newest record first; nil where the records do not name rows.
    private func rows(named records: [RecordSnapshot], in name: String, _ selection: RowSelection) async throws -> [RowSnapshot]? {
        let keyed = records.compactMap { record in
            selection.key(in: record).map { (id: "\(record.partition)@\(record.offset)", key: $0) }
        }.prefix(selection.rowsMax)
        guard !keyed.isEmpty else { return nil }
        let known = state.withLockedValue { $0.known[name]?.rows } ?? [:]
        var rows: [String: RowSnapshot] = [:]
        try await withThrowingTaskGroup(of: (String, RowSnapshot?).self) { group in
            for (id, key) in keyed {
                if let row = known[id] {
                    rows[id] = row
                } else {
                    group.addTask {
                        let answer = try await self.client.query(selection.byKey, values: key, consistency: .one)
                        return (id, answer.rows.first.map(selection.row))
                    }
                }
            }
            for try await (id, row) in group { rows[id] = row }
        }
        state.withLockedValue { [rows] in $0.known[name]?.rows = rows }
        // A key that came twice is one row.
        var seen: Set<String> = []
        return keyed.compactMap { rows[$0.id] }.filter { seen.insert($0.key).inserted }
            .sorted { ($0.writtenAt ?? 0) > ($1.writtenAt ?? 0) }
    }

    private func sample(of name: String, _ selection: RowSelection) async throws -> (rows: [RowSnapshot], isPart: Bool) {
        let started = ContinuousClock.now
        if let known = state.withLockedValue({ $0.known[name]?.sample }), started < known.dueAt { return (known.rows, known.isPart) }
        let answer = try await client.query(selection.some(Self.sampleRows), pageSize: Self.sampleRows, consistency: .one)
        let rows = answer.rows.map(selection.row).sorted { ($0.writtenAt ?? 0) > ($1.writtenAt ?? 0) }
        let sample = (rows: Array(rows.prefix(selection.rowsMax)), isPart: answer.rows.count >= Int(Self.sampleRows))
        let dueAt = ContinuousClock.now + max(.seconds(1), (ContinuousClock.now - started) * Self.restFactor)
        state.withLockedValue { $0.known[name]?.sample = (sample.rows, sample.isPart, dueAt) }
        return sample
    }

    // MARK: Counting

    /// Begins a count when one is due; waits for it, for a moment only, where there is none yet or counts are quick: so that the
    /// rows of a small table stand beside the records of the same moment.
    private func count(_ name: String, rowsRead: Int64?) async {
        let now = ContinuousClock.now
        let (task, isQuick) = state.withLockedValue { state -> (Task<Void, Never>?, Bool) in
            guard let known = state.known[name] else { return (nil, false) }
            if known.counting == nil, known.countDueAt.map({ $0 <= now }) ?? true {
                state.known[name]?.counting = Task { await self.countNow(name, rowsRead: rowsRead) }
            }
            return (state.known[name]?.counting, known.countTook.map { $0 < Self.countQuick } ?? true)
        }
        if isQuick, let task { await Patience.wait(for: [task], atMost: configuration.timeout / 4) }
    }

    private func countNow(_ name: String, rowsRead: Int64?) async {
        let started = ContinuousClock.now
        let parts = name.split(separator: ".", maxSplits: 1).map { RowSelection.quoted(String($0)) }
        do {
            let answer = try await countClient.query("SELECT count(*) FROM \(parts.joined(separator: "."))", consistency: .one)
            let rows = answer.rows.first?.first?.integer
            state.withLockedValue { state in
                if let rows { state.known[name]?.count = (rows, .now, rowsRead) }
                state.known[name]?.countProblem = nil
            }
        } catch {
            state.withLockedValue { $0.known[name]?.countProblem = "the rows could not be counted: \(KafkaHop.words(error))" }
        }
        let took = ContinuousClock.now - started
        state.withLockedValue { state in
            state.known[name]?.counting = nil
            state.known[name]?.countTook = took
            state.known[name]?.countDueAt = .now + max(configuration.countInterval, took * Self.restFactor)
        }
    }
}
