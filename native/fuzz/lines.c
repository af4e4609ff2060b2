#include "base/lines.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same, told from the whole line. */
static bool is(const uint8_t *line, size_t length, const char *word) { return length == strlen(word) && memcmp(line, word, length) == 0; }

static void check(const uint8_t *line, size_t length, bool taken, enum word word, const struct lines *lines) {
    bool overlong = length > lines->limit;
    if (!overlong && length > 0 && line[length - 1] == '\r') {
        length--;
    }
    assert(taken == (length > 0));
    if (taken) {
        assert((word == WORD_TOO_LONG) == overlong);
        assert((word == WORD_START) == is(line, length, "start"));
        assert((word == WORD_BEAT) == is(line, length, "beat"));
        assert((word == WORD_STOP) == is(line, length, "stop"));
    }
    if (taken && !overlong) {
        assert(lines->length == length && memcmp(lines->text, line, length) == 0 && lines->text[length] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* The short limit; and one that the memory has to grow for. */
    struct lines lines = {.limit = size % 2 == 0 ? LINE_MAX_BYTES : 1000};
    size_t begin = 0;
    for (size_t i = 0; i < size;) {
        enum word word = WORD_OTHER;
        bool taken = false;
        size_t most = 1 + i % 7;
        size_t left = size - i;
        i += lines_take(&lines, (const char *)data + i, left < most ? left : most, &taken, &word);
        assert(lines.length <= lines.limit && lines.length <= lines.room);
        if (data[i - 1] == '\n') {
            check(data + begin, i - 1 - begin, taken, word, &lines);
            begin = i;
        } else {
            assert(!taken);
        }
    }
    lines_free(&lines);
    return 0;
}
