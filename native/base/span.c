#include "base/span.h"

#include <string.h>

bool span_equal(struct span span, const char *text) {
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

bool span_starts(struct span span, const char *prefix) {
    size_t length = strlen(prefix);
    return span.length >= length && memcmp(span.at, prefix, length) == 0;
}

bool span_ends(struct span span, const char *suffix) {
    size_t length = strlen(suffix);
    return span.length >= length && memcmp(span.at + span.length - length, suffix, length) == 0;
}

const char *span_find(struct span span, const char *text) {
    for (; span.length > 0; span.at++, span.length--) {
        if (span_starts(span, text)) {
            return span.at;
        }
    }
    return NULL;
}

bool span_cut(struct span *rest, char separator, struct span *piece) {
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->at, separator, rest->length);
    piece->at = rest->at;
    piece->length = end == NULL ? rest->length : (size_t)(end - rest->at);
    size_t taken = piece->length + (end == NULL ? 0 : 1);
    rest->at += taken;
    rest->length -= taken;
    return true;
}

static bool parse_number(struct span span, unsigned int base, uint64_t *value) {
    uint64_t sum = 0;
    if (span.length == 0) {
        return false;
    }
    for (size_t i = 0; i < span.length; i++) {
        char c = span.at[i];
        unsigned int digit = c >= '0' && c <= '9' ? (unsigned int)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 99;
        if (digit >= base || sum > (UINT64_MAX - digit) / base) {
            return false;
        }
        sum = sum * base + digit;
    }
    *value = sum;
    return true;
}

bool span_number(struct span span, uint64_t *value) { return parse_number(span, 10, value); }

bool span_hexadecimal(struct span span, uint64_t *value) { return parse_number(span, 16, value); }
