#include "proc/proc.h"

#include <string.h>

bool proc_next_cgroup(struct span *rest, struct cgroup_line *line) {
    struct span text;
    while (span_cut(rest, '\n', &text)) {
        struct span id;
        uint64_t number = 0;
        if (span_cut(&text, ':', &id) && span_number(id, &number) && text.length > 0) {
            /* A v2 line has nothing between its colons. Everything after the second one is path, colons included. */
            if (span_cut(&text, ':', &line->name) && text.length > 0 && text.at[0] == '/') {
                line->path = text;
                return true;
            }
        }
    }
    return false;
}

/* Not `crio-conmon` nor `libpod-conmon`: the monitor of a container, in a cgroup of its own beside it. */
static const char *const runtimes[] = {"cri-containerd", "crio", "docker", "libpod", "nerdctl"};

static bool is_runtime(struct span name) {
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
        if (span_equal(name, runtimes[i])) {
            return true;
        }
    }
    return false;
}

/** <runtime>-<id>: as the cgroupfs driver names it, and with `.scope` as systemd's does. */
static bool is_scope(struct span component, const char *id) {
    if (span_ends(component, ".scope")) {
        component.length -= strlen(".scope");
    }
    if (!span_ends(component, id) || component.length < strlen(id) + 1) {
        return false;
    }
    size_t head = component.length - strlen(id) - 1;
    return component.at[head] == '-' && is_runtime((struct span){component.at, head});
}

static bool component_names(struct span component, const char *id) {
    if (span_equal(component, id) || is_scope(component, id)) {
        return true;
    }
    /* <slice>:<runtime>:<id>: the systemd driver's name where the runtime does not make a scope of it. */
    struct span rest = component;
    struct span slice;
    struct span runtime;
    return span_cut(&rest, ':', &slice) && span_cut(&rest, ':', &runtime) && is_runtime(runtime) && span_equal(rest, id);
}

bool proc_path_names_container(struct span path, const char *id, struct span *prefix) {
    struct span rest = path;
    struct span component;
    while (span_cut(&rest, '/', &component)) {
        if (component_names(component, id)) {
            prefix->at = path.at;
            prefix->length = (size_t)(component.at - path.at) + component.length;
            return true;
        }
    }
    return false;
}

bool proc_next_mount(struct span *rest, struct mount_line *line) {
    struct span text;
    while (span_cut(rest, '\n', &text)) {
        struct span ignored;
        struct span id;
        enum { FIELDS = 6 };
        struct span *const fields[FIELDS] = {&id, &ignored, &line->device, &line->root, &line->point, &line->options};
        bool whole = true;
        for (size_t i = 0; whole && i < FIELDS; i++) {
            whole = span_cut(&text, ' ', fields[i]);
        }
        bool separator = false;
        while (whole && !separator && span_cut(&text, ' ', &ignored)) {
            separator = span_equal(ignored, "-");
        }
        if (separator && span_number(id, &line->id) && span_cut(&text, ' ', &line->type) && span_cut(&text, ' ', &line->source) && span_cut(&text, ' ', &line->super_options)) {
            return true;
        }
    }
    return false;
}

static bool is_octal(char c) { return c >= '0' && c <= '7'; }

bool proc_unescape(struct span text, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '\\' && text.length - i > 3 && is_octal(text.at[i + 1]) && is_octal(text.at[i + 2]) && is_octal(text.at[i + 3])) {
            c = (char)((text.at[i + 1] - '0') << 6 | (text.at[i + 2] - '0') << 3 | (text.at[i + 3] - '0'));
            i += 3;
        }
        if (used + 1 >= size || c == '\0') {
            return false;
        }
        out[used++] = c;
    }
    if (size == 0) {
        return false;
    }
    out[used] = '\0';
    return true;
}

bool proc_mount_id(struct span text, uint64_t *id) {
    static const char key[] = "mnt_id:\t";
    struct span line;
    while (span_cut(&text, '\n', &line)) {
        if (span_starts(line, key)) {
            return span_number((struct span){line.at + sizeof key - 1, line.length - (sizeof key - 1)}, id);
        }
    }
    return false;
}

