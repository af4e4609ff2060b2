#include "toolbox/toolbox-line.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has been read is written again: it must be the line, since there is one way to write it, but for zeros in front of a number. */
static size_t encode(const uint8_t *bytes, size_t length, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < length; i += 3) {
        unsigned int bits = (unsigned int)bytes[i] << 16 | (i + 1 < length ? (unsigned int)bytes[i + 1] << 8 : 0) | (i + 2 < length ? bytes[i + 2] : 0);
        out[at++] = digits[bits >> 18];
        out[at++] = digits[bits >> 12 & 63];
        out[at++] = i + 1 < length ? digits[bits >> 6 & 63] : '=';
        out[at++] = i + 2 < length ? digits[bits & 63] : '=';
    }
    return at;
}

static bool has_leading_zero(const char *line, size_t size) {
    for (size_t i = 1; i + 1 < size; i++) {
        if (line[i - 1] == ' ' && line[i] == '0' && line[i + 1] >= '0' && line[i + 1] <= '9') {
            return true;
        }
    }
    return false;
}

static void check_chunk(const char *line, size_t size) {
    static struct toolbox_chunk chunk;
    static char again[64 + TOOLBOX_CHUNK_MAX * 4 / 3];
    if (toolbox_read_chunk(line, size, &chunk) != NULL) {
        return;
    }
    assert(chunk.length > 0 && chunk.length <= TOOLBOX_CHUNK_MAX);
    size_t length = (size_t)snprintf(again, 64, "chunk %llu ", (unsigned long long)chunk.offset);
    length += encode(chunk.bytes, chunk.length, again + length);
    assert(has_leading_zero(line, size) || (length == size && memcmp(again, line, size) == 0));
}

static void check_promise(const char *line, size_t size) {
    struct toolbox_promise promise;
    char sum[2 * SHA256_BYTES + 1];
    char again[256];
    if (toolbox_read_promise(line, size, &promise) != NULL) {
        return;
    }
    assert(promise.bytes > 0 && promise.bytes <= TOOLBOX_BYTES_MAX && promise.unpacked <= TOOLBOX_UNPACKED_MAX);
    assert(strlen(promise.name) > 0 && strspn(promise.name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(promise.name));
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(sum + 2 * i, 3, "%02x", promise.sha256[i]);
    }
    size_t length = (size_t)snprintf(again, sizeof again, "tools %s %llu %s %llu", promise.name, (unsigned long long)promise.bytes, sum, (unsigned long long)promise.unpacked);
    assert(has_leading_zero(line, size) || (length == size && memcmp(again, line, size) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Not terminated: nothing may be read behind it. */
    char *line = malloc(size);
    if (size > 0) {
        memcpy(line, data, size);
    }
    switch (toolbox_line_of(line, size)) {
    case TOOLBOX_LINE_CHUNK:
        check_chunk(line, size);
        break;
    case TOOLBOX_LINE_TOOLS:
        check_promise(line, size);
        break;
    default:
        break;
    }
    free(line);
    return 0;
}
