#ifndef NSEXEC_TREE_H
#define NSEXEC_TREE_H

#include "hierarchy.h"
#include "last-steps.h"
#include "namespaces.h"

#include <stdbool.h>
#include <sys/types.h>

/** What the children need to go in; all of it is made before the first of them, none of it is looked up by path afterwards. */
struct entry {
    const struct hierarchies *hierarchies; /**< the target's cgroups */
    bool in_v2;                            /**< the keeper was cloned into the one of v2 */
    const struct namespaces *namespaces; /**< the target's */
    struct namespaces own;               /**< inodes of the supervisor's, after it has joined PID 1's cgroup namespace */
    int pid_owner; /**< the user namespace that owns the target's pid namespace, or -1 when that is ours */
    const struct last_steps *steps;
    int root, scratch;
    int work; /**< the working directory */
    int program, hook, plan; /**< sealed memfds; the last two only for a dynamic program, else -1 */
    int null, output;        /**< /dev/null, and the shim's stderr */
    char **argv;
    char **environment;
    int init_link, workload_link; /**< the children's ends */
    int supervisor_links[2];      /**< our ends, for the children to close */
};

/**
 * The keeper: goes into every cgroup when it is told to, has the nested pid namespace made, makes the workload in it and ends. It stays in our pid
 * namespace, where the target cannot see it. README, step 9.
 */
__attribute__((noreturn)) void keeper_main(const struct entry *entry);

/** The init of the nested pid namespace: everything in it dies with it, and it dies with the supervisor. */
__attribute__((noreturn)) void init_main(const struct entry *entry);

/** The workload, up to its program. README, step 10. */
__attribute__((noreturn)) void workload_main(const struct entry *entry);

/** Says what failed and ends; for children only. */
__attribute__((noreturn)) void child_give_up(int link, enum step step, long result);

#endif
