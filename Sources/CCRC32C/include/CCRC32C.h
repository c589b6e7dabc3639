#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// CRC-32C (Castagnoli) of `length` bytes, going on from `crc`: 0 to begin with. By the processor's instruction where it has
/// one (three streams at once), by tables otherwise; chosen when the program starts.
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t length);

/// The same by tables, whatever the processor has.
uint32_t crc32c_extend_by_tables(uint32_t crc, const void *data, size_t length);

/// "sse4.2", "armv8" or "tables".
const char *crc32c_implementation(void);

#ifdef __cplusplus
}
#endif
