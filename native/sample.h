#ifndef NSEXEC_SAMPLE_H
#define NSEXEC_SAMPLE_H

#include "hierarchy.h"
#include "json.h"

#include <stdint.h>

/** The fields of a sample, in the order of README. */
enum sample_field {
    CPU_USAGE_US, CPU_PERIODS, CPU_THROTTLED_PERIODS, CPU_THROTTLED_US, CPU_QUOTA_US, CPU_PERIOD_US,
    MEMORY_CURRENT_BYTES, MEMORY_LIMIT_BYTES, MEMORY_OOM_EVENTS, MEMORY_OOM_KILLS, MEMORY_OOM_GROUP, MEMORY_INACTIVE_FILE_BYTES,
    PIDS_CURRENT, PIDS_LIMIT,
    IO_READ_BYTES, IO_WRITE_BYTES, IO_READ_OPS, IO_WRITE_OPS,
    CPU_SOME_US, CPU_FULL_US, MEMORY_SOME_US, MEMORY_FULL_US, IO_SOME_US, IO_FULL_US,
    ELAPSED_US,
    SAMPLE_FIELDS,
};

/** Counters of the target's cgroup at one moment; a limit of -1 is none. */
struct sample {
    int64_t value[SAMPLE_FIELDS];
    uint32_t present; /**< bit per field */
};

void sample_read(struct sample *sample, const struct hierarchies *hierarchies);
/** OOM kills so far in the target's cgroup, or -1. */
int64_t sample_oom_kills(const struct hierarchies *hierarchies);
/** Appends the fields that are present to an open object. */
void sample_write(const struct sample *sample, struct json *json);
/** True when the target's cgroup is frozen: what is put into it would not run, nor (on v1) die. */
bool cgroup_is_frozen(const struct hierarchies *hierarchies);

#endif
