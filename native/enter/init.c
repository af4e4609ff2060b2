#include "enter/tree.h"

#include "base/sys.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <poll.h>
#include <time.h>

/** The init only waits, with no capability and none to regain. What the workload leaves behind becomes its child: SIGCHLD is ignored since before, so the kernel reaps it. */
static void lay_everything_down(int link) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    long result = sys2(__NR_capset, &header, none);
    result = result < 0 ? result : sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result < 0) {
        child_give_up(link, STEP_CAPABILITIES, result);
    }
    /* A change of credentials may have undone it. */
    sys5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void init_main(int link) {
    const struct message message = {.kind = MESSAGE_INIT};
    struct pollfd supervisor = {.fd = link, .events = 0};
    const struct timespec at_once = {0};
    sys5(__NR_prctl, PR_SET_NAME, "nsexec:init", 0, 0, 0);
    lay_everything_down(link);
    sys5(__NR_prctl, PR_SET_PDEATHSIG, 9 /* SIGKILL */, 0, 0, 0);
    /* Its end closes before that signal is looked at: one of the two is seen. */
    if (sys5(__NR_ppoll, &supervisor, 1, &at_once, 0, 0) != 0 || sys6(__NR_sendto, link, (long)&message, sizeof message, 0x4000 /* MSG_NOSIGNAL */, 0, 0) < 0) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    for (;;) {
        sys5(__NR_ppoll, 0, 0, 0, 0, 0);
    }
}
