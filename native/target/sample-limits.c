/*
 * Limits of the target's cgroup and of those above it, and the room that is left within them. What is used of a limit is what the cgroup that has it uses: the
 * target may be in a cgroup below its container's (Docker in Docker, systemd, crun), or share the limit of its pod with other containers.
 */
#include "target/sample-limits.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/format.h"
#include "proc/proc.h"

#include <string.h>

/** The smallest of the limits, and the least room within any of them. */
struct tightest {
    int64_t limit, room; /**< NO_LIMIT: none */
    int limit_above, room_above;
    bool seen; /**< the kernel has such a file */
};
#define TIGHTEST_NONE ((struct tightest){.limit = NO_LIMIT, .room = NO_LIMIT})

/** One more limit; of equal ones the nearest to the target counts, which is seen first. */
static void add_limit(struct tightest *tightest, const struct level *level, int64_t limit) {
    tightest->seen = true;
    if (limit != NO_LIMIT && (tightest->limit == NO_LIMIT || limit < tightest->limit)) {
        tightest->limit = limit;
        tightest->limit_above = level->above;
    }
}

static void add_room(struct tightest *tightest, const struct level *level, int64_t room) {
    if (tightest->room == NO_LIMIT || room < tightest->room) {
        tightest->room = room < 0 ? 0 : room;
        tightest->room_above = level->above;
    }
}

static void set_tightest(struct sample *sample, enum sample_field limit, enum sample_field room, const struct tightest *tightest) {
    if (tightest->seen) {
        sample_set(sample, limit, tightest->limit);
        /* A limit whose use is not told leaves it open. */
        if (tightest->limit == NO_LIMIT || tightest->room != NO_LIMIT) {
            sample_set(sample, room, tightest->room);
        }
    }
}

static bool load_quota(const struct level *level, int64_t *quota, int64_t *period) {
    if (level->version == 1) {
        return level_number(level, "cpu.cfs_quota_us", quota) && level_number(level, "cpu.cfs_period_us", period);
    }
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    struct span word;
    uint64_t numbers[2] = {0, 0};
    if (!level_text(level, "cpu.max", &text, &rest) || !span_cut(&rest, '\n', &line) || !span_cut(&line, ' ', &word) || !span_number(line, &numbers[1])) {
        return false;
    }
    bool unlimited = span_equal(word, "max");
    if ((!unlimited && !span_number(word, &numbers[0])) || numbers[0] > INT64_MAX || numbers[1] > INT64_MAX) {
        return false;
    }
    *quota = unlimited ? NO_LIMIT : (int64_t)numbers[0];
    *period = (int64_t)numbers[1];
    return true;
}

bool sample_quota(struct sample *sample, const struct hierarchy *cpu, struct level *level) {
    int binding = 0;
    bool seen = false;
    int64_t best = NO_LIMIT;
    int64_t best_period = 0;
    for (bool more = level_own(level, cpu); more; more = level_up(level)) {
        int64_t quota = NO_LIMIT;
        int64_t period = 0;
        if (!load_quota(level, &quota, &period) || period <= 0) {
            continue;
        }
        /* Fewer cores bind: quotas of different periods are compared as fractions. */
        bool tighter = quota != NO_LIMIT && (best == NO_LIMIT || (double)quota / (double)period < (double)best / (double)best_period);
        if (!seen || tighter) {
            best = quota;
            best_period = period;
            binding = tighter ? level->above : binding;
        }
        seen = true;
    }
    if (seen) {
        sample_set(sample, CPU_QUOTA_US, best);
        sample_set(sample, CPU_PERIOD_US, best_period);
    }
    bool known = level_own(level, cpu);
    while (known && level->above < binding) {
        known = level_up(level);
    }
    return known;
}

/** Adds what is left at this level below a limit, in which page cache that can be dropped at once counts as free. */
static void add_memory(struct tightest *tightest, const struct level *level, int64_t limit) {
    bool second = level->version == 2;
    int64_t used = 0;
    int64_t cache = 0;
    add_limit(tightest, level, limit);
    if (limit == NO_LIMIT || !level_number(level, second ? "memory.current" : "memory.usage_in_bytes", &used)) {
        return;
    }
    /* The sums over all that is below a cgroup cost something, and this one is not the tightest whatever they are. */
    if (tightest->room != NO_LIMIT && limit - used >= tightest->room) {
        return;
    }
    (void)level_keyed(level, "memory.stat", second ? "inactive_file" : "total_inactive_file", &cache);
    int64_t held = used > cache ? used - cache : 0;
    add_room(tightest, level, limit - held);
}

/**
 * The kernel kills everything in the topmost cgroup with memory.oom.group between the victim's and the one whose limit was met (mem_cgroup_get_oom_group). The
 * limit that will be met is the one with the least room; without any it is the node's memory, and every level counts.
 */
static void read_oom_group(struct sample *sample, const struct hierarchy *memory, const struct tightest *limit) {
    struct level level;
    int last = limit->room_above > limit->limit_above ? limit->room_above : limit->limit_above;
    for (bool more = level_own(&level, memory); more && (limit->limit == NO_LIMIT || level.above <= last); more = level_up(&level)) {
        int64_t group = 0;
        if (level_number(&level, "memory.oom.group", &group)) {
            sample_set(sample, MEMORY_OOM_GROUP, group != 0 || (sample_has(sample, MEMORY_OOM_GROUP) && sample->value[MEMORY_OOM_GROUP] != 0));
        }
    }
}

