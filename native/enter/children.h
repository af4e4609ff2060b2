#ifndef NSEXEC_CHILDREN_H
#define NSEXEC_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * The shim's own children, each in a slot with its name. A workload may make further children of the shim (CLONE_PARENT), as many as it likes: they are reaped and forgotten.
 * What is waited for or killed is known by its slot and by a pidfd, never by a number that may be somebody else's by then.
 */
enum child_name {
    CHILD_GUARDIAN,
    CHILD_ERRAND,
    CHILD_NESTER, /**< tree.h has the picture of them */
    CHILD_NEST,
    CHILD_INIT,
    CHILD_KEEPER,
    CHILD_WORKLOAD,
    CHILD_NAMES
};

struct child {
    pid_t pid; /**< 0: there has been none */
    int pidfd; /**< -1: as pid 0, or it has been forgotten */
    int status; /**< as of waitpid(2), once it has ended */
    bool ended;
};

struct children {
    struct child slot[CHILD_NAMES];
    bool traced; /**< nester, nest and init are, by us: tracing.h */
    bool more;   /**< there is more to be reaped than one look takes */
};

#define CHILD_NONE {.pidfd = -1}
#define CHILDREN_NONE ((struct children){.slot = {CHILD_NONE, CHILD_NONE, CHILD_NONE, CHILD_NONE, CHILD_NONE, CHILD_NONE, CHILD_NONE}})

/** Puts a child of ours that has not been reaped into its slot. 0, or -errno: -ECHILD when it is no child of ours, -EEXIST when it is in a slot already. */
int children_expect(struct children *children, enum child_name name, pid_t pid);
/** Whether it has ended, and then its wait status; `status` is otherwise left alone. False too when there has been none. */
bool child_ended(const struct children *children, enum child_name name, int *status);
/** There is none, or it has ended. */
bool child_is_gone(const struct children *children, enum child_name name);
/** Sends a signal, if it is there. */
void child_signal(const struct children *children, enum child_name name, int number);
/** Takes note of every child that has ended, and lets go on what a trace has stopped. */
void children_reap(struct children *children);
/**
 * KILLs every child of ours that is in no slot and lives in this pid namespace, or in one right below it, by their inodes: what a target has kept from saying that it is there. How many
 * there were. `own` is our pid namespace: below that there are errands.
 */
int children_kill_strays(const struct children *children, uint64_t pid_namespace, uint64_t own);
void children_close(struct children *children);

#endif
