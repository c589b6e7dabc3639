#include "CRocksDB.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Merge operator and compaction filter of the store's rows. They run on RocksDB's threads, so they hold no state but the clock.

static _Atomic uint32_t fixed_now;

void leat_rows_set_now(uint32_t now) { atomic_store(&fixed_now, now); }

static uint32_t current_second(void) {
    uint32_t fixed = atomic_load_explicit(&fixed_now, memory_order_relaxed);
    return fixed ? fixed : (uint32_t)time(NULL);
}

typedef struct {
    const uint8_t *path;
    const uint8_t *value;
    int64_t timestamp;
    uint32_t column;
    uint32_t path_length;
    uint32_t value_length;
    uint32_t ttl;
    uint32_t expiry;
    uint32_t purge;
    uint8_t flags;
} Cell;

typedef struct {
    const uint8_t *start;
    const uint8_t *end;
    int64_t timestamp;
    uint32_t start_length;
    uint32_t end_length;
} Range;

typedef struct {
    uint8_t flags;
    int64_t base;
    int64_t liveness;
    uint32_t ttl, expiry, liveness_purge;
    int64_t deletion;
    uint32_t deletion_purge;
    Cell *cells;
    size_t cell_count, cell_capacity;
    Range *ranges;
    size_t range_count, range_capacity;
    int is_broken;
} Row;

static int64_t load64(const uint8_t *p) { int64_t v; memcpy(&v, p, 8); return v; }
static uint32_t load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }

static const uint8_t *read_varint(const uint8_t *p, const uint8_t *end, uint32_t *out) {
    uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (p >= end) return NULL;
        uint8_t byte = *p++;
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) { *out = value; return p; }
    }
    return NULL;
}

static const uint8_t *read_bytes(const uint8_t *p, const uint8_t *end, const uint8_t **bytes, uint32_t *length) {
    p = read_varint(p, end, length);
    if (!p || (size_t)(end - p) < *length) return NULL;
    *bytes = p;
    return p + *length;
}

/// A total order of two writes to one place: the result does not depend on which came first.
static int cell_rank(const Cell *cell) {
    if (cell->flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE)) return 2;
    return cell->flags & LEAT_CELL_EXPIRING ? 1 : 0;
}

static int compare_bytes(const uint8_t *a, uint32_t a_length, const uint8_t *b, uint32_t b_length) {
    uint32_t shared = a_length < b_length ? a_length : b_length;
    int order = shared ? memcmp(a, b, shared) : 0;
    if (order) return order;
    return a_length < b_length ? -1 : a_length > b_length;
}

static int compare_writes(const Cell *a, const Cell *b) {
    if (a->timestamp != b->timestamp) return a->timestamp < b->timestamp ? -1 : 1;
    int rank = cell_rank(a) - cell_rank(b);
    if (rank) return rank;
    if (a->expiry != b->expiry) return a->expiry < b->expiry ? -1 : 1;
    int order = compare_bytes(a->value, a->value_length, b->value, b->value_length);
    if (order) return order;
    if (a->ttl != b->ttl) return a->ttl < b->ttl ? -1 : 1;
    return a->purge < b->purge ? -1 : a->purge > b->purge;
}

/// Column, the collection's deletion before its elements, path, then the winning write first.
static int compare_cells(const void *left, const void *right) {
    const Cell *a = left, *b = right;
    if (a->column != b->column) return a->column < b->column ? -1 : 1;
    int a_path = (a->flags & LEAT_CELL_COLLECTION_TOMBSTONE) ? 0 : 1, b_path = (b->flags & LEAT_CELL_COLLECTION_TOMBSTONE) ? 0 : 1;
    if (a_path != b_path) return a_path - b_path;
    int order = compare_bytes(a->path, a->path_length, b->path, b->path_length);
    if (order) return order;
    return -compare_writes(a, b);
}

