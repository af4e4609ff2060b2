#include "proc/mountinfo.h"

#include "base/format.h"

#include <string.h>

/* A path in mountinfo is at most a page. */
enum { POINT_BYTES = 4097 };

bool mountinfo_find(struct span text, uint64_t id, struct mount_line *line) {
    while (proc_next_mount(&text, line)) {
        if (line->id == id) {
            return true;
        }
    }
    return false;
}

/** Whether `path` is `point` or below it. */
static bool is_within(const char *path, const char *point) {
    size_t length = strlen(point);
    if (length == 1) {
        return true;
    }
    return strncmp(path, point, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool mountinfo_covering(struct span text, const char *path, struct mount_line *line) {
    struct mount_line mount;
    size_t longest = 0;
    while (proc_next_mount(&text, &mount)) {
        char point[POINT_BYTES];
        bool covers = proc_unescape(mount.point, point, sizeof point) && point[0] == '/' && is_within(path, point);
        if (covers && strlen(point) >= longest) {
            longest = strlen(point);
            *line = mount;
        }
    }
    return longest > 0;
}

bool mountinfo_option(struct span options, const char *key, char *out, size_t size) {
    struct span option;
    while (span_cut(&options, ',', &option)) {
        size_t length = strlen(key);
        if (span_starts(option, key) && option.length > length && option.at[length] == '=') {
            return proc_unescape((struct span){option.at + length + 1, option.length - length - 1}, out, size);
        }
    }
    return false;
}

static bool is_kernels_own(const char *point) {
    static const char *const trees[] = {"/proc", "/sys", "/dev"};
    /* What a runtime mounts over single files. */
    static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv"};
    bool own = false;
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        own = own || is_within(point, trees[i]);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        own = own || strcmp(point, files[i]) == 0;
    }
    return own;
}

void mountinfo_name_points(struct span text, char *out, size_t size) {
    static const char more[] = ", …";
    struct mount_line mount;
    size_t used = 0;
    out[0] = '\0';
    while (proc_next_mount(&text, &mount)) {
        char point[POINT_BYTES];
        if (!proc_unescape(mount.point, point, sizeof point) || is_kernels_own(point)) {
            continue;
        }
        const char *separator = used == 0 ? "" : ", ";
        if (used + strlen(separator) + strlen(point) + sizeof more > size) {
            format_text(out + used, size - used, "%s", used == 0 ? "…" : more);
            return;
        }
        used += format_text(out + used, size - used, "%s%s", separator, point);
    }
}
