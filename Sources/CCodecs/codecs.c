#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include "internal.h"

leat_codec_contexts *leat_codec_contexts_new(void) { return calloc(1, sizeof(leat_codec_contexts)); }

void leat_codec_contexts_free(leat_codec_contexts *contexts) {
    if (contexts == NULL) return;
    ZSTD_freeDCtx(contexts->zstd_in);
    ZSTD_freeCCtx(contexts->zstd_out);
    LZ4F_freeDecompressionContext(contexts->lz4_in);
    if (contexts->gzip_in != NULL) {
        inflateEnd(contexts->gzip_in);
        free(contexts->gzip_in);
    }
    free(contexts);
}

static uint32_t big_endian_32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big_endian_32(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

// Bytes that the output may still take without passing the limit by more than the one byte that shows it.
static size_t output_room(const leat_buffer *output, size_t start, size_t limit) {
    size_t allowed = limit + 1 - (output->count - start);
    size_t there = output->capacity - output->count;
    return there < allowed ? there : allowed;
}

// MARK: gzip

static leat_codec_status gunzip(leat_codec_contexts *contexts, const uint8_t *input, size_t count, leat_buffer *output,
                                size_t limit) {
    if (contexts->gzip_in == NULL) {
        z_stream *stream = calloc(1, sizeof(z_stream));
        // 15 + 32: a window of 32 KiB; gzip or zlib, told by the header.
        if (stream == NULL || inflateInit2(stream, 15 + 32) != Z_OK) {
            free(stream);
            return LEAT_CODEC_NO_MEMORY;
        }
        contexts->gzip_in = stream;
    } else if (inflateReset(contexts->gzip_in) != Z_OK) {
        return LEAT_CODEC_MALFORMED;
    }
    if (count == 0 || count > UINT32_MAX) return LEAT_CODEC_MALFORMED;
    z_stream *stream = contexts->gzip_in;
    size_t start = output->count;
    stream->next_in = (Bytef *)input;
    stream->avail_in = (uInt)count;
    for (;;) {
        size_t room = output_room(output, start, limit);
        if (room == 0) {
            leat_codec_status grown = leat_output_grow(output, start, limit);
            if (grown != LEAT_CODEC_OK) return grown;
            room = output_room(output, start, limit);
        }
        if (room > UINT32_MAX) room = UINT32_MAX;
        stream->next_out = output->bytes + output->count;
        stream->avail_out = (uInt)room;
        int result = inflate(stream, Z_NO_FLUSH);
        output->count += room - stream->avail_out;
        if (output->count - start > limit) return LEAT_CODEC_TOO_LARGE;
        if (result == Z_STREAM_END) {
            if (stream->avail_in == 0) return LEAT_CODEC_OK;
            // RFC 1952, 2.2: a file is a series of members.
            if (inflateReset(stream) != Z_OK) return LEAT_CODEC_MALFORMED;
        } else if (result == Z_MEM_ERROR) {
            return LEAT_CODEC_NO_MEMORY;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return LEAT_CODEC_MALFORMED;
        } else if (stream->avail_in == 0 && stream->avail_out != 0) {
            return LEAT_CODEC_MALFORMED; // the input ends before the stream does
        }
    }
}

static leat_codec_status gzip(const void *input, size_t count, leat_buffer *output) {
    if (count > UINT32_MAX) return LEAT_CODEC_TOO_LARGE;
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return LEAT_CODEC_NO_MEMORY;
    }
    size_t bound = deflateBound(&stream, count);
    if (!leat_buffer_reserve(output, bound)) {
        deflateEnd(&stream);
        return LEAT_CODEC_NO_MEMORY;
    }
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)count;
    stream.next_out = output->bytes + output->count;
    stream.avail_out = (uInt)bound;
    int result = deflate(&stream, Z_FINISH);
    if (result == Z_STREAM_END) output->count += stream.total_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? LEAT_CODEC_OK : LEAT_CODEC_MALFORMED;
}

