#include "tree.h"

#include "link.h"
#include "sys.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

void child_give_up(int link, enum step step, long result) {
    struct message failed = {.kind = MESSAGE_FAILED, .step = (int32_t)step, .value = (int32_t)-result};
    link_send(link, &failed, NULL, 0);
    sys_exit(EXIT_OWN_FAILURE);
}

/*
 * copy_pid_ns wants the caller to be *in* the namespace that its children are born into, and setns(2) moves only the children: so the keeper, outside, forks a process that is in
 * the target's pid namespace, and that one forks the init of a namespace nested in it. CLONE_PARENT makes both of them children of the supervisor,
 * which thus reaps them, and whose death PR_SET_PDEATHSIG of the init means.
 */
__attribute__((noreturn)) static void nest(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:nest", 0, 0, 0);
    long pid = sys_fork(CLONE_PARENT | CLONE_NEWPID);
    if (pid < 0) {
        child_give_up(entry->init_link, STEP_NEWPID, pid);
    }
    if (pid == 0) {
        init_main(entry);
    }
    sys_exit(0);
}

void keeper_main(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:keeper", 0, 0, 0);
    /* As long as a child holds our ends, nobody sees the supervisor's death in them. */
    sys1(__NR_close, entry->supervisor_links[0]);
    sys1(__NR_close, entry->supervisor_links[1]);
    struct message message = {0};
    long got = sys6(__NR_recvfrom, entry->init_link, (long)&message, sizeof message, 0, 0, 0);
    if (got != (long)sizeof message || message.kind != MESSAGE_PLACED) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    long result = sys2(__NR_setns, entry->namespaces->fd[NS_PID], CLONE_NEWPID);
    if (result < 0) {
        child_give_up(entry->init_link, STEP_SETNS + NS_PID, result);
    }
    long pid = sys_fork(CLONE_PARENT);
    if (pid < 0) {
        child_give_up(entry->init_link, STEP_FORK, pid);
    }
    if (pid == 0) {
        nest(entry);
    }
    sys_exit(0);
}
