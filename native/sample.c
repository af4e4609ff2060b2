#include "sample.h"

#include "clock.h"
#include "files.h"
#include "format.h"

#include <string.h>

static const char *const names[SAMPLE_FIELDS] = {
    "cpu_usage_us", "cpu_periods", "cpu_throttled_periods", "cpu_throttled_us", "cpu_quota_us", "cpu_period_us",
    "memory_current_bytes", "memory_limit_bytes", "memory_oom_events", "memory_oom_kills", "memory_oom_group", "memory_inactive_file_bytes",
    "pids_current", "pids_limit",
    "io_read_bytes", "io_write_bytes", "io_read_ops", "io_write_ops",
    "cpu_some_us", "cpu_full_us", "memory_some_us", "memory_full_us", "io_some_us", "io_full_us",
    "elapsed_us",
};

/* memory.stat of v1 has some 40 lines, io.stat one per device. */
enum { FILE_BYTES = 8192, UNLIMITED = -1 };

struct text {
    char bytes[FILE_BYTES];
    struct span span;
};

static void set(struct sample *sample, enum sample_field field, uint64_t value) {
    sample->value[field] = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    sample->present |= 1U << field;
}

static bool load(struct text *text, int directory, const char *file) {
    ssize_t got = read_file_at(directory, file, text->bytes, sizeof text->bytes);
    text->span = (struct span){text->bytes, got < 0 ? 0 : (size_t)got};
    return got >= 0;
}

/** A file with one number, or "max"; v1 writes no limit as a number near 2^63. */
static bool load_number(int directory, const char *file, int64_t *value) {
    char bytes[64];
    ssize_t got = read_file_at(directory, file, bytes, sizeof bytes);
    struct span line;
    struct span rest = {bytes, got < 0 ? 0 : (size_t)got};
    uint64_t number = 0;
    if (!span_cut(&rest, '\n', &line)) {
        return false;
    }
    if (span_equal(line, "max") || span_equal(line, "-1")) {
        *value = UNLIMITED;
        return true;
    }
    if (!span_number(line, &number)) {
        return false;
    }
    *value = number > (uint64_t)INT64_MAX / 2 ? UNLIMITED : (int64_t)number;
    return true;
}

static void copy_number(struct sample *sample, enum sample_field field, int directory, const char *file) {
    int64_t value = 0;
    if (load_number(directory, file, &value)) {
        sample->value[field] = value;
        sample->present |= 1U << field;
    }
}

static void copy_keyed(struct sample *sample, enum sample_field field, const struct text *text, const char *key, uint64_t divisor) {
    uint64_t value = 0;
    if (proc_keyed(text->span, key, &value)) {
        set(sample, field, value / divisor);
    }
}

typedef void look_at_level(struct sample *sample, int mount, const char *cgroup, int version);

/** Visits the target's cgroup and every one above it. */
static void each_level(struct sample *sample, const struct hierarchy *hierarchy, look_at_level *look) {
    char path[4096];
    size_t length = strlen(hierarchy->path);
    if (length >= sizeof path) {
        return;
    }
    memcpy(path, hierarchy->path, length + 1);
    for (;;) {
        look(sample, hierarchy->mount, path[1] == '\0' ? "." : path + 1, hierarchy->version);
        char *slash = strrchr(path, '/');
        if (slash == NULL || path[1] == '\0') {
            return;
        }
        slash[slash == path ? 1 : 0] = '\0';
    }
}

static bool level_file(char *out, size_t size, const char *cgroup, const char *file) { return format_text(out, size, "%s/%s", cgroup, file) < size; }

static void look_at_memory_limit(struct sample *sample, int mount, const char *cgroup, int version) {
    char file[4160];
    int64_t limit = UNLIMITED;
    if (!level_file(file, sizeof file, cgroup, version == 2 ? "memory.max" : "memory.limit_in_bytes") || !load_number(mount, file, &limit)) {
        return;
    }
    bool first = (sample->present >> MEMORY_LIMIT_BYTES & 1) == 0;
    int64_t *smallest = &sample->value[MEMORY_LIMIT_BYTES];
    if (first || (limit != UNLIMITED && (*smallest == UNLIMITED || limit < *smallest))) {
        *smallest = limit;
    }
    sample->present |= 1U << MEMORY_LIMIT_BYTES;
}

