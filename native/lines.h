#ifndef NSEXEC_LINES_H
#define NSEXEC_LINES_H

#include <stdbool.h>
#include <stddef.h>

/** What a line on stdin says (README, "stdin"). */
enum word { WORD_START, WORD_BEAT, WORD_STOP, WORD_UNKNOWN, WORD_TOO_LONG };

enum { LINE_MAX_BYTES = 256 };

/** Puts lines together out of what read(2) returned. All zero at the beginning. */
struct lines {
    char text[LINE_MAX_BYTES + 1];
    size_t length;
    bool overlong;
};

/**
 * Takes one byte. True when it ended a line: `word` says what it was and `text` holds it, terminated, until the next call.
 * A carriage return before the end is not part of the line, and an empty line is none.
 */
bool lines_take(struct lines *lines, char byte, enum word *word);

#endif
