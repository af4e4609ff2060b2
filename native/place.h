#ifndef NSEXEC_PLACE_H
#define NSEXEC_PLACE_H

#include "hierarchy.h"

#include <stdint.h>

/** Clones the keeper, if the kernel can, right into the target's v2 cgroup. The pid, 0 in the child, or -1. */
pid_t place_clone(const struct hierarchies *hierarchies, struct error *err);

/** Moves a process of ours into the target's cgroup of every hierarchy where it is not there already. */
int place_move(const struct hierarchies *hierarchies, pid_t pid, struct error *err);

/** How many processes of this pid namespace are in the target's cgroup. */
int place_count(const struct hierarchies *hierarchies, uint64_t pid_namespace);

/** Thaws our processes by taking them out of a frozen v1 freezer cgroup: frozen, they would not even die of KILL. */
void place_thaw(const struct hierarchies *hierarchies, uint64_t pid_namespace);

#endif