// MARK: snappy

// The xerial library's stream: a magic number, two version numbers, then blocks that each begin with their length.
static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
enum { xerial_header_count = 16, xerial_block_count = 32 * 1024 };

static leat_codec_status unsnappy_block(const uint8_t *input, size_t count, leat_buffer *output, size_t start, size_t limit) {
    size_t length = 0;
    if (snappy_uncompressed_length((const char *)input, count, &length) != SNAPPY_OK) return LEAT_CODEC_MALFORMED;
    // No element of the format makes more than 64 bytes from 2: a greater claim is false, and gets no memory.
    if (length / 32 > count) return LEAT_CODEC_MALFORMED;
    if (length > limit - (output->count - start)) return LEAT_CODEC_TOO_LARGE;
    if (length > output->capacity - output->count) {
        size_t step = output->capacity > length ? output->capacity : length;
        if (!leat_buffer_reserve(output, step)) return LEAT_CODEC_NO_MEMORY;
    }
    if (length == 0) return LEAT_CODEC_OK;
    size_t written = length;
    if (snappy_uncompress((const char *)input, count, (char *)output->bytes + output->count, &written) != SNAPPY_OK) {
        return LEAT_CODEC_MALFORMED;
    }
    output->count += written;
    return LEAT_CODEC_OK;
}

static leat_codec_status unsnappy(const uint8_t *input, size_t count, leat_buffer *output, size_t limit) {
    size_t start = output->count;
    if (count < xerial_header_count || memcmp(input, xerial_magic, sizeof xerial_magic) != 0) {
        return unsnappy_block(input, count, output, start, limit);
    }
    size_t at = xerial_header_count;
    while (at < count) {
        if (count - at < 4) return LEAT_CODEC_MALFORMED;
        size_t block = big_endian_32(input + at);
        at += 4;
        if (block > count - at) return LEAT_CODEC_MALFORMED;
        leat_codec_status status = unsnappy_block(input + at, block, output, start, limit);
        if (status != LEAT_CODEC_OK) return status;
        at += block;
    }
    return LEAT_CODEC_OK;
}

static leat_codec_status snappy_block(const uint8_t *input, size_t count, leat_buffer *output) {
    size_t length = snappy_max_compressed_length(count);
    if (!leat_buffer_reserve(output, length)) return LEAT_CODEC_NO_MEMORY;
    if (snappy_compress((const char *)input, count, (char *)output->bytes + output->count, &length) != SNAPPY_OK) {
        return LEAT_CODEC_MALFORMED;
    }
    output->count += length;
    return LEAT_CODEC_OK;
}

static leat_codec_status snappy_xerial(const uint8_t *input, size_t count, leat_buffer *output) {
    uint8_t header[xerial_header_count];
    memcpy(header, xerial_magic, sizeof xerial_magic);
    put_big_endian_32(header + 8, 1);
    put_big_endian_32(header + 12, 1);
    if (!leat_buffer_append(output, header, sizeof header)) return LEAT_CODEC_NO_MEMORY;
    for (size_t at = 0; at < count; at += xerial_block_count) {
        size_t block = count - at < xerial_block_count ? count - at : xerial_block_count;
        uint8_t length[4] = {0};
        size_t place = output->count;
        if (!leat_buffer_append(output, length, sizeof length)) return LEAT_CODEC_NO_MEMORY;
        leat_codec_status status = snappy_block(input + at, block, output);
        if (status != LEAT_CODEC_OK) return status;
        put_big_endian_32(output->bytes + place, (uint32_t)(output->count - place - 4));
    }
    return LEAT_CODEC_OK;
}

// MARK: lz4