static bool load_quota(int mount, const char *cgroup, int version, int64_t *quota, int64_t *period) {
    char file[4160];
    if (version == 1) {
        return level_file(file, sizeof file, cgroup, "cpu.cfs_quota_us") && load_number(mount, file, quota) && level_file(file, sizeof file, cgroup, "cpu.cfs_period_us") &&
               load_number(mount, file, period);
    }
    char bytes[64];
    ssize_t got = level_file(file, sizeof file, cgroup, "cpu.max") ? read_file_at(mount, file, bytes, sizeof bytes) : -1;
    struct span rest = {bytes, got < 0 ? 0 : (size_t)got};
    struct span line;
    struct span word;
    uint64_t number = 0;
    if (!span_cut(&rest, '\n', &line) || !span_cut(&line, ' ', &word) || !span_number(line, &number)) {
        return false;
    }
    *period = (int64_t)number;
    *quota = UNLIMITED;
    if (!span_equal(word, "max")) {
        if (!span_number(word, &number)) {
            return false;
        }
        *quota = (int64_t)number;
    }
    return true;
}

static void look_at_quota(struct sample *sample, int mount, const char *cgroup, int version) {
    int64_t quota = UNLIMITED;
    int64_t period = 0;
    if (!load_quota(mount, cgroup, version, &quota, &period) || period <= 0) {
        return;
    }
    bool first = (sample->present >> CPU_QUOTA_US & 1) == 0;
    int64_t best = sample->value[CPU_QUOTA_US];
    /* Fewer cores bind: quotas of different periods are compared as fractions. */
    bool tighter = quota != UNLIMITED && (best == UNLIMITED || (double)quota / (double)period < (double)best / (double)sample->value[CPU_PERIOD_US]);
    if (first || tighter) {
        sample->value[CPU_QUOTA_US] = quota;
        sample->value[CPU_PERIOD_US] = period;
        sample->present |= 1U << CPU_QUOTA_US | 1U << CPU_PERIOD_US;
    }
}

static void read_cpu(struct sample *sample, const struct hierarchies *hierarchies, struct text *text) {
    const struct hierarchy *cpu = hierarchy_with(hierarchies, "cpu");
    const struct hierarchy *account = hierarchy_with(hierarchies, "cpuacct");
    uint64_t nanoseconds = 0;
    if (account != NULL && account->version == 1 && load(text, account->directory, "cpuacct.usage")) {
        struct span line;
        if (span_cut(&text->span, '\n', &line) && span_number(line, &nanoseconds)) {
            set(sample, CPU_USAGE_US, nanoseconds / 1000);
        }
    }
    if (cpu == NULL) {
        return;
    }
    if (load(text, cpu->directory, "cpu.stat")) {
        copy_keyed(sample, CPU_PERIODS, text, "nr_periods", 1);
        copy_keyed(sample, CPU_THROTTLED_PERIODS, text, "nr_throttled", 1);
        copy_keyed(sample, CPU_THROTTLED_US, text, cpu->version == 2 ? "throttled_usec" : "throttled_time", cpu->version == 2 ? 1 : 1000);
        copy_keyed(sample, CPU_USAGE_US, text, "usage_usec", 1);
    }
    each_level(sample, cpu, look_at_quota);
}

static void read_memory(struct sample *sample, const struct hierarchies *hierarchies, struct text *text) {
    const struct hierarchy *memory = hierarchy_with(hierarchies, "memory");
    if (memory == NULL) {
        return;
    }
    bool second = memory->version == 2;
    copy_number(sample, MEMORY_CURRENT_BYTES, memory->directory, second ? "memory.current" : "memory.usage_in_bytes");
    if (load(text, memory->directory, second ? "memory.events" : "memory.oom_control")) {
        copy_keyed(sample, MEMORY_OOM_EVENTS, text, "oom", 1);
        copy_keyed(sample, MEMORY_OOM_KILLS, text, "oom_kill", 1);
    }
    copy_number(sample, MEMORY_OOM_GROUP, memory->directory, "memory.oom.group");
    if (load(text, memory->directory, "memory.stat")) {
        copy_keyed(sample, MEMORY_INACTIVE_FILE_BYTES, text, second ? "inactive_file" : "total_inactive_file", 1);
    }
    each_level(sample, memory, look_at_memory_limit);
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …", a line per device. */
static void read_io_v2(struct sample *sample, int directory, struct text *text) {
    static const struct {
        const char *key;
        enum sample_field field;
    } keys[] = {{"rbytes=", IO_READ_BYTES}, {"wbytes=", IO_WRITE_BYTES}, {"rios=", IO_READ_OPS}, {"wios=", IO_WRITE_OPS}};
    if (!load(text, directory, "io.stat")) {
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        set(sample, keys[i].field, 0);
    }
    struct span line;
    struct span word;
    while (span_cut(&text->span, '\n', &line)) {
        while (span_cut(&line, ' ', &word)) {
            for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
                size_t skip = strlen(keys[i].key);
                uint64_t value = 0;
                if (span_starts(word, keys[i].key) && span_number((struct span){word.at + skip, word.length - skip}, &value)) {
                    set(sample, keys[i].field, (uint64_t)sample->value[keys[i].field] + value);
                }
            }
        }
    }
}

