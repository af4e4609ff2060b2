#include "lines.h"

#include <string.h>

static enum word word_of(const char *text) {
    if (strcmp(text, "start") == 0) {
        return WORD_START;
    }
    if (strcmp(text, "beat") == 0) {
        return WORD_BEAT;
    }
    return strcmp(text, "stop") == 0 ? WORD_STOP : WORD_UNKNOWN;
}

bool lines_take(struct lines *lines, char byte, enum word *word) {
    if (byte != '\n') {
        if (lines->length < LINE_MAX_BYTES) {
            lines->text[lines->length++] = byte;
        } else {
            lines->overlong = true;
        }
        return false;
    }
    bool overlong = lines->overlong;
    size_t length = lines->length;
    lines->length = 0;
    lines->overlong = false;
    if (length > 0 && lines->text[length - 1] == '\r') {
        length--;
    }
    lines->text[length] = '\0';
    if (length == 0 && !overlong) {
        return false;
    }
    /* A zero byte within the line must not make a word of its beginning. */
    bool whole = memchr(lines->text, '\0', length) == NULL;
    *word = overlong ? WORD_TOO_LONG : whole ? word_of(lines->text) : WORD_UNKNOWN;
    return true;
}
