#ifndef NSEXEC_LAST_STEPS_H
#define NSEXEC_LAST_STEPS_H

#include "message.h"

#include <stdint.h>

/** Descriptors of the workload between its clone and its program; the preload hook knows them by number. */
enum workload_fd {
    WORKLOAD_LINK = 3, /**< SOCK_SEQPACKET to the supervisor */
    WORKLOAD_HOOK,     /**< the preload hook itself, for /proc/self/fd/4 */
    WORKLOAD_PLAN,     /**< struct last_steps, sealed */
    WORKLOAD_MNT,
    WORKLOAD_ROOT,
    WORKLOAD_SCRATCH,
    WORKLOAD_USER,
    WORKLOAD_FDS, /**< one past the last */
};

/** Linux's limit of supplementary groups (NGROUPS_MAX). */
enum { GROUPS_MAX = 65536 };

/** Everything the last steps need. Ids are those of the supervisor's user namespace: they are set before the target's is joined. */
struct last_steps {
    uint32_t size;                                          /**< of the whole, with the groups */
    uint8_t join_mnt, join_user, use_scratch, no_new_privs; /**< 0 or 1 */
    uint32_t uid[3], gid[3];                                /**< real, effective, saved */
    uint64_t inheritable, permitted, effective, bounding, ambient;
    uint32_t last_cap; /**< the highest capability of the running kernel */
    char name[16];     /**< comm: a program executed by descriptor would otherwise be called by its number */
    uint32_t group_count;
    uint32_t groups[];
};

/**
 * Enters the target's mount namespace, root and user namespace and takes on its credentials, with system calls only. What it needs
 * are the descriptors WORKLOAD_MNT … WORKLOAD_USER; all of them are closed when it returns 0. On failure -1, and `failed` says what.
 */
int take_last_steps(const struct last_steps *plan, struct message *failed);

/** Its second half, for who does not need the target's files: only WORKLOAD_USER is needed. */
int take_credentials(const struct last_steps *plan, struct message *failed);

/** Tells the supervisor that all is entered and waits for its word. 0 to go on, -1 when the supervisor is gone. */
int hold_for_go(void);

#endif
