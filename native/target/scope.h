#ifndef NSEXEC_SCOPE_H
#define NSEXEC_SCOPE_H

#include "target/hierarchy.h"

/** A container's own cgroup: with what is below it, it has the processes of the container and no others. Of a target by its pid: that process's. */
struct scope {
    const struct hierarchy *hierarchy; /**< v1's freezer where the container has a cgroup there, else v2 */
    size_t length;                     /**< so much of its path leads there */
    int cgroup;                        /**< the directory; -1: not open */
};

#define SCOPE_NONE ((struct scope){.cgroup = -1})

/** `by_pid`: the target has been named so. Fails with `cgroup` where the target has no cgroup that is its own: others would be hit. */
int scope_open(struct scope *scope, const struct hierarchies *hierarchies, bool by_pid, struct error *err);
/** Whether the process whose /proc directory this is, is in it or below it. One that is dying is not. */
bool scope_holds(const struct scope *scope, int proc);

#endif
