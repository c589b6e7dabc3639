#include <stdlib.h>
#include <string.h>

#include "internal.h"

bool leat_buffer_reserve(leat_buffer *buffer, size_t extra) {
    if (extra <= buffer->capacity - buffer->count) return true;
    if (extra > SIZE_MAX / 2 - buffer->count) return false;
    size_t wanted = buffer->count + extra;
    uint8_t *bytes = realloc(buffer->bytes, wanted);
    if (bytes == NULL) return false;
    buffer->bytes = bytes;
    buffer->capacity = wanted;
    return true;
}

bool leat_buffer_append(leat_buffer *buffer, const void *bytes, size_t count) {
    if (count > buffer->capacity - buffer->count) {
        size_t step = buffer->capacity > count ? buffer->capacity : count;
        if (!leat_buffer_reserve(buffer, step)) return false;
    }
    if (count > 0) memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    return true;
}

void leat_buffer_free(leat_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (leat_buffer){0};
}

leat_codec_status leat_output_grow(leat_buffer *output, size_t start, size_t limit) {
    size_t produced = output->count - start;
    if (produced > limit) return LEAT_CODEC_TOO_LARGE;
    size_t room = limit - produced + 1;
    size_t step = output->capacity > 65536 ? output->capacity : 65536;
    return leat_buffer_reserve(output, step < room ? step : room) ? LEAT_CODEC_OK : LEAT_CODEC_NO_MEMORY;
}
