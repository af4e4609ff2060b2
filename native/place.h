#ifndef NSEXEC_PLACE_H
#define NSEXEC_PLACE_H

#include "hierarchy.h"

#include <stdbool.h>
#include <stdint.h>

/** Where a process of ours is to be. */
enum place { PLACE_TARGET, PLACE_OUTSIDE /**< in the root cgroups, where nothing of the agent's container reaches it */ };

/** Clones a process, if the kernel can, right into its v2 cgroup, and says whether it could. The pid, 0 in the child, or -1. */
pid_t place_clone(const struct hierarchies *hierarchies, enum place place, bool *in_v2, struct error *err);

/**
 * Moves the caller, which must have one thread, into the target's cgroup of every hierarchy; of v2 unless it was cloned into that. 0, or -errno with `which`
 * hierarchy refused it.
 */
int place_self(const struct hierarchies *hierarchies, bool in_v2, size_t *which);

/** Moves the caller, which must have one thread, into the root cgroup of every hierarchy; of v2 unless it was cloned into that. False when one of them refused. */
bool place_outside(const struct hierarchies *hierarchies, bool in_v2);

/** Why a hierarchy took no process of ours, in words. */
int place_refused(const struct hierarchy *hierarchy, int number, struct error *err);

/** How many processes of this pid namespace are in the target's cgroup. */
int place_count(const struct hierarchies *hierarchies, uint64_t pid_namespace);

/** Thaws our processes by taking them out of a frozen v1 freezer cgroup: frozen, they would not even die of KILL. */
void place_thaw(const struct hierarchies *hierarchies, uint64_t pid_namespace);

#endif
