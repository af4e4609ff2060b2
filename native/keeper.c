#include "tree.h"

#include "link.h"
#include "place.h"
#include "sys.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/prctl.h>

void child_give_up(int link, enum step step, long result) {
    struct message failed = {.kind = MESSAGE_FAILED, .step = (int32_t)step, .value = (int32_t)-result};
    link_send(link, &failed, NULL, 0);
    sys_exit(EXIT_OWN_FAILURE);
}

/**
 * copy_pid_ns wants its caller to be *in* the namespace that its children are born into, and setns(2) moves only the children: so the keeper forks this one, which is in the
 * target's pid namespace, to make the init of a namespace nested there. create_pid_namespace wants the caller's user namespace to be the one that
 * owns the outer pid namespace, or one below it. CLONE_PARENT makes all of them children of the supervisor.
 */
__attribute__((noreturn)) static void nest(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:nest", 0, 0, 0);
    /* Once the supervisor knows the workload, nobody else holds its link: it closes when the workload goes on, and no later. */
    sys1(__NR_close, entry->workload_link);
    long result = entry->pid_owner < 0 ? 0 : sys2(__NR_setns, entry->pid_owner, CLONE_NEWUSER);
    if (result < 0) {
        child_give_up(entry->init_link, STEP_SETNS + NS_USER, result);
    }
    long pid = sys_fork(CLONE_PARENT | CLONE_NEWPID);
    if (pid < 0) {
        child_give_up(entry->init_link, STEP_NEWPID, pid);
    }
    if (pid == 0) {
        init_main(entry);
    }
    sys_exit(0);
}

/** Waits for the supervisor; when it is gone, so are we. */
static void await(const struct entry *entry, enum message_kind kind, struct arrival *arrival) {
    int result = link_wait(entry->init_link, arrival);
    if (result != 1 || arrival->message.kind != (uint32_t)kind) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

static long enter_pid_namespace(const struct entry *entry, int namespace, enum step step) {
    long result = sys2(__NR_setns, namespace, CLONE_NEWPID);
    if (result < 0) {
        child_give_up(entry->init_link, step, result);
    }
    return result;
}

void keeper_main(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:keeper", 0, 0, 0);
    /* As long as a child holds our ends, nobody sees the supervisor's death in them. */
    sys1(__NR_close, entry->supervisor_links[0]);
    sys1(__NR_close, entry->supervisor_links[1]);
    struct arrival arrival;
    await(entry, MESSAGE_PLACE, &arrival);
    size_t which = 0;
    int placed = place_self(entry->hierarchies, PLACE_TARGET, entry->in_v2, &which);
    if (placed < 0) {
        child_give_up(entry->init_link, (enum step)(STEP_PLACE + (int)which), placed);
    }
    enter_pid_namespace(entry, entry->namespaces->fd[NS_PID], STEP_SETNS + NS_PID);
    long pid = sys_fork(CLONE_PARENT);
    if (pid == 0) {
        nest(entry);
    }
    if (pid < 0) {
        child_give_up(entry->init_link, STEP_FORK, pid);
    }
    /* The workload is made from here and not by the init, which may be in the target's user namespace already: it needs our capabilities to enter. */
    await(entry, MESSAGE_NESTED, &arrival);
    enter_pid_namespace(entry, arrival.fds[0], STEP_NESTED);
    int pidfd = -1;
    pid = sys5(__NR_clone, CLONE_PARENT | CLONE_PIDFD | 17 /* SIGCHLD */, 0, &pidfd, 0, 0);
    if (pid == 0) {
        sys1(__NR_close, arrival.fds[0]);
        workload_main(entry);
    }
    if (pid < 0) {
        child_give_up(entry->init_link, STEP_FORK, pid);
    }
    sys1(__NR_close, entry->workload_link);
    const struct message workload = {.kind = MESSAGE_WORKLOAD, .value = (int32_t)pid};
    link_send(entry->init_link, &workload, &pidfd, 1);
    sys_exit(0);
}
