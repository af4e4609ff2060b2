#include "toolbox/toolbox-line.h"

#include "toolbox/base64.h"

#include <string.h>

enum toolbox_line toolbox_line_of(const char *text, size_t length) {
    struct span rest = {text, length};
    struct span verb;
    if (!span_cut(&rest, ' ', &verb)) {
        return TOOLBOX_LINE_NONE;
    }
    return span_equal(verb, "tools") ? TOOLBOX_LINE_TOOLS : span_equal(verb, "chunk") ? TOOLBOX_LINE_CHUNK : TOOLBOX_LINE_NONE;
}

static int hexadecimal(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool read_sum(struct span text, uint8_t sum[SHA256_BYTES]) {
    if (text.length != 2 * SHA256_BYTES) {
        return false;
    }
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = hexadecimal(text.at[2 * i]);
        int low = hexadecimal(text.at[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        sum[i] = (uint8_t)(16 * high + low);
    }
    return true;
}

static bool read_name(struct span text, char *name) {
    for (size_t i = 0; i < text.length && i < TOOLBOX_NAME_MAX; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
        name[i] = c;
    }
    return text.length > 0 && text.length <= TOOLBOX_NAME_MAX;
}

const char *toolbox_read_promise(const char *text, size_t length, struct toolbox_promise *promise) {
    struct span rest = {text, length};
    struct span word[5];
    size_t count = 0;
    while (count < sizeof word / sizeof *word && span_cut(&rest, ' ', &word[count])) {
        count++;
    }
    *promise = (struct toolbox_promise){0};
    if (count < sizeof word / sizeof *word || rest.length > 0 || text[length - 1] == ' ') {
        return "it is not `tools NAME BYTES SHA256 UNPACKED`";
    }
    if (!read_name(word[1], promise->name) || !span_number(word[2], &promise->bytes) || !read_sum(word[3], promise->sha256) || !span_number(word[4], &promise->unpacked)) {
        return "a word of it is not what README says";
    }
    bool too_large = promise->bytes > TOOLBOX_BYTES_MAX || promise->unpacked > TOOLBOX_UNPACKED_MAX;
    return too_large ? "a toolbox has at most 64 MiB, and 256 MiB unpacked" : promise->bytes == 0 ? "an empty toolbox is none" : NULL;
}

const char *toolbox_read_chunk(const char *text, size_t length, struct toolbox_chunk *chunk) {
    struct span rest = {text, length};
    struct span verb;
    struct span offset;
    if (!span_cut(&rest, ' ', &verb) || !span_cut(&rest, ' ', &offset) || !span_number(offset, &chunk->offset)) {
        return "it is not `chunk OFFSET BASE64`";
    }
    long decoded = base64_decode(rest, chunk->bytes, sizeof chunk->bytes);
    if (decoded <= 0) {
        return "its bytes are not base64, or not as many as README says";
    }
    chunk->length = (size_t)decoded;
    return NULL;
}
