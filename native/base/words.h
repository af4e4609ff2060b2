#ifndef NSEXEC_WORDS_H
#define NSEXEC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A line that a plugin writes has a dozen. */
enum { WORDS_MAX = 64 };

/** The words of one line of hold's stdin (README). All point into the line. */
struct words {
    char *item[WORDS_MAX + 1]; /**< NULL after the last, as argv wants it */
    size_t count;
    char *input; /**< what stood behind `<`, any bytes; NULL: nothing did */
    size_t input_length;
};

/** Splits the line, which is terminated at `length`, and decodes it in place. False when it does not keep to the contract; then nothing of it may be used. */
bool words_parse(struct words *words, char *line, size_t length);

/** As words_parse, of a line with up to `most` words, put at `argv` with a NULL behind, and an empty INPUT, by which it is seen to be whole. How many; 0 when it is not one. */
size_t words_parse_argv(char **argv, size_t most, char *line, size_t length);

/** One word as a line has it. The length that it has, of which `out` has as much as there is room for. */
size_t words_encode(char *out, size_t size, const char *text);

#endif
