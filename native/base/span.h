#ifndef NSEXEC_SPAN_H
#define NSEXEC_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A piece of somebody else's buffer. */
struct span {
    const char *at;
    size_t length;
};

bool span_equal(struct span span, const char *text);
bool span_starts(struct span span, const char *prefix);
bool span_ends(struct span span, const char *suffix);
/** Where in it the text is, which is not empty; NULL: nowhere. For short texts: what libc has for long ones is larger than all that is looked through here. */
const char *span_find(struct span span, const char *text);
/** Cuts the next piece up to `separator` off the front of `rest`; false when nothing is left. An empty piece counts. */
bool span_cut(struct span *rest, char separator, struct span *piece);
/** A whole decimal number without sign; false when there is anything else in it or it exceeds 64 bits. */
bool span_number(struct span span, uint64_t *value);
/** As span_number, of hexadecimal digits, the letters small. */
bool span_hexadecimal(struct span span, uint64_t *value);

#endif
