#include "enter/harmless.h"

#include "enter/filter.h"

#include <errno.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* What nest and init do. sendto and not sendmsg: with that, a capability would let it forge whose message it is. */
long become_harmless(void) {
    enum { SIBLING = CLONE_PARENT | 17 /* SIGCHLD */ };
    static const struct sock_filter filter[] = {
        FILTER_LOAD(arch), FILTER_IS(FILTER_ARCHITECTURE, 1, 0), FILTER_REFUSE(EPERM),
        FILTER_LOAD(nr), FILTER_ALLOW_SANITIZER
        FILTER_ALLOW_IF(__NR_sendto), FILTER_ALLOW_IF(__NR_ppoll), FILTER_ALLOW_IF(__NR_capset), FILTER_ALLOW_IF(__NR_exit_group),
        FILTER_IS(__NR_clone, 0, 5),
        FILTER_LOAD_LOW(0), FILTER_IS(SIBLING, 1, 0), FILTER_IS(SIBLING | CLONE_NEWPID, 0, 1), FILTER_ALLOW, FILTER_REFUSE(EPERM),
        FILTER_IS(__NR_prctl, 0, 9),
        FILTER_LOAD_LOW(0), FILTER_ALLOW_IF(PR_SET_NAME), FILTER_ALLOW_IF(PR_SET_PDEATHSIG), FILTER_ALLOW_IF(PR_SET_DUMPABLE), FILTER_ALLOW_IF(PR_SET_NO_NEW_PRIVS),
        FILTER_REFUSE(EPERM),
    };
    return filter_install(filter, sizeof filter / sizeof *filter);
}

/* sendmsg hands the list over; without a capability nobody can say with it that he is another. */
long become_harmless_opener(void) {
    static const struct sock_filter filter[] = {
        FILTER_LOAD(arch), FILTER_IS(FILTER_ARCHITECTURE, 1, 0), FILTER_REFUSE(EPERM),
        FILTER_LOAD(nr), FILTER_ALLOW_SANITIZER
        FILTER_ALLOW_IF(__NR_openat), FILTER_ALLOW_IF(__NR_sendmsg), FILTER_ALLOW_IF(__NR_ppoll), FILTER_ALLOW_IF(__NR_pidfd_send_signal), FILTER_ALLOW_IF(__NR_exit_group),
        FILTER_IS(__NR_clone, 0, 4),
        FILTER_LOAD_LOW(0), FILTER_IS(CLONE_PIDFD | 17 /* SIGCHLD */, 0, 1), FILTER_ALLOW, FILTER_REFUSE(EPERM),
        FILTER_IS(__NR_prctl, 0, 5),
        FILTER_LOAD_LOW(0), FILTER_ALLOW_IF(PR_SET_NAME), FILTER_ALLOW_IF(PR_SET_PDEATHSIG),
        FILTER_REFUSE(EPERM),
    };
    return filter_install(filter, sizeof filter / sizeof *filter);
}