/** "8:0 Read 1", "8:0 Write 2", …, "Total 3". */
static void read_io_v1(struct sample *sample, int directory, struct text *text, const char *const files[2], enum sample_field read_field, enum sample_field write_field) {
    if (!load(text, directory, files[0]) && !load(text, directory, files[1])) {
        return;
    }
    set(sample, read_field, 0);
    set(sample, write_field, 0);
    struct span line;
    while (span_cut(&text->span, '\n', &line)) {
        struct span device;
        struct span kind;
        uint64_t value = 0;
        if (span_cut(&line, ' ', &device) && span_cut(&line, ' ', &kind) && span_number(line, &value)) {
            if (span_equal(kind, "Read")) {
                set(sample, read_field, (uint64_t)sample->value[read_field] + value);
            } else if (span_equal(kind, "Write")) {
                set(sample, write_field, (uint64_t)sample->value[write_field] + value);
            }
        }
    }
}

static void read_io(struct sample *sample, const struct hierarchies *hierarchies, struct text *text) {
    static const char *const bytes[2] = {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"};
    static const char *const operations[2] = {"blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"};
    const struct hierarchy *io = hierarchy_with(hierarchies, "blkio");
    if (io != NULL && io->version == 2) {
        read_io_v2(sample, io->directory, text);
    } else if (io != NULL) {
        read_io_v1(sample, io->directory, text, bytes, IO_READ_BYTES, IO_WRITE_BYTES);
        read_io_v1(sample, io->directory, text, operations, IO_READ_OPS, IO_WRITE_OPS);
    }
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=123": pressure is of v2 alone, whatever hierarchy has the controller. */
static void read_pressure(struct sample *sample, int directory, struct text *text, const char *file, enum sample_field some) {
    if (!load(text, directory, file)) {
        return;
    }
    struct span line;
    struct span word;
    while (span_cut(&text->span, '\n', &line)) {
        bool full = span_starts(line, "full ");
        while (span_cut(&line, ' ', &word)) {
            uint64_t total = 0;
            if (span_starts(word, "total=") && span_number((struct span){word.at + 6, word.length - 6}, &total)) {
                set(sample, full ? some + 1 : some, total);
            }
        }
    }
}

void sample_read(struct sample *sample, const struct hierarchies *hierarchies) {
    struct text text;
    *sample = (struct sample){0};
    read_cpu(sample, hierarchies, &text);
    read_memory(sample, hierarchies, &text);
    const struct hierarchy *pids = hierarchy_with(hierarchies, "pids");
    if (pids != NULL) {
        copy_number(sample, PIDS_CURRENT, pids->directory, "pids.current");
        copy_number(sample, PIDS_LIMIT, pids->directory, "pids.max");
    }
    read_io(sample, hierarchies, &text);
    const struct hierarchy *second = hierarchy_v2(hierarchies);
    if (second != NULL) {
        read_pressure(sample, second->directory, &text, "cpu.pressure", CPU_SOME_US);
        read_pressure(sample, second->directory, &text, "memory.pressure", MEMORY_SOME_US);
        read_pressure(sample, second->directory, &text, "io.pressure", IO_SOME_US);
    }
    set(sample, ELAPSED_US, (uint64_t)clock_us(CLOCK_MONOTONIC));
}

int64_t sample_oom_kills(const struct hierarchies *hierarchies) {
    struct text text;
    uint64_t kills = 0;
    const struct hierarchy *memory = hierarchy_with(hierarchies, "memory");
    bool known = memory != NULL && load(&text, memory->directory, memory->version == 2 ? "memory.events" : "memory.oom_control") && proc_keyed(text.span, "oom_kill", &kills);
    return known ? (int64_t)kills : -1;
}

void sample_write(const struct sample *sample, struct json *json) {
    for (int i = 0; i < SAMPLE_FIELDS; i++) {
        if ((sample->present >> i & 1) != 0) {
            json_number(json, names[i], sample->value[i]);
        }
    }
}

bool cgroup_is_frozen(const struct hierarchies *hierarchies) {
    char bytes[512];
    const struct hierarchy *second = hierarchy_v2(hierarchies);
    uint64_t frozen = 0;
    ssize_t got = second == NULL ? -1 : read_file_at(second->directory, "cgroup.events", bytes, sizeof bytes);
    if (got > 0 && proc_keyed((struct span){bytes, (size_t)got}, "frozen", &frozen) && frozen != 0) {
        return true;
    }
    const struct hierarchy *freezer = hierarchy_with(hierarchies, "freezer");
    got = freezer == NULL || freezer->version == 2 ? -1 : read_file_at(freezer->directory, "freezer.state", bytes, sizeof bytes);
    return got > 0 && !span_starts((struct span){bytes, (size_t)got}, "THAWED");
}
