#ifndef NSEXEC_TARGET_H
#define NSEXEC_TARGET_H

#include "base/error.h"
#include "options.h"
#include "proc/proc.h"
#include "target/namespaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** The container's first process, held by descriptors that never come to mean another one. */
struct target {
    pid_t pid;
    int pidfd;
    int proc; /**< /proc/PID: reads through it fail with ESRCH once the process is gone */
    int root; /**< O_PATH of its root directory */
    uint64_t start_ticks;
    char comm[64];
    struct namespaces namespaces;
    struct status status; /**< its groups point into status_text */
    char *status_text;
    int64_t oom_score_adj;
    uint32_t root_uid, root_gid; /**< where 0 of its user namespace lies in ours */
    bool has_root_ids;
};

#define TARGET_NONE ((struct target){.pidfd = -1, .proc = -1, .root = -1, .namespaces = {{-1, -1, -1, -1, -1, -1, -1, -1}, {0}}})

/** Finds the process and holds it (README, steps 4 and 5); `own` are the inodes of our namespaces. */
int target_hold(struct target *target, const struct options *options, const struct namespaces *own, struct error *err);
/** Fails when its credentials are not those any more that target_hold read: it has laid something down meanwhile, or is another program. */
int target_check_credentials(const struct target *target, struct error *err);
/** True once the process has ended. */
bool target_is_gone(const struct target *target);
/** Drops what only the way in needed. What pins the target's file systems and namespaces is not kept while it runs. */
void target_forget_entrances(struct target *target);
void target_close(struct target *target);

#endif