static int compare_ranges(const void *left, const void *right) {
    const Range *a = left, *b = right;
    int order = compare_bytes(a->start, a->start_length, b->start, b->start_length);
    if (order) return order;
    order = compare_bytes(a->end, a->end_length, b->end, b->end_length);
    if (order) return order;
    return a->timestamp > b->timestamp ? -1 : a->timestamp < b->timestamp;
}

static void *grow(void *items, size_t *capacity, size_t size) {
    *capacity = *capacity ? *capacity * 2 : 32;
    return realloc(items, *capacity * size);
}

static int parse(Row *row, const uint8_t *p, size_t length) {
    const uint8_t *end = p + length;
    if (length == 0) return 1;
    if (length < 9) return 0;
    uint8_t flags = *p++;
    int64_t base = load64(p);
    p += 8;
    if (base > row->base) row->base = base;
    row->flags |= flags & LEAT_ROW_PARTITION;
    if (flags & LEAT_ROW_LIVENESS) {
        if (end - p < 8) return 0;
        int64_t timestamp = load64(p);
        uint32_t ttl = 0, expiry = 0, purge = 0;
        p += 8;
        if (flags & LEAT_ROW_LIVENESS_EXPIRING) {
            if (end - p < 12) return 0;
            ttl = load32(p);
            expiry = load32(p + 4);
            purge = load32(p + 8);
            p += 12;
        }
        // Cassandra's LivenessInfo.supersedes: the timestamp, then an expiring one, then the later expiry.
        int wins = !(row->flags & LEAT_ROW_LIVENESS) || timestamp > row->liveness
            || (timestamp == row->liveness
                && (expiry > row->expiry || (expiry == row->expiry && (ttl > row->ttl || (ttl == row->ttl && purge > row->liveness_purge)))));
        if (wins) {
            row->liveness = timestamp;
            row->ttl = ttl;
            row->expiry = expiry;
            row->liveness_purge = purge;
        }
        row->flags |= LEAT_ROW_LIVENESS;
    }
    if (flags & LEAT_ROW_DELETION) {
        if (end - p < 12) return 0;
        int64_t timestamp = load64(p);
        uint32_t purge = load32(p + 8);
        p += 12;
        if (!(row->flags & LEAT_ROW_DELETION) || timestamp > row->deletion
            || (timestamp == row->deletion && purge > row->deletion_purge)) {
            row->deletion = timestamp;
            row->deletion_purge = purge;
        }
        row->flags |= LEAT_ROW_DELETION;
    }
    if (flags & LEAT_ROW_RANGES) {
        uint32_t count;
        if (!(p = read_varint(p, end, &count))) return 0;
        for (uint32_t i = 0; i < count; i++) {
            if (row->range_count == row->range_capacity) row->ranges = grow(row->ranges, &row->range_capacity, sizeof(Range));
            if (!row->ranges || end - p < 8) return 0;
            Range *range = &row->ranges[row->range_count++];
            range->timestamp = load64(p);
            p += 8;
            if (!(p = read_bytes(p, end, &range->start, &range->start_length))) return 0;
            if (!(p = read_bytes(p, end, &range->end, &range->end_length))) return 0;
        }
    }
    while (p < end) {
        if (row->cell_count == row->cell_capacity) row->cells = grow(row->cells, &row->cell_capacity, sizeof(Cell));
        if (!row->cells) return 0;
        Cell *cell = &row->cells[row->cell_count++];
        memset(cell, 0, sizeof(Cell));
        if (!(p = read_varint(p, end, &cell->column)) || p >= end) return 0;
        cell->flags = *p++;
        cell->timestamp = base;
        if (cell->flags & LEAT_CELL_TIMESTAMP) {
            if (end - p < 8) return 0;
            cell->timestamp = load64(p);
            p += 8;
        }
        if (cell->flags & LEAT_CELL_EXPIRING) {
            if (end - p < 12) return 0;
            cell->ttl = load32(p);
            cell->expiry = load32(p + 4);
            cell->purge = load32(p + 8);
            p += 12;
        } else if (cell->flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE)) {
            if (end - p < 4) return 0;
            cell->purge = load32(p);
            p += 4;
        }
        if (cell->flags & LEAT_CELL_PATH) {
            if (!(p = read_bytes(p, end, &cell->path, &cell->path_length))) return 0;
        }
        if (!(cell->flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE))) {
            if (!(p = read_bytes(p, end, &cell->value, &cell->value_length))) return 0;
        }
    }
    return 1;
}

