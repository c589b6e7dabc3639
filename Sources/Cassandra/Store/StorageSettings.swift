internal import IO

/// The settings of the storage under the store; the listener's are in ``StoreConfiguration``.
enum StorageSettings {
    static let all: [Setting] = [
        Setting(
            "store.commitlog.sync", .choice(["group", "periodic"]), default: "group",
            "When writes are acknowledged: 'group' after their log is synced (they survive power loss), 'periodic' before, as Cassandra does by default"
        ),
        Setting(
            "store.commitlog.sync.period", .duration, default: "1s", "How often the log is synced when store.commitlog.sync is periodic"),
        Setting("store.memtable.bytes", .bytes, default: "32MiB", "Memory for rows not yet in files, over all tables"),
        Setting("store.cache.bytes", .bytes, default: "16MiB", "Memory for blocks read from files"),
    ]
}
