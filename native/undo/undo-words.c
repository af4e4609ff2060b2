#include "undo/undo-words.h"

#include "base/format.h"
#include "base/span.h"
#include "undo/stopped.h"

#include <net/if.h>
#include <string.h>

enum { TABLE_NAME_BYTES = 64 };

static bool take_name(struct undo *undo, const char *name, size_t limit) {
    size_t length = strlen(name);
    if (length == 0 || length >= limit) {
        return false;
    }
    memcpy(undo->name, name, length + 1);
    return true;
}

/** What a device cannot be called the kernel would read otherwise: an ioctl takes `eth0:1` for eth0. */
static bool take_link(struct undo *undo, const char *name) {
    static const char never[] = "/: \t\n\v\f\r";
    return strcspn(name, never) == strlen(name) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && take_name(undo, name, IFNAMSIZ);
}

/** `c4a0:`, as tc writes the handle of a qdisc. */
static bool take_handle(struct undo *undo, const char *text) {
    uint32_t major = 0;
    size_t length = strspn(text, "0123456789abcdef");
    if (length == 0 || length > 4 || strcmp(text + length, ":") != 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        major = major * 16 + (uint32_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    }
    undo->handle = major << 16;
    /* The kernel's own default qdiscs have handle 0. */
    return major != 0;
}

static bool take_length(struct undo *undo, const char *text) {
    uint64_t length = 0;
    bool good = span_number((struct span){text, strlen(text)}, &length) && length <= INT32_MAX;
    undo->queue_length = good ? (int32_t)length : 0;
    return good;
}

bool undo_push(struct undo_list *list, const struct undo *undo) {
    if (list->count == UNDO_MAX) {
        return false;
    }
    list->item[list->count++] = *undo;
    return true;
}

void undo_shift(struct undo_list *list) {
    list->count--;
    memmove(list->item, list->item + 1, list->count * sizeof *list->item);
}

bool undo_unshift(struct undo_list *list, const struct undo *undo) {
    if (list->count == UNDO_MAX) {
        return false;
    }
    memmove(list->item + 1, list->item, list->count * sizeof *list->item);
    list->item[0] = *undo;
    list->count++;
    return true;
}

bool undo_add(struct undo_list *list, const struct words *words) {
    struct undo undo = {.index = 0};
    bool good = false;
    if (words->count < 3 || words->input != NULL) {
        return false;
    }
    const char *kind = words->item[1];
    if (strcmp(kind, "qdisc") == 0) {
        undo.kind = UNDO_QDISC;
        good = words->count == 4 && take_link(&undo, words->item[2]) && take_handle(&undo, words->item[3]);
    } else if (strcmp(kind, "ingress") == 0) {
        undo.kind = UNDO_INGRESS;
        good = words->count == 3 && take_link(&undo, words->item[2]);
    } else if (strcmp(kind, "link") == 0) {
        undo.kind = UNDO_LINK;
        good = words->count == 3 && take_link(&undo, words->item[2]);
    } else if (strcmp(kind, "table") == 0) {
        undo.kind = UNDO_TABLE;
        good = words->count == 3 && take_name(&undo, words->item[2], TABLE_NAME_BYTES);
    } else if (strcmp(kind, "txqueuelen") == 0) {
        undo.kind = UNDO_QUEUE;
        good = words->count == 4 && take_link(&undo, words->item[2]) && take_length(&undo, words->item[3]);
    }
    return good && undo_push(list, &undo);
}

/* --- settings */

static const char *const keys[] = {"rbps", "wbps", "riops", "wiops"};
enum { KEYS = sizeof keys / sizeof *keys };

bool setting_is_v2(const char *file) { return strcmp(file, "io.max") == 0; }

static bool take_file(struct undo *setting, const char *file) {
    static const char *const files[] = {"io.max", "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device", "blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(file, files[i]) == 0) {
            format_text(setting->name, sizeof setting->name, "%s", file);
            return true;
        }
    }
    return false;
}

/** `8:16`, as the kernel writes it. */
static bool take_device(struct undo *setting, const char *device) {
    struct span rest = {device, strlen(device)};
    struct span major;
    uint64_t numbers[2];
    if (!span_cut(&rest, ':', &major) || !span_number(major, &numbers[0]) || !span_number(rest, &numbers[1]) || numbers[0] > UINT32_MAX || numbers[1] > UINT32_MAX) {
        return false;
    }
    format_text(setting->device, sizeof setting->device, "%llu:%llu", (unsigned long long)numbers[0], (unsigned long long)numbers[1]);
    return true;
}

