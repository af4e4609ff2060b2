#ifndef NSEXEC_TREE_H
#define NSEXEC_TREE_H

#include "hierarchy.h"
#include "last-steps.h"
#include "target.h"

#include <sys/types.h>

/** What the children need to go in; all of it is made before the first of them, none of it is looked up by path afterwards. */
struct entry {
    const struct namespaces *namespaces; /**< the target's */
    struct namespaces own;               /**< inodes of the supervisor's, after it has joined PID 1's cgroup namespace */
    const struct last_steps *steps;
    int root, scratch;
    int program, hook, plan; /**< sealed memfds; the last two only for a dynamic program, else -1 */
    int null, output;        /**< /dev/null, and the shim's stderr */
    char **argv;
    char **environment;
    int init_link, workload_link; /**< the children's ends */
    int supervisor_links[2];      /**< our ends, for the children to close */
};

/** The keeper: waits until it is in every cgroup, joins the target's pid namespace, makes the init and ends. README, step 9. */
__attribute__((noreturn)) void keeper_main(const struct entry *entry);

/** The init of the nested pid namespace: makes the workload, reaps, reports the workload's end and ends with it. */
__attribute__((noreturn)) void init_main(const struct entry *entry);

/** The workload, up to its program. README, step 10. */
__attribute__((noreturn)) void workload_main(const struct entry *entry);

/** Says what failed and ends; for children only. */
__attribute__((noreturn)) void child_give_up(int link, enum step step, long result);

#endif
