#pragma once
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "CCodecs.h"

struct leat_codec_contexts {
    ZSTD_DCtx *zstd_in;
    ZSTD_CCtx *zstd_out;
    LZ4F_dctx *lz4_in;
    z_stream *gzip_in;
};

// Room for more output when the buffer is full: doubles, and stops one byte past the limit, so that exceeding it shows.
// `start` is the buffer's count before this batch.
leat_codec_status leat_output_grow(leat_buffer *output, size_t start, size_t limit);
