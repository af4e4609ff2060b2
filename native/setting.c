/* Limits of block devices that a cgroup has, a line for each device in the files of the kernel. */
#include "setting.h"

#include "cleanup.h"
#include "files.h"
#include "format.h"
#include "undo-words.h"

#include <string.h>

const struct hierarchy *setting_hierarchy(const struct hierarchies *hierarchies, const char *file) {
    const struct hierarchy *found = setting_is_v2(file) ? hierarchy_v2(hierarchies) : hierarchy_with(hierarchies, "blkio");
    return found == NULL || (found->version == 2) != setting_is_v2(file) ? NULL : found;
}

/** What a device has that has no line; written to v1, the zero takes a line away. */
static const char *nothing_set(const char *file) { return setting_is_v2(file) ? "rbps=max wbps=max riops=max wiops=max" : "0"; }

int setting_read(const struct undo *setting, char value[UNDO_VALUE_BYTES]) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    struct span device;
    int result = read_whole_at(setting->at, setting->name, &text, &rest);
    format_text(value, UNDO_VALUE_BYTES, "%s", nothing_set(setting->name));
    while (result == 0 && span_cut(&rest, '\n', &line)) {
        if (span_cut(&line, ' ', &device) && span_equal(device, setting->device)) {
            if (line.length >= UNDO_VALUE_BYTES) {
                return -EFBIG;
            }
            format_text(value, UNDO_VALUE_BYTES, "%.*s", (int)line.length, line.at);
        }
    }
    return result;
}

int setting_write(const struct undo *setting) {
    char line[UNDO_DEVICE_BYTES + UNDO_VALUE_BYTES];
    format_text(line, sizeof line, "%s %s", setting->device, setting->value);
    return write_file_at(setting->at, setting->name, line);
}

bool setting_holds(const char *value, const char *wanted) {
    struct span rest = {wanted, strlen(wanted)};
    struct span word;
    while (span_cut(&rest, ' ', &word)) {
        struct span all = {value, strlen(value)};
        struct span one;
        bool found = false;
        while (!found && span_cut(&all, ' ', &one)) {
            found = one.length == word.length && memcmp(one.at, word.at, word.length) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool means_gone(int result) { return result == -ENOENT || result == -ENODEV; }

int setting_differs(const struct undo *setting) {
    char value[UNDO_VALUE_BYTES];
    int result = setting_read(setting, value);
    return means_gone(result) ? 0 : result < 0 ? result : !setting_holds(value, setting->value);
}

int setting_restore(const struct undo *setting) {
    int differs = setting_differs(setting);
    int result = differs == 1 ? setting_write(setting) : differs;
    return means_gone(result) ? 0 : result;
}