void sample_memory_limits(struct sample *sample, const struct hierarchy *memory) {
    struct level level;
    struct tightest limit = TIGHTEST_NONE;
    struct tightest high = TIGHTEST_NONE;
    struct level of_high;
    bool known = level_own(&of_high, memory);
    for (bool more = level_own(&level, memory); more; more = level_up(&level)) {
        int64_t value = NO_LIMIT;
        if (level_number(&level, level.version == 2 ? "memory.max" : "memory.limit_in_bytes", &value)) {
            add_memory(&limit, &level, value);
        }
        if (level.version == 2 && level_number(&level, "memory.high", &value)) {
            add_memory(&high, &level, value);
        }
    }
    set_tightest(sample, MEMORY_LIMIT_BYTES, MEMORY_ROOM_BYTES, &limit);
    if (limit.limit != NO_LIMIT) {
        sample_set(sample, MEMORY_LIMIT_LEVEL, limit.limit_above);
    }
    set_tightest(sample, MEMORY_HIGH_BYTES, MEMORY_HIGH_ROOM_BYTES, &high);
    read_oom_group(sample, memory, &limit);
    /* Counted at the level that has it, and above. */
    while (known && of_high.above < high.limit_above) {
        known = level_up(&of_high);
    }
    int64_t events = 0;
    if (known && high.seen && level_keyed(&of_high, "memory.events", "high", &events)) {
        sample_set(sample, MEMORY_HIGH_EVENTS, events);
    }
}

/** v2 counts swap by itself; v1 counts it together with memory, so that swap is the difference of both. */
static bool load_swap(const struct level *level, int64_t *used, int64_t *limit) {
    if (level->version == 2) {
        return level_number(level, "memory.swap.current", used) && level_number(level, "memory.swap.max", limit);
    }
    int64_t both = 0;
    int64_t both_limit = NO_LIMIT;
    if (!level_number(level, "memory.memsw.usage_in_bytes", &both) || !level_number(level, "memory.memsw.limit_in_bytes", &both_limit) ||
        !level_number(level, "memory.usage_in_bytes", used) || !level_number(level, "memory.limit_in_bytes", limit)) {
        return false;
    }
    *used = both > *used ? both - *used : 0;
    *limit = both_limit == NO_LIMIT ? NO_LIMIT : *limit == NO_LIMIT || both_limit < *limit ? 0 : both_limit - *limit;
    return true;
}

void sample_swap(struct sample *sample, const struct hierarchy *memory) {
    struct level level;
    struct tightest swap = TIGHTEST_NONE;
    for (bool more = level_own(&level, memory); more; more = level_up(&level)) {
        int64_t used = 0;
        int64_t limit = NO_LIMIT;
        if (!load_swap(&level, &used, &limit)) {
            continue;
        }
        if (level.above == 0) {
            sample_set(sample, MEMORY_SWAP_CURRENT_BYTES, used);
        }
        add_limit(&swap, &level, limit);
        if (limit != NO_LIMIT) {
            add_room(&swap, &level, limit - used);
        }
    }
    /* Then v1 kills rather than swap, whatever the limits allow. v2 has no such file. */
    int64_t swappiness = 1;
    if (swap.seen && level_own(&level, memory) && level_number(&level, "memory.swappiness", &swappiness) && swappiness == 0) {
        add_limit(&swap, &level, 0);
        add_room(&swap, &level, 0);
    }
    set_tightest(sample, MEMORY_SWAP_LIMIT_BYTES, MEMORY_SWAP_ROOM_BYTES, &swap);
}

void sample_pids_limits(struct sample *sample, const struct hierarchy *pids) {
    struct level level;
    struct tightest limit = TIGHTEST_NONE;
    for (bool more = level_own(&level, pids); more; more = level_up(&level)) {
        int64_t value = NO_LIMIT;
        int64_t used = 0;
        if (level_number(&level, "pids.max", &value)) {
            add_limit(&limit, &level, value);
            if (value != NO_LIMIT && level_number(&level, "pids.current", &used)) {
                add_room(&limit, &level, value - used);
            }
        }
    }
    set_tightest(sample, PIDS_LIMIT, PIDS_ROOM, &limit);
}

void sample_cpuset(struct sample *sample, const struct hierarchy *cpuset) {
    static const char *const files[][2] = {{"cpuset.effective_cpus", "cpuset.cpus"}, {"cpuset.cpus.effective", NULL}};
    struct level level;
    /* Where v2 does not give the controller to the target's own cgroup, the next one above that has it says what holds. */
    for (bool more = level_own(&level, cpuset); more; more = level_up(&level)) {
        cleanup_free char *text = NULL;
        struct span rest;
        struct span line;
        int64_t count = 0;
        const char *const *names = files[level.version - 1];
        if (!level_text(&level, names[0], &text, &rest) && (names[1] == NULL || !level_text(&level, names[1], &text, &rest))) {
            continue;
        }
        if (span_cut(&rest, '\n', &line) && proc_count_cpus(line, &count) && count > 0) {
            sample_set(sample, CPUSET_CPUS, count);
            format_text(sample->cpuset, sizeof sample->cpuset, "%.*s", (int)(line.length < sizeof sample->cpuset ? line.length : 0), line.at);
        }
        return;
    }
}
