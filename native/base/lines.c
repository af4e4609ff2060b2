#include "base/lines.h"

#include <stdlib.h>
#include <string.h>

/** A zero byte within the line must not make a word of its beginning: lengths are compared. */
static bool says(const struct lines *lines, const char *word) { return lines->length == strlen(word) && memcmp(lines->text, word, lines->length) == 0; }

static enum word word_of(const struct lines *lines) {
    if (lines->overlong) {
        return WORD_TOO_LONG;
    }
    if (says(lines, "start")) {
        return WORD_START;
    }
    if (says(lines, "beat")) {
        return WORD_BEAT;
    }
    return says(lines, "stop") ? WORD_STOP : WORD_OTHER;
}

/** Room for one byte more and the terminator. */
static bool make_room(struct lines *lines) {
    if (lines->length + 2 <= lines->room) {
        return true;
    }
    size_t room = lines->room == 0 ? LINE_MAX_BYTES + 1 : lines->room * 2;
    char *grown = realloc(lines->text, room);
    if (grown != NULL) {
        lines->text = grown;
        lines->room = room;
    }
    return grown != NULL;
}

bool lines_take(struct lines *lines, char byte, enum word *word) {
    if (lines->ended) {
        lines->ended = false;
        lines->overlong = false;
        lines->length = 0;
    }
    if (byte != '\n') {
        if (lines->length < lines->limit && make_room(lines)) {
            lines->text[lines->length++] = byte;
        } else {
            lines->overlong = true;
        }
        return false;
    }
    lines->ended = true;
    if (lines->length > 0 && lines->text[lines->length - 1] == '\r') {
        lines->length--;
    }
    if (!lines->overlong && lines->length == 0) {
        return false;
    }
    /* Without any memory there is no text, and the line is too long. */
    if (lines->text != NULL) {
        lines->text[lines->length] = '\0';
    }
    *word = word_of(lines);
    return true;
}

void lines_free(struct lines *lines) {
    free(lines->text);
    lines->text = NULL;
    lines->length = 0;
    lines->room = 0;
}