/** Appends a word; what the kernel writes is written as it does. */
static void append(char *value, const char *key, const char *number) {
    size_t used = strlen(value);
    format_text(value + used, UNDO_VALUE_BYTES - used, "%s%s%s%s", used == 0 ? "" : " ", key, key[0] == '\0' ? "" : "=", number);
}

/** A number as the kernel writes it; of `max`, where there is such a word, that. */
static bool canonical(const char *text, bool may_be_max, char out[24]) {
    uint64_t number = 0;
    if (may_be_max && strcmp(text, "max") == 0) {
        format_text(out, 24, "max");
        return true;
    }
    bool good = span_number((struct span){text, strlen(text)}, &number);
    format_text(out, 24, "%llu", (unsigned long long)number);
    return good;
}

static bool take_pairs(struct undo *setting, char *const *pairs, size_t count) {
    bool named[KEYS] = {false};
    for (size_t i = 0; i < count; i++) {
        char number[24];
        size_t key = 0;
        size_t length = strcspn(pairs[i], "=");
        while (key < KEYS && (strlen(keys[key]) != length || strncmp(pairs[i], keys[key], length) != 0)) {
            key++;
        }
        if (key == KEYS || named[key] || pairs[i][length] == '\0' || !canonical(pairs[i] + length + 1, true, number)) {
            return false;
        }
        named[key] = true;
        append(setting->value, keys[key], number);
    }
    return count > 0;
}

bool setting_parse(const struct words *words, struct undo *setting) {
    char number[24];
    *setting = (struct undo){.kind = UNDO_SETTING, .cgroup = -1};
    if (words->count < 4 || words->input != NULL || !take_file(setting, words->item[1]) || !take_device(setting, words->item[2])) {
        return false;
    }
    if (setting_is_v2(setting->name)) {
        return take_pairs(setting, words->item + 3, words->count - 3);
    }
    if (words->count != 4 || !canonical(words->item[3], false, number)) {
        return false;
    }
    append(setting->value, "", number);
    return true;
}

/* --- records */

struct text {
    char *out;
    size_t length;
};

static void put(struct text *text, const char *separator, const char *word) {
    size_t room = text->length < RECORD_MAX_BYTES ? RECORD_MAX_BYTES - text->length : 0;
    size_t used = format_text(text->out + RECORD_MAX_BYTES - room, room, "%s", separator);
    text->length += used;
    room -= used < room ? used : room;
    text->length += words_encode(text->out + RECORD_MAX_BYTES - room, room, word);
}

static void put_number(struct text *text, uint64_t number) {
    char word[24];
    format_text(word, sizeof word, "%llu", (unsigned long long)number);
    put(text, " ", word);
}

static void put_directory(struct text *text, const struct undo *undo) {
    put(text, "", "directory");
    put(text, " ", undo->path);
    put(text, " ", undo->name);
    if (undo->inode != 0) {
        put_number(text, undo->inode);
    }
}

static void put_value(struct text *text, const char *value) {
    struct span rest = {value, strlen(value)};
    struct span word;
    while (span_cut(&rest, ' ', &word)) {
        char one[UNDO_VALUE_BYTES];
        format_text(one, sizeof one, "%.*s", (int)word.length, word.at);
        put(text, " ", one);
    }
}

static const char over[] = "over";

static void put_setting(struct text *text, const struct undo *undo) {
    put(text, "", "setting");
    put(text, " ", undo->name);
    put(text, " ", undo->device);
    put_value(text, undo->value);
    put(text, " ", over);
    put_value(text, undo->wanted);
}

static void put_stopped(struct text *text, uint64_t pid, uint64_t start_ticks) {
    put(text, "", "stopped");
    put_number(text, pid);
    put_number(text, start_ticks);
    put(text, "\n", "");
}

/** A line for each. */
static void put_all_stopped(struct text *text, const struct undo *undo) {
    if (undo->stopped == NULL) {
        put_stopped(text, (uint64_t)undo->pid, undo->start_ticks);
        return;
    }
    for (size_t i = 0; i < undo->stopped->count; i++) {
        put_stopped(text, (uint64_t)undo->stopped->item[i].process.pid, undo->stopped->item[i].process.start_ticks);
    }
}

