/* A cgroup and those above it: where the runtime, the kubelet or the container itself has set a limit. */
#include "target/levels.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "proc/proc.h"

#include <string.h>

bool level_own(struct level *level, const struct hierarchy *hierarchy) {
    level->mount = hierarchy->mount;
    level->version = hierarchy->version;
    level->above = 0;
    return format_text(level->path, sizeof level->path, "%s", hierarchy->path) < sizeof level->path;
}

bool level_up(struct level *level) {
    /* A target that may make cgroups below its own can make them as deep as it likes. */
    enum { LEVELS_MAX = 64 };
    char *slash = strrchr(level->path, '/');
    if (slash == NULL || level->path[1] == '\0' || level->above == LEVELS_MAX) {
        return false;
    }
    slash[slash == level->path ? 1 : 0] = '\0';
    level->above++;
    return true;
}

bool level_of_container(struct level *level, const struct hierarchy *hierarchy) {
    bool known = level_own(level, hierarchy);
    if (known && hierarchy->container != 0) {
        level->path[hierarchy->container] = '\0';
    }
    return known;
}

/** The path of a file below the mount. */
static bool name_file(const struct level *level, const char *file, char name[LEVEL_PATH_BYTES + 64]) {
    size_t size = LEVEL_PATH_BYTES + 64;
    return format_text(name, size, "%s/%s", level->path[1] == '\0' ? "." : level->path + 1, file) < size;
}

bool level_text(const struct level *level, const char *file, char **text, struct span *span) {
    char name[LEVEL_PATH_BYTES + 64];
    return name_file(level, file, name) && read_whole_at(level->mount, name, text, span) == 0;
}

bool level_number(const struct level *level, const char *file, int64_t *value) {
    char name[LEVEL_PATH_BYTES + 64];
    char bytes[64];
    ssize_t got = name_file(level, file, name) ? read_file_at(level->mount, name, bytes, sizeof bytes) : -1;
    struct span line;
    struct span rest = {bytes, got < 0 ? 0 : (size_t)got};
    uint64_t number = 0;
    if (!span_cut(&rest, '\n', &line)) {
        return false;
    }
    if (span_equal(line, "max") || span_equal(line, "-1")) {
        *value = NO_LIMIT;
        return true;
    }
    if (!span_number(line, &number)) {
        return false;
    }
    *value = number > (uint64_t)INT64_MAX / 2 ? NO_LIMIT : (int64_t)number;
    return true;
}

bool level_keyed(const struct level *level, const char *file, const char *key, int64_t *value) {
    cleanup_free char *text = NULL;
    struct span span;
    uint64_t number = 0;
    if (!level_text(level, file, &text, &span) || !proc_keyed(span, key, &number)) {
        return false;
    }
    *value = number > INT64_MAX ? INT64_MAX : (int64_t)number;
    return true;
}
