#ifndef NSEXEC_LAST_WORDS_H
#define NSEXEC_LAST_WORDS_H

#include "base/json.h"

/** How a shim has left its target, as its last event says. */
enum end { END_UNKNOWN, END_UNCHANGED, END_REVERTED, END_COUNT };

enum { LAST_CODE_BYTES = 24, LAST_MESSAGE_BYTES = 160, LAST_ENDED_BYTES = 160 };

/** All zero at the beginning: nothing has been said. */
struct last_words {
    enum end end;
    char code[LAST_CODE_BYTES];       /**< of the `error`, or `differs`; "": there is none */
    char message[LAST_MESSAGE_BYTES]; /**< its beginning, with the escapes of JSON */
    char ended[LAST_ENDED_BYTES];     /**< the members of its `ended`, from `reason` on; "": there was none, or it is longer */
};

/** Takes note of an event, given as its line (the newline does not matter). False when it is none that says how a run has ended: `reverted` or `error`. */
bool last_words_read(struct last_words *words, const char *line, size_t length);

/** Takes note of `ended`, given as its line without the newline. */
void last_words_take_ended(struct last_words *words, const char *line, size_t length);

/** Whether it ended otherwise than by its time or by `stop`. */
bool last_words_are_early(const struct last_words *words);

/** Adds what `ended` said as an object of this name, if there was one. */
void last_words_put_ended(const struct last_words *words, struct json *out);

/** As `end` is written. */
const char *end_name(enum end end);

/** Adds the line that a termination log has of it. */
void last_words_write(const struct last_words *words, const char *name, struct json *out);

#endif
