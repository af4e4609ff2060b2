/* What the children that enter have in common, and the one that makes the workload: tree.h. */
#include "enter/tree.h"

#include "base/sys.h"
#include "enter/link.h"
#include "enter/place.h"

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

void child_give_up(int link, enum step step, long result) {
    const struct message failed = {.kind = MESSAGE_FAILED, .step = (int32_t)step, .value = (int32_t)-result};
    sys6(__NR_sendto, link, (long)&failed, sizeof failed, MSG_NOSIGNAL, 0, 0);
    sys_exit(EXIT_OWN_FAILURE);
}

void child_end_with_supervisor(const struct entry *entry) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* As long as a child holds our ends, nobody sees the supervisor's death in them. */
    for (int i = 0; i < 2; i++) {
        if (entry->supervisor_links[i] >= 0) {
            close(entry->supervisor_links[i]);
        }
    }
    struct pollfd supervisor = {.fd = entry->link, .events = 0};
    if (poll(&supervisor, 1, 0) != 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

void child_await_go(int link) {
    struct arrival arrival;
    if (link_wait(link, &arrival) != 1 || arrival.message.kind != MESSAGE_GO) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

/*
 * They need CAP_SYS_ADMIN over the user namespace that owns them, which ours has over every one below it, so the target's user namespace can wait until the last.
 */
void child_join_early(const struct entry *entry) {
    static const enum namespace_index early[] = {NS_IPC, NS_UTS, NS_NET, NS_CGROUP, NS_TIME};
    for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
        enum namespace_index kind = early[i];
        if (entry->namespaces->fd[kind] >= 0 && entry->namespaces->inode[kind] != entry->own.inode[kind]) {
            long result = sys2(__NR_setns, entry->namespaces->fd[kind], namespace_kinds[kind].flag);
            if (result < 0) {
                child_give_up(entry->link, STEP_SETNS + kind, result);
            }
        }
    }
}

void keeper_main(const struct entry *entry) {
    size_t which = 0;
    prctl(PR_SET_NAME, "nsexec:keeper", 0, 0, 0);
    child_end_with_supervisor(entry);
    child_await_go(entry->link);
    int placed = place_self(entry->hierarchies, PLACE_TARGET, entry->in_v2, &which);
    if (placed < 0) {
        child_give_up(entry->link, (enum step)(STEP_PLACE + (int)which), placed);
    }
    child_join_early(entry);
    /* For the workload, its child. */
    long result = sys2(__NR_setns, entry->nested, CLONE_NEWPID);
    if (result < 0) {
        child_give_up(entry->link, STEP_NESTED, result);
    }
    workload_main(entry);
}