static leat_codec_status unlz4(leat_codec_contexts *contexts, const uint8_t *input, size_t count, leat_buffer *output,
                               size_t limit) {
    if (contexts->lz4_in == NULL) {
        if (LZ4F_isError(LZ4F_createDecompressionContext(&contexts->lz4_in, LZ4F_VERSION))) return LEAT_CODEC_NO_MEMORY;
    } else {
        LZ4F_resetDecompressionContext(contexts->lz4_in);
    }
    size_t start = output->count;
    size_t at = 0;
    size_t hint = 1;
    for (;;) {
        size_t room = output_room(output, start, limit);
        if (room == 0) {
            leat_codec_status grown = leat_output_grow(output, start, limit);
            if (grown != LEAT_CODEC_OK) return grown;
            room = output_room(output, start, limit);
        }
        size_t produced = room, consumed = count - at;
        hint = LZ4F_decompress(contexts->lz4_in, output->bytes + output->count, &produced, input + at, &consumed, NULL);
        if (LZ4F_isError(hint)) return LEAT_CODEC_MALFORMED;
        output->count += produced;
        at += consumed;
        if (output->count - start > limit) return LEAT_CODEC_TOO_LARGE;
        if (hint == 0 && at == count) return LEAT_CODEC_OK;
        if (consumed == 0 && produced == 0 && room > 0) return LEAT_CODEC_MALFORMED; // the input ends before the frame does
    }
}

static leat_codec_status lz4(const void *input, size_t count, leat_buffer *output) {
    LZ4F_preferences_t preferences = {0};
    preferences.frameInfo.blockMode = LZ4F_blockIndependent; // Kafka's own reader takes no other
    size_t bound = LZ4F_compressFrameBound(count, &preferences);
    if (!leat_buffer_reserve(output, bound)) return LEAT_CODEC_NO_MEMORY;
    size_t written = LZ4F_compressFrame(output->bytes + output->count, bound, input, count, &preferences);
    if (LZ4F_isError(written)) return LEAT_CODEC_MALFORMED;
    output->count += written;
    return LEAT_CODEC_OK;
}

leat_codec_status leat_lz4_block_decompress(const void *input, size_t count, leat_buffer *output, size_t unpacked_count) {
    if (count > LZ4_MAX_INPUT_SIZE || unpacked_count > LZ4_MAX_INPUT_SIZE) return LEAT_CODEC_TOO_LARGE;
    // A match's length grows by 255 for each further byte: a greater claim is false, and gets no memory.
    if (unpacked_count / 255 > count) return LEAT_CODEC_MALFORMED;
    if (!leat_buffer_reserve(output, unpacked_count + 1)) return LEAT_CODEC_NO_MEMORY;
    int written = LZ4_decompress_safe(input, (char *)output->bytes + output->count, (int)count, (int)unpacked_count);
    if (written < 0 || (size_t)written != unpacked_count) return LEAT_CODEC_MALFORMED;
    output->count += unpacked_count;
    return LEAT_CODEC_OK;
}

leat_codec_status leat_lz4_block_compress(const void *input, size_t count, leat_buffer *output) {
    if (count > LZ4_MAX_INPUT_SIZE) return LEAT_CODEC_TOO_LARGE;
    int bound = LZ4_compressBound((int)count);
    if (!leat_buffer_reserve(output, (size_t)bound)) return LEAT_CODEC_NO_MEMORY;
    int written = LZ4_compress_default(input, (char *)output->bytes + output->count, (int)count, bound);
    if (written <= 0) return LEAT_CODEC_MALFORMED;
    output->count += (size_t)written;
    return LEAT_CODEC_OK;
}

// MARK: zstd

