#ifndef NSEXEC_SAMPLE_LIMITS_H
#define NSEXEC_SAMPLE_LIMITS_H

#include "target/levels.h"
#include "target/sample.h"

/* The fields of a sample that are limits, and what is left within them, over the target's cgroup and those above it. NULL: there is no such hierarchy. */

/** The tightest quota, and in `level` the cgroup that it is of: the target's own where there is none. False when that cannot be looked at. */
bool sample_quota(struct sample *sample, const struct hierarchy *cpu, struct level *level);
void sample_memory_limits(struct sample *sample, const struct hierarchy *memory);
void sample_swap(struct sample *sample, const struct hierarchy *memory);
void sample_pids_limits(struct sample *sample, const struct hierarchy *pids);
void sample_cpuset(struct sample *sample, const struct hierarchy *cpuset);

#endif
