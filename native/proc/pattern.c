#include "proc/pattern.h"

#include <string.h>

bool pattern_fits(const char *pattern, struct span text) {
    const char *star = NULL; /* The last one: where it stands, and up to where it is taken to reach. An earlier one never has to reach further. */
    size_t reach = 0;
    size_t at = 0;
    for (;;) {
        if (*pattern == '*') {
            star = pattern++;
            reach = at;
        } else if (at < text.length && (*pattern == '?' || (*pattern != '\0' && *pattern == text.at[at]))) {
            pattern++;
            at++;
        } else if (at == text.length && *pattern == '\0') {
            return true;
        } else if (star == NULL || reach == text.length) {
            return false;
        } else {
            pattern = star + 1;
            at = ++reach;
        }
    }
}

static struct span base_name(struct span path) {
    struct span name = path;
    while (path.length > 0) {
        path.length--;
        if (path.at[path.length] == '/') {
            size_t skip = path.length + 1;
            return (struct span){name.at + skip, name.length - skip};
        }
    }
    return name;
}

bool pattern_means(const char *pattern, struct span comm, char *command, size_t length) {
    /* A title that a program has given itself is padded with either. */
    while (length > 0 && (command[length - 1] == '\0' || command[length - 1] == ' ')) {
        length--;
    }
    struct span whole = {command, length};
    struct span rest = whole;
    struct span first;
    if (pattern_fits(pattern, comm) || (span_cut(&rest, '\0', &first) && pattern_fits(pattern, base_name(first)))) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (command[i] == '\0') {
            command[i] = ' ';
        }
    }
    return length > 0 && pattern_fits(pattern, whole);
}
