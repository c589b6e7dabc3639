/// The properties of WITH: which there are, what they take, and what stands where none was given. The storage itself uses
/// `default_time_to_live` and `gc_grace_seconds`; the others are kept and told again.
enum TableProperties {
    enum Kind { case text, integer, real, boolean, map }

    static let known: [(name: String, kind: Kind, standard: PropertyValue)] = [
        ("additional_write_policy", .text, .text("99p")),
        ("bloom_filter_fp_chance", .real, .text("0.01")),
        ("caching", .map, .map(["keys": "ALL", "rows_per_partition": "NONE"])),
        ("cdc", .boolean, .text("false")),
        ("comment", .text, .text("")),
        (
            "compaction", .map,
            .map([
                "class": "org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy", "max_threshold": "32", "min_threshold": "4",
            ])
        ),
        ("compression", .map, .map(["chunk_length_in_kb": "16", "class": "org.apache.cassandra.io.compress.LZ4Compressor"])),
        ("crc_check_chance", .real, .text("1.0")),
        ("default_time_to_live", .integer, .text("0")),
        ("extensions", .map, .map([:])),
        ("gc_grace_seconds", .integer, .text("864000")),
        ("max_index_interval", .integer, .text("2048")),
        ("memtable_flush_period_in_ms", .integer, .text("0")),
        ("min_index_interval", .integer, .text("128")),
        ("read_repair", .text, .text("BLOCKING")),
        ("speculative_retry", .text, .text("99p")),
    ]

    /// Taken from older scripts and forgotten, as Cassandra 4 does.
    private static let obsolete: Set<String> = ["dclocal_read_repair_chance", "read_repair_chance", "replicate_on_write", "memtable"]

    /// The most entries of a property that is a map, replication too.
    static let entriesMax = 1_024

    static func value(_ name: String, of table: Table) -> PropertyValue {
        table.properties[name] ?? known.first { $0.name == name }?.standard ?? .text("")
    }

    static func checked(_ properties: [String: PropertyValue]) throws(CQLError) -> [String: PropertyValue] {
        var list: [String: PropertyValue] = [:]
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) where !obsolete.contains(name) {
            guard let property = known.first(where: { $0.name == name }) else { throw .syntaxError("Unknown property '\(name)'") }
            switch (property.kind, value) {
            case (.map, .map(var map)):
                guard map.count <= entriesMax else {
                    throw .configError("'\(name)' has \(map.count) entries, of which \(entriesMax) are the most")
                }
                if let given = map["class"] {
                    let package = name == "compaction" ? "org.apache.cassandra.db.compaction." : "org.apache.cassandra.io.compress."
                    if !given.contains(".") { map["class"] = package + given }
                }
                list[name] = .map(map)
                continue
            case (.map, .text), (_, .map): throw .syntaxError("Invalid value for property '\(name)'")
            case (.integer, .text(let text)):
                guard let number = Int32(text), number >= 0 else {
                    throw .configError("Invalid value \(text) for option '\(name)': a number that is not negative is wanted")
                }
                if name == "default_time_to_live", Int64(number) > MutationEncoder.ttlMax {
                    throw .configError("default_time_to_live must be less than or equal to \(MutationEncoder.ttlMax) (got \(number))")
                }
            case (.real, .text(let text)):
                guard Double(text) != nil else { throw .syntaxError("Invalid double value \(text) for '\(name)'") }
            case (.boolean, .text(let text)):
                guard text == "true" || text == "false" else { throw .syntaxError("Invalid boolean value \(text) for '\(name)'") }
            case (.text, .text): break
            }
            list[name] = value
        }
        return list
    }
}
