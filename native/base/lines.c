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

/** Room for so many bytes more and the terminator. */
static bool make_room(struct lines *lines, size_t more) {
    size_t room = lines->room == 0 ? LINE_MAX_BYTES + 1 : lines->room;
    while (room <= lines->length + more) {
        room *= 2;
    }
    char *grown = room == lines->room ? lines->text : realloc(lines->text, room);
    if (grown != NULL) {
        lines->text = grown;
        lines->room = room;
    }
    return grown != NULL;
}

size_t lines_take(struct lines *lines, const char *bytes, size_t length, bool *taken, enum word *word) {
    if (lines->ended) {
        lines->ended = false;
        lines->overlong = false;
        lines->length = 0;
    }
    const char *end = memchr(bytes, '\n', length);
    size_t piece = end == NULL ? length : (size_t)(end - bytes);
    size_t most = lines->limit - lines->length;
    size_t more = piece < most ? piece : most;
    bool fits = make_room(lines, more);
    /* What is too long is kept as far as it may be: its beginning says what it is. */
    if (fits) {
        memcpy(lines->text + lines->length, bytes, more);
        lines->length += more;
    }
    lines->overlong = lines->overlong || !fits || more < piece;
    *taken = false;
    if (end == NULL) {
        return piece;
    }
    lines->ended = true;
    if (lines->length > 0 && lines->text[lines->length - 1] == '\r') {
        lines->length--;
    }
    *taken = lines->overlong || lines->length > 0;
    /* Without any memory there is no text, and the line is too long. */
    if (lines->text != NULL) {
        lines->text[lines->length] = '\0';
    }
    *word = word_of(lines);
    return piece + 1;
}

void lines_free(struct lines *lines) {
    free(lines->text);
    lines->text = NULL;
    lines->length = 0;
    lines->room = 0;
}
