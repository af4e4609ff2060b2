#ifndef NSEXEC_LAST_STEPS_H
#define NSEXEC_LAST_STEPS_H

#include "enter/message.h"

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
    /* What confines the workload besides its credentials: confinement.h. */
    uint64_t exec_key;    /**< the one execveat that its own filter lets pass carries this, a random number, as a sixth argument */
    uint32_t filter_at;   /**< where in these bytes the target's seccomp filter is, struct sock_filter[] */
    uint32_t filter_count; /**< its instructions; 0: it has none */
    uint32_t profile_at;  /**< where the name of the target's AppArmor profile is, as the kernel wants it written */
    uint32_t profile_length; /**< 0: it has none */
    uint32_t group_count;
    uint32_t groups[];
};

/**
 * For an errand: enters the target's mount namespace, root and user namespace and takes on its credentials, with system calls only. What it needs
 * are the descriptors WORKLOAD_MNT … WORKLOAD_USER; all of them are closed when it returns 0. On failure -1, and `failed` says what.
 */
int take_last_steps(const struct last_steps *plan, struct message *failed);

/** The half of it that is not about files: only WORKLOAD_USER is needed. */
int take_credentials(const struct last_steps *plan, struct message *failed);

/**
 * For the workload: as take_last_steps, and confined as well. Then it goes on in a process of its own, in the pid namespace that its maker has set for its children: returns there alone,
 * when the supervisor says GO, and ends the caller. On failure too it says so and ends.
 */
void become_workload(const struct last_steps *plan);

#endif
