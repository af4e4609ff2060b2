#include "tree.h"

#include "link.h"
#include "sys.h"

#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/** The supervisor may have died before PR_SET_PDEATHSIG: its end of the link is closed before that signal is looked at, so one of the two is seen. */
static void end_with_supervisor(int link) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct pollfd supervisor = {.fd = link, .events = 0};
    if (poll(&supervisor, 1, 0) != 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

/**
 * The init only waits. A target with CAP_SYS_PTRACE in our user namespace could take it over for as long as it lives, so it keeps nothing worth that: an
 * empty root directory, no capability and none to regain, one socket.
 */
static void lay_everything_down(const struct entry *entry) {
    long result = sys1(__NR_fchdir, entry->scratch);
    result = result < 0 ? result : sys1(__NR_chroot, ".");
    if (result < 0) {
        child_give_up(entry->init_link, STEP_EMPTY_ROOT, result);
    }
    for (unsigned int capability = 0; capability <= entry->steps->last_cap; capability++) {
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    result = sys2(__NR_capset, &header, none);
    result = result < 0 ? result : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result < 0) {
        child_give_up(entry->init_link, STEP_CAPABILITIES, result);
    }
    /* A change of credentials may have undone both. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    end_with_supervisor(entry->init_link);
    unsigned int link = (unsigned int)entry->init_link;
    if (link > 0) {
        sys_close_from(0, link - 1);
    }
    sys_close_from(link + 1, ~0U);
}

void init_main(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:init", 0, 0, 0);
    end_with_supervisor(entry->init_link);
    lay_everything_down(entry);
    /* What the workload leaves behind becomes our child; with SIGCHLD ignored the kernel reaps it. */
    signal(SIGCHLD, SIG_IGN);
    int pidfd = (int)sys2(__NR_pidfd_open, 1, 0);
    if (pidfd < 0) {
        child_give_up(entry->init_link, STEP_PIDFD, pidfd);
    }
    const struct message message = {.kind = MESSAGE_INIT};
    if (link_send(entry->init_link, &message, &pidfd, 1) < 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    sys1(__NR_close, pidfd);
    for (;;) {
        pause();
    }
}