bool proc_list_holds(struct span list, struct span items) {
    struct span item;
    while (span_cut(&items, ',', &item)) {
        struct span rest = list;
        struct span entry;
        bool found = false;
        while (!found && span_cut(&rest, ',', &entry)) {
            found = entry.length == item.length && memcmp(entry.at, item.at, item.length) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static struct span trimmed(struct span span) {
    while (span.length > 0 && (span.at[0] == ' ' || span.at[0] == '\t')) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 && (span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t')) {
        span.length--;
    }
    return span;
}

/** "Uid:\t1\t2\t3\t4": real, effective, saved, file system. */
static bool parse_ids(struct span value, uint32_t out[3]) {
    struct span word;
    for (int i = 0; i < 3; i++) {
        uint64_t number = 0;
        if (!span_cut(&value, '\t', &word) || !span_number(word, &number) || number > UINT32_MAX) {
            return false;
        }
        out[i] = (uint32_t)number;
    }
    return true;
}

bool proc_parse_status(struct span text, struct status *status) {
    enum { UID = 1, GID = 2, GROUPS = 4, CAPABILITIES = 0x1f0, PRIVILEGES = 8, ALL = 0x1ff };
    const struct {
        const char *key;
        uint64_t *value;
    } sets[] = {{"CapInh", &status->inheritable}, {"CapPrm", &status->permitted}, {"CapEff", &status->effective}, {"CapBnd", &status->bounding}, {"CapAmb", &status->ambient}, {"ShdPnd", &status->pending}};
    unsigned int seen = 0;
    struct span line;
    /* A kernel without seccomp does not speak of it. */
    status->pending = 0;
    status->seccomp = 0;
    status->seccomp_filters = -1;
    while (span_cut(&text, '\n', &line)) {
        struct span key;
        if (!span_cut(&line, ':', &key)) {
            continue;
        }
        struct span value = trimmed(line);
        uint64_t number = 0;
        if (span_equal(key, "Uid") && parse_ids(value, status->uid)) {
            seen |= UID;
        } else if (span_equal(key, "Gid") && parse_ids(value, status->gid)) {
            seen |= GID;
        } else if (span_equal(key, "Groups")) {
            status->groups = value;
            seen |= GROUPS;
        } else if (span_equal(key, "Seccomp") && span_number(value, &number)) {
            status->seccomp = (uint32_t)number;
        } else if (span_equal(key, "Seccomp_filters") && span_number(value, &number)) {
            status->seccomp_filters = (int64_t)number;
        } else if (span_equal(key, "NoNewPrivs") && span_number(value, &number)) {
            status->no_new_privs = number != 0;
            seen |= PRIVILEGES;
        }
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            if (span_equal(key, sets[i].key) && span_hexadecimal(value, sets[i].value)) {
                seen |= 0x10U << i;
            }
        }
    }
    return (seen & ALL) == ALL;
}

enum label proc_parse_label(struct span text, char profile[PROFILE_BYTES]) {
    static const char *const modes[] = {" (enforce)", " (complain)", " (kill)", " (prompt)", " (mixed)", " (unconfined)", " (user)"};
    while (text.length > 0 && (text.at[text.length - 1] == '\n' || text.at[text.length - 1] == '\0')) {
        text.length--;
    }
    profile[0] = '\0';
    if (text.length == 0 || span_equal(text, "unconfined")) {
        return LABEL_NONE;
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        size_t length = text.length - strlen(modes[i]);
        if (span_ends(text, modes[i]) && length < PROFILE_BYTES) {
            memcpy(profile, text.at, length);
            profile[length] = '\0';
            return LABEL_APPARMOR;
        }
    }
    return LABEL_OTHER;
}

/* Fields are counted from 1 in proc(5): comm is 2, and a blank precedes each of those that follow. */
enum { STAT_STATE = 3, STAT_PARENT = 4, STAT_FLAGS = 9, STAT_USER_TICKS = 14, STAT_SYSTEM_TICKS = 15, STAT_THREADS = 20, STAT_START = 22 };

/** False when it is one that is a number, and is none. */
static bool take_field(struct stat_line *line, int field, struct span word) {
    enum { EXITING = 0x4 }; /* PF_EXITING, include/linux/sched.h */
    uint64_t number = 0;
    bool whole = span_number(word, &number);
    switch (field) {
    case STAT_STATE:
        line->state = word.at[0];
        return true;
    case STAT_PARENT:
        line->parent = (uint32_t)number;
        return whole && number <= UINT32_MAX;
    case STAT_FLAGS:
        line->exiting = (number & EXITING) != 0;
        return whole;
    case STAT_USER_TICKS:
        line->cpu_ticks = number;
        return whole;
    case STAT_SYSTEM_TICKS:
        line->cpu_ticks += number;
        return whole;
    case STAT_THREADS:
        line->threads = number;
        return whole;
    case STAT_START:
        line->start_ticks = number;
        return whole;
    default:
        return true;
    }
}

bool proc_parse_stat(struct span text, struct stat_line *line) {
    const char *open = text.length == 0 ? NULL : memchr(text.at, '(', text.length);
    size_t close = text.length;
    while (close > 0 && text.at[close - 1] != ')') {
        close--;
    }
    if (open == NULL || close == 0 || text.at + close - 1 <= open) {
        return false;
    }
    line->comm = (struct span){open + 1, (size_t)(text.at + close - 1 - (open + 1))};
    struct span rest = {text.at + close, text.length - close};
    struct span word;
    if (!span_cut(&rest, ' ', &word) || word.length != 0) {
        return false;
    }
    for (int field = STAT_STATE; field <= STAT_START; field++) {
        if (!span_cut(&rest, ' ', &word) || word.length == 0 || !take_field(line, field, word)) {
            return false;
        }
    }
    return true;
}

bool proc_keyed(struct span text, const char *key, uint64_t *value) {
    struct span line;
    while (span_cut(&text, '\n', &line)) {
        struct span name;
        if (span_cut(&line, ' ', &name) && span_equal(name, key)) {
            return span_number(line, value);
        }
    }
    return false;
}

static bool next_word(struct span *line, uint64_t *value) {
    *line = trimmed(*line);
    struct span word;
    return span_cut(line, ' ', &word) && span_number(word, value);
}

bool proc_parse_disk_counts(struct span text, struct disk_counts *counts) {
    /* Requests, merged, sectors and milliseconds: of reading, and then of writing. */
    enum { READS = 0, SECTORS_READ = 2, WRITES = 4, SECTORS_WRITTEN = 6, FIELDS };
    uint64_t field[FIELDS];
    struct span line;
    if (!span_cut(&text, '\n', &line)) {
        return false;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        /* Whatever the sectors of the disk are, these are of 512 bytes. */
        if (!next_word(&line, &field[i]) || field[i] > INT64_MAX / 512) {
            return false;
        }
    }
    *counts = (struct disk_counts){
        .read_bytes = (int64_t)field[SECTORS_READ] * 512,
        .write_bytes = (int64_t)field[SECTORS_WRITTEN] * 512,
        .read_ops = (int64_t)field[READS],
        .write_ops = (int64_t)field[WRITES],
    };
    return true;
}

bool proc_count_cpus(struct span list, int64_t *count) {
    enum { CPUS_MAX = 65536 }; /* The kernel's own limit is 8192. */
    struct span range;
    int64_t found = 0;
    while (span_cut(&list, ',', &range)) {
        struct span first;
        uint64_t from = 0;
        uint64_t to = 0;
        if (!span_cut(&range, '-', &first) || !span_number(first, &from) || !span_number(range.length == 0 ? first : range, &to) || to < from || to >= CPUS_MAX) {
            return false;
        }
        found += (int64_t)(to - from) + 1;
        if (found > CPUS_MAX) {
            return false;
        }
    }
    *count = found;
    return true;
}

/** The rest of the line that begins with this device. */
static bool line_of_device(struct span text, const char *device, struct span *rest) {
    struct span name;
    while (span_cut(&text, '\n', rest)) {
        if (span_cut(rest, ' ', &name) && span_equal(name, device)) {
            return true;
        }
    }
    return false;
}

bool proc_parse_io_max(struct span text, const char *device, struct io_limits *limits) {
    const struct {
        const char *key;
        int64_t *limit;
    } keys[] = {{"rbps=", &limits->read_bytes}, {"wbps=", &limits->write_bytes}, {"riops=", &limits->read_ops}, {"wiops=", &limits->write_ops}};
    struct span rest;
    struct span word;
    bool limited = false;
    *limits = IO_LIMITS_NONE;
    if (!line_of_device(text, device, &rest)) {
        return false;
    }
    while (span_cut(&rest, ' ', &word)) {
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            size_t skip = strlen(keys[i].key);
            uint64_t value = 0;
            if (span_starts(word, keys[i].key) && span_number((struct span){word.at + skip, word.length - skip}, &value) && value <= INT64_MAX) {
                *keys[i].limit = (int64_t)value;
                limited = true;
            }
        }
    }
    return limited;
}

bool proc_parse_device_limit(struct span text, const char *device, int64_t *limit) {
    struct span rest;
    uint64_t value = 0;
    if (!line_of_device(text, device, &rest) || !span_number(rest, &value) || value > INT64_MAX) {
        return false;
    }
    *limit = (int64_t)value;
    return true;
}

bool proc_map_outside(struct span map, uint64_t inside, uint64_t *outside) {
    struct span line;
    while (span_cut(&map, '\n', &line)) {
        uint64_t first = 0;
        uint64_t there = 0;
        uint64_t count = 0;
        if (next_word(&line, &first) && next_word(&line, &there) && next_word(&line, &count) && inside >= first && inside - first < count) {
            *outside = there + (inside - first);
            return *outside <= UINT32_MAX - 1;
        }
    }
    return false;
}

static bool take_number(struct span *line, uint64_t *number) {
    struct span word = {NULL, 0};
    while (word.length == 0) {
        if (!span_cut(line, ' ', &word)) {
            return false;
        }
    }
    size_t sign = word.at[0] == '-';
    return span_number((struct span){word.at + sign, word.length - sign}, number);
}

bool proc_next_numbers(struct span *rest, uint64_t *numbers, size_t count) {
    struct span line;
    while (span_cut(rest, '\n', &line)) {
        size_t taken = 0;
        while (taken < count && take_number(&line, &numbers[taken])) {
            taken++;
        }
        if (taken == count) {
            return true;
        }
    }
    return false;
}