static uint8_t *store32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); return p + 4; }
static uint8_t *store64(uint8_t *p, int64_t v) { memcpy(p, &v, 8); return p + 8; }
static uint8_t *store_varint(uint8_t *p, uint32_t v) {
    while (v >= 0x80) { *p++ = (uint8_t)v | 0x80; v >>= 7; }
    *p++ = (uint8_t)v;
    return p;
}
static uint8_t *store_bytes(uint8_t *p, const uint8_t *bytes, uint32_t length) {
    p = store_varint(p, length);
    if (length) memcpy(p, bytes, length);
    return p + length;
}

/// Drops what is shadowed or, with `now`, forgotten, and writes the rest.
static char *emit(Row *row, uint32_t now, size_t input, size_t *length) {
    int is_partition = row->flags & LEAT_ROW_PARTITION;
    int has_deletion = row->flags & LEAT_ROW_DELETION;
    int64_t deletion = row->deletion;
    int is_plain = !is_partition;
    if ((row->flags & LEAT_ROW_LIVENESS)
        && ((has_deletion && row->liveness <= deletion) || (now && row->expiry && row->liveness_purge <= now)))
        row->flags &= ~LEAT_ROW_LIVENESS;
    if (row->cell_count > 1) {
        int is_sorted = 1;
        for (size_t i = 1; i < row->cell_count && is_sorted; i++) is_sorted = compare_cells(&row->cells[i - 1], &row->cells[i]) <= 0;
        if (!is_sorted) qsort(row->cells, row->cell_count, sizeof(Cell), compare_cells);
    }
    size_t kept = 0;
    uint32_t collection = UINT32_MAX;
    int64_t collection_deletion = 0;
    const Cell *previous = NULL;
    Cell last;
    for (size_t i = 0; i < row->cell_count; i++) {
        Cell cell = row->cells[i];
        // The winner of a place comes first; the others of that place follow it.
        if (previous && last.column == cell.column
            && (last.flags & LEAT_CELL_COLLECTION_TOMBSTONE) == (cell.flags & LEAT_CELL_COLLECTION_TOMBSTONE)
            && compare_bytes(last.path, last.path_length, cell.path, cell.path_length) == 0)
            continue;
        last = cell;
        previous = &last;
        if (cell.flags & LEAT_CELL_COLLECTION_TOMBSTONE) {
            collection = cell.column;
            collection_deletion = cell.timestamp;
        }
        if (has_deletion && cell.timestamp <= deletion) continue;
        if (!(cell.flags & LEAT_CELL_COLLECTION_TOMBSTONE) && cell.column == collection && cell.timestamp <= collection_deletion) continue;
        if (now && cell.purge && cell.purge <= now) continue;
        if (cell.flags & ~LEAT_CELL_TIMESTAMP) is_plain = 0;
        row->cells[kept++] = cell;
    }
    if (has_deletion && !is_partition && now && row->deletion_purge <= now) row->flags &= ~LEAT_ROW_DELETION;
    size_t ranges = 0;
    if (row->range_count) {
        qsort(row->ranges, row->range_count, sizeof(Range), compare_ranges);
        for (size_t i = 0; i < row->range_count; i++) {
            Range range = row->ranges[i];
            if (has_deletion && range.timestamp <= deletion) continue;
            if (ranges) {
                Range *before = &row->ranges[ranges - 1];
                if (compare_bytes(before->start, before->start_length, range.start, range.start_length) == 0
                    && compare_bytes(before->end, before->end_length, range.end, range.end_length) == 0)
                    continue;
            }
            row->ranges[ranges++] = range;
        }
    }
    if (row->flags & (LEAT_ROW_DELETION) || ranges) is_plain = 0;
    // The base is the liveness's timestamp, or the newest cell's: a function of what is kept, so that every order gives the same bytes.
    int64_t base = INT64_MIN;
    if (row->flags & LEAT_ROW_LIVENESS) base = row->liveness;
    else for (size_t i = 0; i < kept; i++) if (row->cells[i].timestamp > base) base = row->cells[i].timestamp;
    if (base == INT64_MIN) base = 0;
    // Upper bound: a cell may gain its own timestamp, and numbers are at most 5 bytes.
    size_t bound = 64 + input + kept * 32 + ranges * 24;
    uint8_t *out = malloc(bound), *p = out;
    if (!out) return NULL;
    int expires = (row->flags & LEAT_ROW_LIVENESS) && row->expiry;
    if (expires) is_plain = 0;
    uint8_t flags = (uint8_t)(is_partition | (is_plain ? LEAT_ROW_PLAIN : 0) | (row->flags & (LEAT_ROW_LIVENESS | LEAT_ROW_DELETION))
        | (expires ? LEAT_ROW_LIVENESS_EXPIRING : 0) | (ranges ? LEAT_ROW_RANGES : 0));
    *p++ = flags;
    p = store64(p, base);
    if (flags & LEAT_ROW_LIVENESS) {
        p = store64(p, row->liveness);
        if (expires) {
            p = store32(p, row->ttl);
            p = store32(p, row->expiry);
            p = store32(p, row->liveness_purge);
        }
    }
    if (flags & LEAT_ROW_DELETION) {
        p = store64(p, row->deletion);
        p = store32(p, row->deletion_purge);
    }
    if (ranges) {
        p = store_varint(p, (uint32_t)ranges);
        for (size_t i = 0; i < ranges; i++) {
            p = store64(p, row->ranges[i].timestamp);
            p = store_bytes(p, row->ranges[i].start, row->ranges[i].start_length);
            p = store_bytes(p, row->ranges[i].end, row->ranges[i].end_length);
        }
    }
    for (size_t i = 0; i < kept; i++) {
        const Cell *cell = &row->cells[i];
        p = store_varint(p, cell->column);
        *p++ = (uint8_t)((cell->flags & ~LEAT_CELL_TIMESTAMP) | (cell->timestamp != base ? LEAT_CELL_TIMESTAMP : 0));
        if (cell->timestamp != base) p = store64(p, cell->timestamp);
        if (cell->flags & LEAT_CELL_EXPIRING) {
            p = store32(p, cell->ttl);
            p = store32(p, cell->expiry);
            p = store32(p, cell->purge);
        } else if (cell->flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE)) {
            p = store32(p, cell->purge);
        }
        if (cell->flags & LEAT_CELL_PATH) p = store_bytes(p, cell->path, cell->path_length);
        if (!(cell->flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE))) p = store_bytes(p, cell->value, cell->value_length);
    }
    *length = (size_t)(p - out);
    return (char *)out;
}

