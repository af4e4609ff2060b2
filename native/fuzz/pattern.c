#include "proc/pattern.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same, told from the definition: every end of every star is tried. */
static bool fits(const char *pattern, struct span text) {
    if (*pattern == '\0') {
        return text.length == 0;
    }
    struct span rest = {text.at + 1, text.length - 1};
    if (*pattern == '*') {
        return fits(pattern + 1, text) || (text.length > 0 && fits(pattern, rest));
    }
    return text.length > 0 && (*pattern == '?' || *pattern == text.at[0]) && fits(pattern + 1, rest);
}

static size_t stars(const char *pattern) {
    size_t count = 0;
    for (; *pattern != '\0'; pattern++) {
        count += *pattern == '*';
    }
    return count;
}

/** A pattern up to a newline, and what it is compared with behind that. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span rest = {(const char *)data, size};
    struct span first;
    if (!span_cut(&rest, '\n', &first) || first.length > PATTERN_MAX_BYTES || memchr(first.at, '\0', first.length) != NULL) {
        return 0;
    }
    char *pattern = strndup(first.at, first.length);
    char *command = malloc(rest.length);
    if (rest.length > 0) {
        memcpy(command, rest.at, rest.length);
    }
    bool fitted = pattern_fits(pattern, (struct span){command, rest.length});
    if (stars(pattern) <= 4 && rest.length <= 32) {
        assert(fits(pattern, (struct span){command, rest.length}) == fitted);
    }
    pattern_means(pattern, (struct span){"name", 4}, command, rest.length);
    for (size_t i = 0; i < rest.length; i++) {
        assert(command[i] == rest.at[i] || (rest.at[i] == '\0' && command[i] == ' '));
    }
    free(command);
    free(pattern);
    return 0;
}
