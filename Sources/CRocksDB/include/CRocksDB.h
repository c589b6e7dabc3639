#pragma once
#include <rocksdb/c.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The store's rows as RocksDB values. Header: one byte of flags, then what the flags name, then cells up to the end.
//
//   flags    LEAT_ROW_*
//   base     int64   the timestamp (microseconds) of every cell that carries none of its own
//   liveness int64 timestamp [uint32 ttl, uint32 expiry, uint32 purge]      if LEAT_ROW_LIVENESS [LEAT_ROW_LIVENESS_EXPIRING]
//   deletion int64 timestamp, uint32 purge                                  if LEAT_ROW_DELETION
//   ranges   varint count, each: int64 timestamp, varint length start, varint length end   if LEAT_ROW_RANGES
//   cells    varint column, uint8 flags, [int64 timestamp] [uint32 ttl, expiry, purge | uint32 purge] [varint length path]
//            varint length value (absent for tombstones)
//
// Integers are little-endian. A write is a merge operand of this form; folding any set of operands in any order gives the same
// bytes. `purge` is the second from which a deletion may be forgotten (time of deletion plus gc_grace_seconds).
enum {
    LEAT_ROW_LIVENESS = 0x01,
    LEAT_ROW_LIVENESS_EXPIRING = 0x02,
    LEAT_ROW_DELETION = 0x04,
    LEAT_ROW_RANGES = 0x08,
    /// The head of a partition: its deletions shadow rows under other keys, hence are kept.
    LEAT_ROW_PARTITION = 0x10,
    /// Nothing in it expires, deletes or is a collection's element: folding it alone gives itself.
    LEAT_ROW_PLAIN = 0x20,

    LEAT_CELL_TOMBSTONE = 0x01,
    LEAT_CELL_EXPIRING = 0x02,
    LEAT_CELL_PATH = 0x04,
    LEAT_CELL_TIMESTAMP = 0x08,
    /// The deletion of a whole collection: shadows elements that are not newer.
    LEAT_CELL_COLLECTION_TOMBSTONE = 0x10,
};

/// Last write wins per cell: the higher timestamp; on a tie a tombstone, then an expiring cell, then the larger value.
rocksdb_mergeoperator_t *leat_rows_merge_operator(void);

/// Forgets what has expired in values that are already folded, and drops rows of which nothing is left.
rocksdb_compactionfilter_t *leat_rows_compaction_filter(void);

/// Folds `count` values. The result is to be given to leat_rows_free; NULL when a value is malformed. `now` 0 purges nothing.
char *leat_rows_fold(const char *const *values, const size_t *lengths, int count, uint32_t now, size_t *length);

void leat_rows_free(char *value);

/// The most writes that this thread's reads have folded into one row since the last call.
int leat_rows_take_operands(void);

/// The second that purging takes for now; 0 is the system's clock. For tests.
void leat_rows_set_now(uint32_t now);

#ifdef __cplusplus
}
#endif
