#include "CCRC32C.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u

typedef uint32_t (*extend_function)(uint32_t, const void *, size_t);

// Eight tables: table[k][b] is the CRC of byte b followed by k zero bytes ("slicing by eight").
static uint32_t table[8][256];

static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int k = 1; k < 8; k++) table[k][byte] = table[k - 1][byte] >> 8 ^ table[0][table[k - 1][byte] & 0xff];
}

uint32_t crc32c_extend_by_tables(uint32_t crc, const void *data, size_t length) {
    const uint8_t *next = data;
    crc = ~crc;
    while (length >= 8) {
        crc ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24;
        crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
              table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^ table[0][next[7]];
        next += 8;
        length -= 8;
    }
    while (length--) crc = crc >> 8 ^ table[0][(crc ^ *next++) & 0xff];
    return ~crc;
}

#if defined(__x86_64__) || defined(__aarch64__)

// The instruction has a latency of three cycles and a throughput of one, so three streams run side by side over blocks of a
// fixed length; the CRCs of the first two are then moved past the bytes that follow them. Moving a CRC past n zero bytes is
// linear over GF(2), hence four table look-ups for a fixed n.
#define LONG_BLOCK 4096
#define SHORT_BLOCK 256
static uint32_t past_long[4][256];
static uint32_t past_short[4][256];

static uint32_t past_zeros(uint32_t crc, size_t length) {
    while (length--) crc = crc >> 8 ^ table[0][crc & 0xff];
    return crc;
}

static void fill_shift(uint32_t shift[4][256], size_t length) {
    uint32_t basis[32];
    for (int bit = 0; bit < 32; bit++) basis[bit] = past_zeros(1u << bit, length);
    for (int place = 0; place < 4; place++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t moved = 0;
            for (int bit = 0; bit < 8; bit++)
                if (byte >> bit & 1) moved ^= basis[place * 8 + bit];
            shift[place][byte] = moved;
        }
}

static inline uint32_t move(uint32_t shift[4][256], uint32_t crc) {
    return shift[0][crc & 0xff] ^ shift[1][crc >> 8 & 0xff] ^ shift[2][crc >> 16 & 0xff] ^ shift[3][crc >> 24];
}

static inline uint64_t load(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, 8);
    return word;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define STEP1(crc, byte) (_mm_crc32_u8((crc), (byte)))
#define NAME "sse4.2"
#else
#if defined(__APPLE__) || defined(__ARM_FEATURE_CRC32)
#define HARDWARE
#else
#define HARDWARE __attribute__((target("crc")))
#endif
#define STEP8(crc, word) __builtin_arm_crc32cd((crc), (word))
#define STEP1(crc, byte) __builtin_arm_crc32cb((crc), (byte))
#define NAME "armv8"
#endif

#define BLOCKS(size, shift)                                       \
    while (length >= 3 * size) {                                  \
        uint32_t second = 0, third = 0;                           \
        for (const uint8_t *end = next + size; next < end; next += 8) { \
            crc = STEP8(crc, load(next));                         \
            second = STEP8(second, load(next + size));            \
            third = STEP8(third, load(next + 2 * size));          \
        }                                                         \
        crc = move(shift, crc) ^ second;                          \
        crc = move(shift, crc) ^ third;                           \
        next += 2 * size;                                         \
        length -= 3 * size;                                       \
    }

HARDWARE static uint32_t extend_by_hardware(uint32_t crc, const void *data, size_t length) {
    const uint8_t *next = data;
    crc = ~crc;
    BLOCKS(LONG_BLOCK, past_long)
    BLOCKS(SHORT_BLOCK, past_short)
    while (length >= 8) {
        crc = STEP8(crc, load(next));
        next += 8;
        length -= 8;
    }
    while (length--) crc = STEP1(crc, *next++);
    return ~crc;
}

#if defined(__x86_64__)
static int has_instruction(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__APPLE__)
static int has_instruction(void) { return 1; }
#else
#include <sys/auxv.h>
static int has_instruction(void) { return (getauxval(AT_HWCAP) & (1ul << 7)) != 0; }
#endif
#endif

static extend_function chosen = crc32c_extend_by_tables;
static const char *chosen_name = "tables";

__attribute__((constructor)) static void choose(void) {
    fill_tables();
#if defined(__x86_64__) || defined(__aarch64__)
    if (has_instruction()) {
        fill_shift(past_long, LONG_BLOCK);
        fill_shift(past_short, SHORT_BLOCK);
        chosen = extend_by_hardware;
        chosen_name = NAME;
    }
#endif
}

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t length) { return chosen(crc, data, length); }

const char *crc32c_implementation(void) { return chosen_name; }
