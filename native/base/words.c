#include "base/words.h"

#include <string.h>

static int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/** Decodes up to the next blank or the end. What comes out is never longer than what goes in. */
static bool decode(char **from, const char *end, char **to) {
    while (*from < end && **from != ' ') {
        unsigned char byte = (unsigned char)*(*from)++;
        if (byte == '%') {
            int high = *from < end ? digit(**from) : -1;
            int low = *from + 1 < end ? digit((*from)[1]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            byte = (unsigned char)(high * 16 + low);
            *from += 2;
        } else if (byte < 0x20 || byte == '<' || byte >= 0x7f) {
            return false;
        }
        *(*to)++ = (char)byte;
    }
    return true;
}

/** What is split: `item` has room for `most` words and the NULL behind them. */
struct split {
    char **item;
    size_t most, count;
    char *input;
    size_t input_length;
};

static bool split_line(struct split *split, char *line, size_t length) {
    char *from = line;
    const char *end = line + length;
    while (from < end) {
        bool input = *from == '<';
        from += input ? 1 : 0;
        char *begin = from;
        char *to = from;
        if (!decode(&from, end, &to)) {
            return false;
        }
        bool last = from == end;
        if (input) {
            /* Not terminated: it may end with the line, whose last byte is not ours to write behind. */
            split->input = begin;
            split->input_length = (size_t)(to - begin);
            return last && split->count > 0;
        }
        if (to == begin || split->count == split->most || memchr(begin, '\0', (size_t)(to - begin)) != NULL) {
            return false;
        }
        split->item[split->count++] = begin;
        from += last ? 0 : 1;
        if (!last && from == end) {
            return false; /* A blank with nothing behind it. */
        }
        *to = '\0';
    }
    return split->count > 0;
}

bool words_parse(struct words *words, char *line, size_t length) {
    *words = (struct words){0};
    struct split split = {.item = words->item, .most = WORDS_MAX};
    bool good = split_line(&split, line, length);
    words->count = split.count;
    words->input = split.input;
    words->input_length = split.input_length;
    return good;
}

size_t words_parse_argv(char **argv, size_t most, char *line, size_t length) {
    struct split split = {.item = argv, .most = most};
    bool whole = split_line(&split, line, length) && split.input != NULL && split.input_length == 0;
    argv[whole ? split.count : 0] = NULL;
    return whole ? split.count : 0;
}

size_t words_encode(char *out, size_t size, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    size_t length = 0;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = byte > 0x20 && byte < 0x7f && byte != '%' && byte != '<';
        const char coded[] = {'%', digits[byte >> 4], digits[byte & 15]};
        const char *written = plain ? text : coded;
        for (size_t i = 0; i < (plain ? 1 : sizeof coded); i++, length++) {
            if (length + 1 < size) {
                out[length] = written[i];
            }
        }
    }
    if (size > 0) {
        out[length < size ? length : size - 1] = '\0';
    }
    return length;
}
