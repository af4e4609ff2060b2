#ifndef NSEXEC_SAMPLE_H
#define NSEXEC_SAMPLE_H

#include "base/json.h"
#include "target/hierarchy.h"

#include <stdint.h>

/** The fields of a sample, in the order of README. */
enum sample_field {
    CPU_USAGE_US, CPU_PERIODS, CPU_THROTTLED_PERIODS, CPU_THROTTLED_US, CPU_QUOTA_US, CPU_PERIOD_US, CPU_LEVEL, CPUSET_CPUS,
    MEMORY_CURRENT_BYTES, MEMORY_LIMIT_BYTES, MEMORY_LIMIT_LEVEL, MEMORY_ROOM_BYTES, MEMORY_OOM_EVENTS, MEMORY_OOM_KILLS, MEMORY_OOM_GROUP, MEMORY_INACTIVE_FILE_BYTES, MEMORY_ACTIVE_FILE_BYTES,
    MEMORY_HIGH_BYTES, MEMORY_HIGH_ROOM_BYTES, MEMORY_HIGH_EVENTS,
    MEMORY_SWAP_CURRENT_BYTES, MEMORY_SWAP_LIMIT_BYTES, MEMORY_SWAP_ROOM_BYTES, SWAP_FREE_BYTES, NODE_MEMORY_AVAILABLE_BYTES, NODE_MEMORY_TOTAL_BYTES,
    PIDS_CURRENT, PIDS_LIMIT, PIDS_ROOM,
    IO_READ_BYTES, IO_WRITE_BYTES, IO_READ_OPS, IO_WRITE_OPS,
    CPU_SOME_US, CPU_FULL_US, MEMORY_SOME_US, MEMORY_FULL_US, IO_SOME_US, IO_FULL_US,
    ELAPSED_US,
    SAMPLE_FIELDS,
};

/** Counters of the target's cgroup at one moment; a limit of -1 is none. */
struct sample {
    int64_t value[SAMPLE_FIELDS];
    uint64_t present;  /**< bit per field */
    char cpuset[1024]; /**< the CPUs that it may use, such as `0-3,8`; empty when that is not known, or too long */
};

static inline void sample_set(struct sample *sample, enum sample_field field, int64_t value) {
    sample->value[field] = value;
    sample->present |= (uint64_t)1 << field;
}
static inline bool sample_has(const struct sample *sample, enum sample_field field) { return (sample->present >> field & 1) != 0; }

void sample_read(struct sample *sample, const struct hierarchies *hierarchies);
/** OOM kills so far in the container's cgroup, or -1. */
int64_t sample_oom_kills(const struct hierarchies *hierarchies);
/** Appends the fields that are present to an open object. */
void sample_write(const struct sample *sample, struct json *json);
/** True when the target's cgroup is frozen: what is put into it would not run, nor (on v1) die. */
bool cgroup_is_frozen(const struct hierarchies *hierarchies);

#endif
