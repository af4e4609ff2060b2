/* Limits of block devices that a cgroup has, a line for each device in the files of the kernel. */
#include "undo/setting.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "undo/undo-words.h"

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
    int result = read_whole_at(setting->cgroup, setting->name, &text, &rest);
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
    return write_file_at(setting->cgroup, setting->name, line);
}

/** Whether one of the words of `value` is this one. */
static bool has_word(const char *value, struct span word) {
    struct span all = {value, strlen(value)};
    struct span one;
    while (span_cut(&all, ' ', &one)) {
        if (one.length == word.length && memcmp(one.at, word.at, word.length) == 0) {
            return true;
        }
    }
    return false;
}

bool setting_holds(const char *value, const char *wanted) {
    struct span rest = {wanted, strlen(wanted)};
    struct span word;
    while (span_cut(&rest, ' ', &word)) {
        if (!has_word(value, word)) {
            return false;
        }
    }
    return true;
}

/** Up to and with the `=`; of a file that has one number for a device it is empty. */
static size_t key_length(struct span word) {
    size_t length = 0;
    while (length < word.length && word.at[length] != '=') {
        length++;
    }
    return length < word.length ? length + 1 : 0;
}

/** What `value` says for the key of this word; empty when that is nothing, or the same. */
static struct span other_than(const char *value, struct span word) {
    struct span all = {value, strlen(value)};
    struct span one;
    size_t length = key_length(word);
    while (span_cut(&all, ' ', &one)) {
        if (key_length(one) == length && memcmp(one.at, word.at, length) == 0) {
            return has_word(value, word) ? (struct span){NULL, 0} : one;
        }
    }
    return (struct span){NULL, 0};
}

/** The former words, for those of the fault's that stand there still. */
static void to_restore(const struct undo *setting, const char *now, char out[UNDO_VALUE_BYTES]) {
    struct span rest = {setting->wanted, strlen(setting->wanted)};
    struct span word;
    size_t used = 0;
    out[0] = '\0';
    while (span_cut(&rest, ' ', &word)) {
        struct span former = has_word(now, word) ? other_than(setting->value, word) : (struct span){NULL, 0};
        if (former.length > 0) {
            used += format_text(out + used, UNDO_VALUE_BYTES - used, "%s%.*s", used == 0 ? "" : " ", (int)former.length, former.at);
        }
    }
}

static bool means_gone(int result) { return result == -ENOENT || result == -ENODEV; }

/** 1 with the words that are to be written, 0 or -errno. */
static int what_to_restore(const struct undo *setting, char out[UNDO_VALUE_BYTES]) {
    char now[UNDO_VALUE_BYTES];
    int result = setting_read(setting, now);
    if (result < 0) {
        return means_gone(result) ? 0 : result;
    }
    to_restore(setting, now, out);
    return out[0] != '\0';
}

int setting_present(const struct undo *setting) {
    char words[UNDO_VALUE_BYTES];
    return what_to_restore(setting, words);
}

int setting_restore(const struct undo *setting) {
    struct undo former = *setting;
    int result = what_to_restore(setting, former.value);
    result = result == 1 ? setting_write(&former) : result;
    return means_gone(result) ? 0 : result;
}

bool setting_overwritten(const struct undo *setting, char value[UNDO_VALUE_BYTES]) { return setting_read(setting, value) == 0 && !setting_holds(value, setting->wanted); }
