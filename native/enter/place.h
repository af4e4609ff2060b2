#ifndef NSEXEC_PLACE_H
#define NSEXEC_PLACE_H

#include "target/hierarchy.h"

#include <stdbool.h>
#include <stdint.h>

/** Where a process of ours is to be. */
enum place { PLACE_TARGET, PLACE_OUTSIDE /**< hierarchy.h, `outside`: nothing of the agent's container reaches it there */ };

/**
 * Clones a process with these flags of clone(2), if the kernel can, right into its v2 cgroup, and says in `in_v2`, of which the child has its copy, whether it could. That spares the
 * node a migration, for which no process of it may fork, execute or end. The pid, 0 in the child, or -errno: -EAGAIN too where the cgroup's pids limit is reached.
 */
pid_t place_clone(const struct hierarchies *hierarchies, enum place place, unsigned long flags, bool *in_v2);

/**
 * Moves the caller, which must have one thread, into that place of every hierarchy; of v2 unless it was cloned into it. 0, or -errno with `which` hierarchy refused it first; the
 * others have been entered then, as far as they let it.
 */
int place_self(const struct hierarchies *hierarchies, enum place place, bool in_v2, size_t *which);

/** Moves another process, by number: one that ends meanwhile is none of ours any more only when it has been reaped. What refuses it is passed over. */
void place_other_outside(const struct hierarchies *hierarchies, pid_t pid);

/** Why a hierarchy took no process of ours, in words. */
int place_refused(const struct hierarchy *hierarchy, int number, struct error *err);

/** How many processes of this pid namespace are in the target's cgroup. */
int place_count(const struct hierarchies *hierarchies, uint64_t pid_namespace);

/**
 * Thaws our processes by taking them out of a frozen v1 freezer cgroup, where they would not even die of KILL: those of this pid namespace, and one other that has not been reaped (0: none).
 */
void place_thaw(const struct hierarchies *hierarchies, uint64_t pid_namespace, pid_t other);

#endif
