#include "tree.h"

#include "link.h"
#include "sys.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/wait.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

/** The supervisor may have died before PR_SET_PDEATHSIG: its end of the link is closed before that signal is looked at, so one of the two is seen. */
static void end_with_supervisor(int link) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct pollfd supervisor = {.fd = link, .events = 0};
    if (poll(&supervisor, 1, 0) != 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

/**
 * From here on the init only waits. A target with CAP_SYS_PTRACE in our user namespace could take it over for as long as it lives, so it keeps nothing worth that: an
 * empty root directory, no capability, none to regain, one socket.
 */
static void lay_everything_down(const struct entry *entry) {
    sys1(__NR_fchdir, entry->scratch);
    sys1(__NR_chroot, ".");
    for (unsigned int capability = 0; capability <= entry->steps->last_cap; capability++) {
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    sys2(__NR_capset, &header, none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    unsigned int link = (unsigned int)entry->init_link;
    if (link > 0) {
        sys_close_from(0, link - 1);
    }
    sys_close_from(link + 1, ~0U);
}

static void announce(const struct entry *entry, long workload) {
    long init_fd = sys2(__NR_pidfd_open, 1, 0);
    long workload_fd = sys2(__NR_pidfd_open, workload, 0);
    if (init_fd < 0 || workload_fd < 0) {
        child_give_up(entry->init_link, STEP_PIDFD, init_fd < 0 ? init_fd : workload_fd);
    }
    const struct message message = {.kind = MESSAGE_TREE};
    const int fds[] = {(int)init_fd, (int)workload_fd};
    if (link_send(entry->init_link, &message, fds, 2) < 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
}

void init_main(const struct entry *entry) {
    prctl(PR_SET_NAME, "nsexec:init", 0, 0, 0);
    end_with_supervisor(entry->init_link);
    long workload = sys_fork(0);
    if (workload < 0) {
        child_give_up(entry->init_link, STEP_FORK, workload);
    }
    if (workload == 0) {
        sys1(__NR_close, entry->init_link);
        workload_main(entry);
    }
    announce(entry, workload);
    lay_everything_down(entry);
    for (;;) {
        int status = 0;
        long pid = sys4(__NR_wait4, -1, &status, __WALL, 0);
        if (pid == workload) {
            /* With us the kernel ends whatever the workload has left behind in this namespace. */
            const struct message message = {.kind = MESSAGE_STATUS, .value = status};
            link_send(entry->init_link, &message, NULL, 0);
            sys_exit(0);
        }
        if (pid < 0 && pid != -EINTR) {
            sys_exit(EXIT_OWN_FAILURE);
        }
    }
}
