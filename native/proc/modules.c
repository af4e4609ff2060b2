#include "proc/modules.h"

#include <string.h>

bool proc_lists_module(struct span list, const char *name) {
    struct span line;
    size_t length = strlen(name);
    while (span_cut(&list, '\n', &line)) {
        struct span path;
        struct span file = {NULL, 0};
        if (!span_cut(&line, ':', &path)) {
            continue;
        }
        while (span_cut(&path, '/', &file)) {
        }
        if (file.length > length && memcmp(file.at, name, length) == 0 && span_starts((struct span){file.at + length, file.length - length}, ".ko")) {
            return true;
        }
    }
    return false;
}