char *leat_rows_fold(const char *const *values, const size_t *lengths, int count, uint32_t now, size_t *length) {
    if (count == 1 && lengths[0] >= 9 && ((uint8_t)values[0][0] & LEAT_ROW_PLAIN)) {
        char *copy = malloc(lengths[0]);
        if (copy) memcpy(copy, values[0], lengths[0]);
        *length = lengths[0];
        return copy;
    }
    Row row;
    memset(&row, 0, sizeof row);
    row.base = INT64_MIN;
    size_t input = 0;
    int is_sound = 1;
    for (int i = 0; i < count && is_sound; i++) {
        is_sound = parse(&row, (const uint8_t *)values[i], lengths[i]);
        input += lengths[i];
    }
    char *result = is_sound ? emit(&row, now, input, length) : NULL;
    free(row.cells);
    free(row.ranges);
    return result;
}

void leat_rows_free(char *value) { free(value); }

static char *fold(const char *existing, size_t existing_length, const char *const *operands, const size_t *lengths, int count, uint32_t now,
                  unsigned char *success, size_t *length) {
    char *result;
    if (existing && existing_length) {
        const char *few_values[8];
        size_t few_lengths[8];
        const char **values = few_values;
        size_t *sizes = few_lengths;
        if (count + 1 > 8) {
            values = malloc(((size_t)count + 1) * sizeof *values);
            sizes = malloc(((size_t)count + 1) * sizeof *sizes);
        }
        if (values && sizes) {
            values[0] = existing;
            sizes[0] = existing_length;
            memcpy(values + 1, operands, (size_t)count * sizeof *values);
            memcpy(sizes + 1, lengths, (size_t)count * sizeof *sizes);
            result = leat_rows_fold(values, sizes, count + 1, now, length);
        } else {
            result = NULL;
        }
        if (values != few_values) free(values);
        if (sizes != few_lengths) free(sizes);
    } else {
        result = leat_rows_fold(operands, lengths, count, now, length);
    }
    *success = result != NULL;
    return result;
}

