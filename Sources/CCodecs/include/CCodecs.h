#pragma once
// The compression codecs of Kafka's record batches and of CQL's frames, over the libraries that Debian ships.
//
// Everything appends to a growable buffer that the caller owns, and never more than the caller's limit: a batch that would
// unpack to more is refused (LEAT_CODEC_TOO_LARGE) as soon as the limit is passed, not when memory has run out.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that grow by reallocation. All zero is an empty buffer.
typedef struct leat_buffer {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} leat_buffer;

// Makes room for `extra` more bytes. False when memory is out; the buffer is then as it was.
bool leat_buffer_reserve(leat_buffer *buffer, size_t extra);
bool leat_buffer_append(leat_buffer *buffer, const void *bytes, size_t count);
void leat_buffer_free(leat_buffer *buffer);

// The numbers are those of a record batch's attributes (KIP-98, KIP-110).
typedef enum leat_codec {
    LEAT_CODEC_NONE = 0,
    LEAT_CODEC_GZIP = 1,
    LEAT_CODEC_SNAPPY = 2,
    LEAT_CODEC_LZ4 = 3,
    LEAT_CODEC_ZSTD = 4,
    // Only for compressing: snappy in the blocks of the xerial library, as Java and kafka-python write it.
    // Decompressing LEAT_CODEC_SNAPPY takes both forms.
    LEAT_CODEC_SNAPPY_XERIAL = 18,
} leat_codec;

typedef enum leat_codec_status {
    LEAT_CODEC_OK = 0,
    LEAT_CODEC_MALFORMED = 1,
    LEAT_CODEC_TOO_LARGE = 2,
    LEAT_CODEC_NO_MEMORY = 3,
    LEAT_CODEC_UNKNOWN = 4,
} leat_codec_status;

// The libraries' contexts, made when first wanted and kept: a zstd context costs more to make than a small batch to unpack.
// One thread at a time may use it.
typedef struct leat_codec_contexts leat_codec_contexts;

leat_codec_contexts *leat_codec_contexts_new(void);
void leat_codec_contexts_free(leat_codec_contexts *contexts);

// Appends what `input` unpacks to, at most `limit` bytes. On failure the buffer's count is as it was.
leat_codec_status leat_decompress(leat_codec_contexts *contexts, leat_codec codec, const void *input, size_t count,
                                  leat_buffer *output, size_t limit);

// Appends the packed form of `input`.
leat_codec_status leat_compress(leat_codec_contexts *contexts, leat_codec codec, const void *input, size_t count,
                                leat_buffer *output);

// A bare LZ4 block, as CQL's frames carry it; its unpacked length is known from the frame.
leat_codec_status leat_lz4_block_decompress(const void *input, size_t count, leat_buffer *output, size_t unpacked_count);
leat_codec_status leat_lz4_block_compress(const void *input, size_t count, leat_buffer *output);

#ifdef __cplusplus
}
#endif
