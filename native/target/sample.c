#include "target/sample.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "proc/proc.h"
#include "target/sample-limits.h"

#include <fcntl.h>
#include <string.h>

static const char *const names[SAMPLE_FIELDS] = {
    "cpu_usage_us", "cpu_periods", "cpu_throttled_periods", "cpu_throttled_us", "cpu_quota_us", "cpu_period_us", "cpu_level", "cpuset_cpus",
    "memory_current_bytes", "memory_limit_bytes", "memory_limit_level", "memory_room_bytes", "memory_oom_events", "memory_oom_kills", "memory_oom_group", "memory_inactive_file_bytes", "memory_active_file_bytes",
    "memory_high_bytes", "memory_high_room_bytes", "memory_high_events",
    "memory_swap_current_bytes", "memory_swap_limit_bytes", "memory_swap_room_bytes", "swap_free_bytes", "node_memory_available_bytes", "node_memory_total_bytes",
    "pids_current", "pids_limit", "pids_room",
    "io_read_bytes", "io_write_bytes", "io_read_ops", "io_write_ops",
    "cpu_some_us", "cpu_full_us", "memory_some_us", "memory_full_us", "io_some_us", "io_full_us",
    "elapsed_us",
};

static void set(struct sample *sample, enum sample_field field, uint64_t value) { sample_set(sample, field, value > INT64_MAX ? INT64_MAX : (int64_t)value); }

static void copy_number(struct sample *sample, enum sample_field field, const struct level *level, const char *file) {
    int64_t value = 0;
    if (level_number(level, file, &value)) {
        sample_set(sample, field, value);
    }
}

static void copy_keyed(struct sample *sample, enum sample_field field, struct span text, const char *key, uint64_t divisor) {
    uint64_t value = 0;
    if (proc_keyed(text, key, &value)) {
        set(sample, field, value / divisor);
    }
}

/** What v1 counts in a hierarchy that may be another than the quota's: then at the target's own cgroup. */
static void read_usage_v1(struct sample *sample, const struct hierarchy *account, const struct hierarchy *cpu, const struct level *quota) {
    struct level level;
    int64_t nanoseconds = 0;
    bool same = cpu != NULL && strcmp(account->path, cpu->path) == 0;
    if (!level_own(&level, account)) {
        return;
    }
    while (same && level.above < quota->above && level_up(&level)) {
    }
    if (level_number(&level, "cpuacct.usage", &nanoseconds)) {
        sample_set(sample, CPU_USAGE_US, nanoseconds / 1000);
    }
}

/** What is used of a quota, and how often that throttles, is counted where the quota is: a cgroup below it has none and counts nothing. */
static void read_cpu(struct sample *sample, const struct hierarchies *hierarchies) {
    const struct hierarchy *cpu = hierarchy_with(hierarchies, "cpu");
    const struct hierarchy *account = hierarchy_with(hierarchies, "cpuacct");
    struct level level = {.above = 0};
    cleanup_free char *text = NULL;
    struct span stat;
    bool known = cpu != NULL && sample_quota(sample, cpu, &level);
    if (account != NULL && account->version == 1) {
        read_usage_v1(sample, account, cpu, &level);
    }
    if (!known || !level_text(&level, "cpu.stat", &text, &stat)) {
        return;
    }
    bool second = cpu->version == 2;
    copy_keyed(sample, CPU_PERIODS, stat, "nr_periods", 1);
    copy_keyed(sample, CPU_THROTTLED_PERIODS, stat, "nr_throttled", 1);
    copy_keyed(sample, CPU_THROTTLED_US, stat, second ? "throttled_usec" : "throttled_time", second ? 1 : 1000);
    copy_keyed(sample, CPU_USAGE_US, stat, "usage_usec", 1);
    sample_set(sample, CPU_LEVEL, level.above);
}

/**
 * Where OOM kills are counted. v2 counts one at the victim's cgroup and at each above it: the container's has those of all its processes, and of no other container's. v1 counts it at the victim's
 * alone: the workload's is the target's own.
 */
static bool level_of_kills(struct level *level, const struct hierarchy *memory) { return memory->version == 2 ? level_of_container(level, memory) : level_own(level, memory); }

static void read_memory(struct sample *sample, const struct hierarchies *hierarchies) {
    const struct hierarchy *memory = hierarchy_with(hierarchies, "memory");
    struct level level;
    if (memory == NULL || !level_own(&level, memory)) {
        return;
    }
    bool second = memory->version == 2;
    cleanup_free char *stat = NULL;
    cleanup_free char *events = NULL;
    struct span span;
    copy_number(sample, MEMORY_CURRENT_BYTES, &level, second ? "memory.current" : "memory.usage_in_bytes");
    if (level_text(&level, "memory.stat", &stat, &span)) {
        copy_keyed(sample, MEMORY_INACTIVE_FILE_BYTES, span, second ? "inactive_file" : "total_inactive_file", 1);
        copy_keyed(sample, MEMORY_ACTIVE_FILE_BYTES, span, second ? "active_file" : "total_active_file", 1);
    }
    if (level_of_kills(&level, memory) && level_text(&level, second ? "memory.events" : "memory.oom_control", &events, &span)) {
        copy_keyed(sample, MEMORY_OOM_EVENTS, span, "oom", 1);
        copy_keyed(sample, MEMORY_OOM_KILLS, span, "oom_kill", 1);
    }
    sample_memory_limits(sample, memory);
    sample_swap(sample, memory);
}

