#include "enter/tree.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "enter/tool-root.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* Above every slot of enum workload_fd, so that putting one into its place never closes another. */
enum { PARKING = 32 };

static int park(int fd, int link) {
    if (fd < 0) {
        return -1;
    }
    int parked = fcntl(fd, F_DUPFD_CLOEXEC, PARKING);
    if (parked < 0) {
        child_give_up(link, STEP_DESCRIPTORS, -errno);
    }
    return parked;
}

/** Puts every descriptor into its place and closes all others. Returns the program's. */
static int arrange(const struct entry *entry, int link) {
    const int wanted[WORKLOAD_FDS] = {
        [0] = park(entry->null, link),
        [1] = park(entry->output, link),
        [2] = park(entry->output, link),
        [WORKLOAD_LINK] = park(link, link),
        [WORKLOAD_HOOK] = park(entry->hook, link),
        [WORKLOAD_PLAN] = park(entry->plan, link),
        [WORKLOAD_MNT] = entry->steps->join_mnt ? park(entry->namespaces->fd[NS_MNT], link) : -1,
        [WORKLOAD_ROOT] = park(entry->root, link),
        [WORKLOAD_SCRATCH] = entry->steps->use_scratch ? park(entry->work, link) : -1,
        [WORKLOAD_USER] = entry->steps->join_user ? park(entry->namespaces->fd[NS_USER], link) : -1,
    };
    int program = park(entry->program, link);
    sys_close_from(0, PARKING - 1);
    for (int slot = 0; slot < WORKLOAD_FDS; slot++) {
        /* A dynamic program keeps them over execve, for its hook; a static one must not. */
        int flags = slot < WORKLOAD_LINK || entry->hook >= 0 ? 0 : O_CLOEXEC;
        if (wanted[slot] >= 0 && sys3(__NR_dup3, wanted[slot], slot, flags) < 0) {
            sys_exit(EXIT_OWN_FAILURE);
        }
    }
    unsigned int kept = (unsigned int)program;
    sys_close_from(PARKING, kept - 1);
    sys_close_from(kept + 1, ~0U);
    return program;
}

/** `key`: exec-filter.h. */
__attribute__((noreturn)) static void execute(const struct entry *entry, int program, uint64_t key) {
    long result = sys6(__NR_execveat, program, (long)"", (long)entry->argv, (long)entry->environment, AT_EMPTY_PATH, (long)key);
    child_give_up(WORKLOAD_LINK, STEP_EXEC, result);
}

void workload_main(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:enter", 0, 0, 0);
    /* Out of the agent's, before the target sees it. */
    sys0(__NR_setsid);
    umask(022);
    /* The kernel looks for the loader of a program, and that for its libraries, in the root of who executes it. */
    int result = entry->tool_root < 0 ? 0 : tool_root_enter(entry->tool_root);
    if (result < 0) {
        child_give_up(entry->link, STEP_TOOLS, result);
    }
    int program = arrange(entry, entry->link);
    if (entry->hook >= 0) {
        execute(entry, program, 0);
    }
    become_workload(entry->steps);
    uint64_t none = 0;
    sys4(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, sizeof none);
    execute(entry, program, entry->steps->exec_key);
}
