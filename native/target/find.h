#ifndef NSEXEC_FIND_H
#define NSEXEC_FIND_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * The pid and start of a container's first process: of those that a component of /proc/PID/cgroup names it, and whose parent is outside,
 * the one that started first. Fails with `no-container` when there is none, or none yet but the runtime that makes it, or when two different cgroups carry the id.
 * To be called in the cgroup namespace of PID 1: from another one the hierarchies may not be seen as a whole, and every process of the node is looked at.
 */
int find_container(const char *id, pid_t *pid, uint64_t *start_ticks, struct error *err);

/** True when the process whose /proc directory this is belongs to the container. */
bool process_in_container(int proc, const char *id);

#endif
