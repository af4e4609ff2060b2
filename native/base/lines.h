#ifndef NSEXEC_LINES_H
#define NSEXEC_LINES_H

#include <stdbool.h>
#include <stddef.h>

/** What a line on stdin says (README, "stdin"). */
enum word { WORD_START, WORD_BEAT, WORD_STOP, WORD_OTHER, WORD_TOO_LONG };

/* What a line gets to begin with; the longest that `run` takes, and the longest of `hold`. */
enum { LINE_MAX_BYTES = 256, RUN_LINE_MAX_BYTES = 16 << 10, LONG_LINE_MAX_BYTES = 1 << 20 };

/** Puts lines together out of what read(2) returned. All zero, but for `limit`, at the beginning; lines_free at the end. */
struct lines {
    size_t limit; /**< the longest that is taken, at least 1 */
    char *text;   /**< the line, terminated; its memory grows with it */
    size_t length, room;
    bool ended, overlong;
};

/**
 * Takes of `length` bytes those until the end of a line, or all: so many. `taken` says whether they ended one: then `word` says what it was, and until the next call `text` holds it and `length` is its length.
 * A carriage return before the end is not part of the line, and an empty line is none.
 */
size_t lines_take(struct lines *lines, const char *bytes, size_t length, bool *taken, enum word *word);

void lines_free(struct lines *lines);

#endif