static leat_codec_status unzstd(leat_codec_contexts *contexts, const uint8_t *input, size_t count, leat_buffer *output,
                                size_t limit) {
    if (contexts->zstd_in == NULL) {
        contexts->zstd_in = ZSTD_createDCtx();
        if (contexts->zstd_in == NULL) return LEAT_CODEC_NO_MEMORY;
    }
    if (ZSTD_isError(ZSTD_DCtx_reset(contexts->zstd_in, ZSTD_reset_session_only))) return LEAT_CODEC_MALFORMED;
    if (count == 0) return LEAT_CODEC_MALFORMED;
    size_t start = output->count;
    ZSTD_inBuffer in = {input, count, 0};
    for (;;) {
        size_t room = output_room(output, start, limit);
        if (room == 0) {
            leat_codec_status grown = leat_output_grow(output, start, limit);
            if (grown != LEAT_CODEC_OK) return grown;
            room = output_room(output, start, limit);
        }
        ZSTD_outBuffer out = {output->bytes + output->count, room, 0};
        size_t before = in.pos;
        size_t hint = ZSTD_decompressStream(contexts->zstd_in, &out, &in);
        if (ZSTD_isError(hint)) return LEAT_CODEC_MALFORMED;
        output->count += out.pos;
        if (output->count - start > limit) return LEAT_CODEC_TOO_LARGE;
        if (hint == 0 && in.pos == in.size) return LEAT_CODEC_OK;
        if (in.pos == before && out.pos == 0) return LEAT_CODEC_MALFORMED; // the input ends before the frame does
    }
}

static leat_codec_status zstd(leat_codec_contexts *contexts, const void *input, size_t count, leat_buffer *output) {
    if (contexts->zstd_out == NULL) {
        contexts->zstd_out = ZSTD_createCCtx();
        if (contexts->zstd_out == NULL) return LEAT_CODEC_NO_MEMORY;
    }
    size_t bound = ZSTD_compressBound(count);
    if (!leat_buffer_reserve(output, bound)) return LEAT_CODEC_NO_MEMORY;
    size_t written = ZSTD_compress2(contexts->zstd_out, output->bytes + output->count, bound, input, count);
    if (ZSTD_isError(written)) return LEAT_CODEC_MALFORMED;
    output->count += written;
    return LEAT_CODEC_OK;
}

// MARK: by number

leat_codec_status leat_decompress(leat_codec_contexts *contexts, leat_codec codec, const void *input, size_t count,
                                  leat_buffer *output, size_t limit) {
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    size_t start = output->count;
    leat_codec_status status;
    switch (codec) {
    case LEAT_CODEC_NONE:
        if (count > limit) return LEAT_CODEC_TOO_LARGE;
        return leat_buffer_append(output, input, count) ? LEAT_CODEC_OK : LEAT_CODEC_NO_MEMORY;
    case LEAT_CODEC_GZIP: status = gunzip(contexts, input, count, output, limit); break;
    case LEAT_CODEC_SNAPPY: status = unsnappy(input, count, output, limit); break;
    case LEAT_CODEC_LZ4: status = unlz4(contexts, input, count, output, limit); break;
    case LEAT_CODEC_ZSTD: status = unzstd(contexts, input, count, output, limit); break;
    default: return LEAT_CODEC_UNKNOWN;
    }
    if (status != LEAT_CODEC_OK) output->count = start;
    return status;
}

leat_codec_status leat_compress(leat_codec_contexts *contexts, leat_codec codec, const void *input, size_t count,
                                leat_buffer *output) {
    size_t start = output->count;
    leat_codec_status status;
    switch (codec) {
    case LEAT_CODEC_NONE: return leat_buffer_append(output, input, count) ? LEAT_CODEC_OK : LEAT_CODEC_NO_MEMORY;
    case LEAT_CODEC_GZIP: status = gzip(input, count, output); break;
    case LEAT_CODEC_SNAPPY: status = snappy_block(input, count, output); break;
    case LEAT_CODEC_SNAPPY_XERIAL: status = snappy_xerial(input, count, output); break;
    case LEAT_CODEC_LZ4: status = lz4(input, count, output); break;
    case LEAT_CODEC_ZSTD: status = zstd(contexts, input, count, output); break;
    default: return LEAT_CODEC_UNKNOWN;
    }
    if (status != LEAT_CODEC_OK) output->count = start;
    return status;
}