static void put_lease(struct text *text, const struct lease *lease) {
    put(text, "", "lease");
    put_number(text, (uint64_t)lease->pid);
    put_number(text, lease->start_ticks);
    put_number(text, lease->pid_namespace);
    put(text, "\n", "");
}

bool record_write(const struct undo_list *list, const struct lease *leases, size_t count, char out[RECORD_MAX_BYTES]) {
    struct text text = {out, 0};
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        put_lease(&text, &leases[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct undo *undo = &list->item[i];
        if (undo->kind == UNDO_DIRECTORY) {
            put_directory(&text, undo);
            put(&text, "\n", "");
        } else if (undo->kind == UNDO_SETTING) {
            put_setting(&text, undo);
            put(&text, "\n", "");
        } else if (undo->kind == UNDO_FREEZE) {
            put(&text, "", "freeze");
            put(&text, "\n", "");
        } else if (undo->kind == UNDO_STOPPED) {
            put_all_stopped(&text, undo);
        }
    }
    return text.length < RECORD_MAX_BYTES;
}

bool lease_read(struct span line, struct lease *lease) {
    struct span word;
    uint64_t pid = 0;
    if (!span_cut(&line, ' ', &word) || !span_equal(word, "lease") || !span_cut(&line, ' ', &word) || !span_number(word, &pid) || pid == 0 || pid > INT32_MAX) {
        return false;
    }
    lease->pid = (pid_t)pid;
    return span_cut(&line, ' ', &word) && span_number(word, &lease->start_ticks) && span_number(line, &lease->pid_namespace) && lease->pid_namespace != 0;
}

static bool read_directory(const struct words *words, struct undo *undo) {
    static const char prefix[] = ".kubectl-chaos-";
    if (words->count < 3 || words->count > 4 || words->input != NULL) {
        return false;
    }
    const char *name = words->item[2];
    size_t length = strlen(name);
    *undo = (struct undo){.kind = UNDO_DIRECTORY, .at = -1, .directory = -1, .path = words->item[1]};
    if (undo->path[0] != '/' || strncmp(name, prefix, sizeof prefix - 1) != 0 || strchr(name, '/') != NULL || length >= sizeof undo->name) {
        return false;
    }
    memcpy(undo->name, name, length + 1);
    return words->count == 3 || (span_number((struct span){words->item[3], strlen(words->item[3])}, &undo->inode) && undo->inode != 0);
}

/** `setting FILE DEVICE FORMER… over VALUE…`: two of stdin's settings in one. */
static bool read_setting(struct words *words, struct undo *undo) {
    struct words second = *words;
    struct undo written;
    size_t former = 0;
    while (former < words->count && strcmp(words->item[former], over) != 0) {
        former++;
    }
    if (former < 3 || former == words->count) {
        return false;
    }
    second.count = words->count - former + 2;
    for (size_t i = 3; i <= second.count; i++) {
        second.item[i] = words->item[i + former - 2]; /* With the NULL at the end. */
    }
    words->count = former;
    if (!setting_parse(words, undo) || !setting_parse(&second, &written)) {
        return false;
    }
    memcpy(undo->wanted, written.value, sizeof undo->wanted);
    return true;
}

/** `freeze`, or `stopped PID START_TICKS`. */
static bool read_pause(const struct words *words, struct undo *undo) {
    uint64_t pid = 0;
    *undo = (struct undo){.kind = words->count == 1 ? UNDO_FREEZE : UNDO_STOPPED, .cgroup = -1};
    if (words->count == 1 || words->input != NULL) {
        return words->input == NULL && take_name(undo, "cgroup", UNDO_NAME_BYTES) && strcmp(words->item[0], "freeze") == 0;
    }
    bool good = words->count == 3 && strcmp(words->item[0], "stopped") == 0 && span_number((struct span){words->item[1], strlen(words->item[1])}, &pid) && pid > 0 && pid <= INT32_MAX &&
                span_number((struct span){words->item[2], strlen(words->item[2])}, &undo->start_ticks);
    undo->pid = (pid_t)pid;
    return good;
}

bool record_read(char *line, size_t length, struct undo *undo) {
    struct words words;
    if (!words_parse(&words, line, length)) {
        return false;
    }
    const char *kind = words.item[0];
    return strcmp(kind, "setting") == 0     ? read_setting(&words, undo)
           : strcmp(kind, "directory") == 0 ? read_directory(&words, undo)
                                            : read_pause(&words, undo);
}