/** `MemAvailable:    1024 kB`: what binds where no limit does, and a limit of swap is worth nothing on a node that has none. */
static void read_node_memory(struct sample *sample) {
    static const struct {
        const char *key;
        enum sample_field field;
    } keys[] = {{"MemTotal:", NODE_MEMORY_TOTAL_BYTES}, {"MemAvailable:", NODE_MEMORY_AVAILABLE_BYTES}, {"SwapFree:", SWAP_FREE_BYTES}};
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    struct span word;
    if (read_whole_at(AT_FDCWD, "/proc/meminfo", &text, &rest) < 0) {
        return;
    }
    while (span_cut(&rest, '\n', &line)) {
        struct span key;
        uint64_t kibibytes = 0;
        bool found = false;
        if (!span_cut(&line, ' ', &key)) {
            continue;
        }
        while (!found && span_cut(&line, ' ', &word)) {
            found = span_number(word, &kibibytes);
        }
        for (size_t i = 0; found && i < sizeof keys / sizeof *keys; i++) {
            if (span_equal(key, keys[i].key)) {
                set(sample, keys[i].field, kibibytes > UINT64_MAX / 1024 ? UINT64_MAX : kibibytes * 1024);
            }
        }
    }
}

static void read_pids(struct sample *sample, const struct hierarchies *hierarchies) {
    const struct hierarchy *pids = hierarchy_with(hierarchies, "pids");
    struct level level;
    if (pids != NULL && level_own(&level, pids)) {
        copy_number(sample, PIDS_CURRENT, &level, "pids.current");
        sample_pids_limits(sample, pids);
    }
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …", a line per device. */
static void read_io_v2(struct sample *sample, int directory) {
    static const struct {
        const char *key;
        enum sample_field field;
    } keys[] = {{"rbytes=", IO_READ_BYTES}, {"wbytes=", IO_WRITE_BYTES}, {"rios=", IO_READ_OPS}, {"wios=", IO_WRITE_OPS}};
    cleanup_free char *text = NULL;
    struct span rest;
    if (read_whole_at(directory, "io.stat", &text, &rest) < 0) {
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        set(sample, keys[i].field, 0);
    }
    struct span line;
    struct span word;
    while (span_cut(&rest, '\n', &line)) {
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
static void read_io_v1(struct sample *sample, int directory, const char *const files[2], enum sample_field read_field, enum sample_field write_field) {
    cleanup_free char *text = NULL;
    struct span rest;
    if (read_whole_at(directory, files[0], &text, &rest) < 0 && read_whole_at(directory, files[1], &text, &rest) < 0) {
        return;
    }
    set(sample, read_field, 0);
    set(sample, write_field, 0);
    struct span line;
    while (span_cut(&rest, '\n', &line)) {
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

static void read_io(struct sample *sample, const struct hierarchies *hierarchies) {
    static const char *const bytes[2] = {"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"};
    static const char *const operations[2] = {"blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"};
    const struct hierarchy *io = hierarchy_with(hierarchies, "blkio");
    if (io != NULL && io->version == 2) {
        read_io_v2(sample, io->directory);
    } else if (io != NULL) {
        read_io_v1(sample, io->directory, bytes, IO_READ_BYTES, IO_WRITE_BYTES);
        read_io_v1(sample, io->directory, operations, IO_READ_OPS, IO_WRITE_OPS);
    }
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=123": pressure is of v2 alone, whatever hierarchy has the controller. */
static void read_pressure(struct sample *sample, int directory, const char *file, enum sample_field some) {
    cleanup_free char *text = NULL;
    struct span rest;
    if (read_whole_at(directory, file, &text, &rest) < 0) {
        return;
    }
    struct span line;
    struct span word;
    while (span_cut(&rest, '\n', &line)) {
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
    *sample = (struct sample){0};
    read_cpu(sample, hierarchies);
    const struct hierarchy *cpuset = hierarchy_with(hierarchies, "cpuset");
    if (cpuset != NULL) {
        sample_cpuset(sample, cpuset);
    }
    read_memory(sample, hierarchies);
    read_node_memory(sample);
    read_pids(sample, hierarchies);
    read_io(sample, hierarchies);
    const struct hierarchy *second = hierarchy_v2(hierarchies);
    if (second != NULL) {
        read_pressure(sample, second->directory, "cpu.pressure", CPU_SOME_US);
        read_pressure(sample, second->directory, "memory.pressure", MEMORY_SOME_US);
        read_pressure(sample, second->directory, "io.pressure", IO_SOME_US);
    }
    set(sample, ELAPSED_US, (uint64_t)clock_us(CLOCK_MONOTONIC));
}

int64_t sample_oom_kills(const struct hierarchies *hierarchies) {
    const struct hierarchy *memory = hierarchy_with(hierarchies, "memory");
    struct level level;
    int64_t kills = 0;
    bool known = memory != NULL && level_of_kills(&level, memory) && level_keyed(&level, memory->version == 2 ? "memory.events" : "memory.oom_control", "oom_kill", &kills);
    return known ? kills : -1;
}

void sample_write(const struct sample *sample, struct json *json) {
    for (int i = 0; i < SAMPLE_FIELDS; i++) {
        if (sample_has(sample, (enum sample_field)i)) {
            json_number(json, names[i], sample->value[i]);
        }
    }
    if (sample->cpuset[0] != '\0') {
        json_string(json, "cpuset_list", sample->cpuset);
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
