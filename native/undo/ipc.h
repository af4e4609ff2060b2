#ifndef NSEXEC_IPC_H
#define NSEXEC_IPC_H

#include "run.h"

/*
 * What a workload may leave in the target's IPC namespace, where it outlives every process: System V shared memory, semaphores and message queues, and POSIX message queues.
 *
 * The kernel keeps for each segment of shared memory who made it, and shows that as it is called in the pid namespace of who opened the list: 0 for whoever is not in
 * it. So the list is opened from inside the workload's own pid namespace, before the workload runs: what it names there once all are dead is ours, for certain, and
 * goes. Of the others nobody knows who made them; those that are new are named, and left.
 */

/* Of more it is not tried to tell what is new. */
enum { IPC_MAX = 4096, IPC_NAMES_BYTES = 8192 };

struct ipc_ids {
    int *item;
    size_t count;
    uint64_t bytes;
};

/** The names of POSIX message queues, each with its NUL. */
struct ipc_names {
    char text[IPC_NAMES_BYTES];
    size_t length;
};

enum ipc_list { IPC_SHM, IPC_SEM, IPC_MSG, IPC_QUEUES, IPC_LISTS };

struct ipc {
    int namespace; /**< the target's; -1: nothing has been looked at */
    int list[IPC_LISTS]; /**< of /proc/sysvipc, and a mount of the queues; -1: there is none, or it could not be opened */
    struct ipc_ids before[IPC_LISTS];
    struct ipc_names queues;
};

#define IPC_NONE ((struct ipc){.namespace = -1, .list = {-1, -1, -1, -1}})

/** Before the workload goes on into its program: remembers what is there. Where that fails it is warned of. */
void ipc_remember(struct run *run);
/** After its end: removes what it has made, and names what it may have. Fails when something that is its own is left. */
int ipc_clear(struct run *run, struct error *err);
void ipc_close(struct ipc *ipc);

#endif