static _Thread_local int merged_operands;

int leat_rows_take_operands(void) {
    int count = merged_operands;
    merged_operands = 0;
    return count;
}

static char *full_merge(void *state, const char *key, size_t key_length, const char *existing, size_t existing_length,
                        const char *const *operands, const size_t *lengths, int count, unsigned char *success, size_t *length) {
    if (count > merged_operands) merged_operands = count;
    return fold(existing, existing_length, operands, lengths, count, current_second(), success, length);
}

// Older operands may lie in deeper levels: nothing may be forgotten here.
static char *partial_merge(void *state, const char *key, size_t key_length, const char *const *operands, const size_t *lengths, int count,
                           unsigned char *success, size_t *length) {
    return fold(NULL, 0, operands, lengths, count, 0, success, length);
}

static void delete_value(void *state, const char *value, size_t length) { free((void *)value); }
static void destroy(void *state) {}
static const char *merge_name(void *state) { return "leat.rows.1"; }
static const char *filter_name(void *state) { return "leat.rows.filter.1"; }

rocksdb_mergeoperator_t *leat_rows_merge_operator(void) {
    return rocksdb_mergeoperator_create(NULL, destroy, full_merge, partial_merge, delete_value, merge_name);
}

/// RocksDB copies a filter's new value and frees nothing: one buffer a thread keeps it until the next call.
static _Thread_local char *filtered;

static unsigned char filter(void *state, int level, const char *key, size_t key_length, const char *existing, size_t length,
                            char **new_value, size_t *new_length, unsigned char *is_changed) {
    // Table 0 is the schema's.
    if (key_length < 4 || memcmp(key, "\0\0\0\0", 4) == 0) return 0;
    if (length == 0) return 1;
    if ((uint8_t)existing[0] & LEAT_ROW_PLAIN) {
        // Nothing left but the header: no liveness, no cell.
        return !((uint8_t)existing[0] & LEAT_ROW_LIVENESS) && length == 9;
    }
    const char *values[1] = {existing};
    size_t lengths[1] = {length}, folded_length = 0;
    char *folded = leat_rows_fold(values, lengths, 1, current_second(), &folded_length);
    if (!folded) return 0;
    uint8_t flags = (uint8_t)folded[0];
    if (folded_length == 9 && !(flags & (LEAT_ROW_LIVENESS | LEAT_ROW_DELETION | LEAT_ROW_RANGES))) {
        free(folded);
        return 1;
    }
    if (folded_length == length && memcmp(folded, existing, length) == 0) {
        free(folded);
        return 0;
    }
    free(filtered);
    filtered = folded;
    *new_value = folded;
    *new_length = folded_length;
    *is_changed = 1;
    return 0;
}

rocksdb_compactionfilter_t *leat_rows_compaction_filter(void) {
    return rocksdb_compactionfilter_create(NULL, destroy, filter, filter_name);
}
