/* The way to a pid namespace within the target's: tree.h. System calls only, since the filter leaves libc none. */
#include "enter/tree.h"

#include "base/descriptors.h"
#include "base/sys.h"
#include "enter/harmless.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>

__attribute__((noreturn)) static void nest(int link) {
    sys5(__NR_prctl, PR_SET_NAME, "nsexec:nest", 0, 0, 0);
    long pid = sys_fork_sibling(CLONE_NEWPID, NULL);
    if (pid < 0) {
        child_give_up(link, STEP_NEWPID, pid);
    }
    if (pid == 0) {
        init_main(link);
    }
    sys_exit(0);
}

/** The target's files: what /proc tells of nest and init leads nowhere else. */
static void enter_files(const struct entry *entry) {
    long result = entry->steps->join_mnt ? sys2(__NR_setns, entry->namespaces->fd[NS_MNT], CLONE_NEWNS) : 0;
    if (result < 0) {
        child_give_up(entry->link, STEP_SETNS + NS_MNT, result);
    }
    result = sys1(__NR_fchdir, entry->root);
    result = result < 0 ? result : sys1(__NR_chroot, ".");
    if (result < 0) {
        child_give_up(entry->link, STEP_ROOT, result);
    }
}

/** CAP_SYS_ADMIN: for the filter, and for the pid namespace. */
static void keep_one_capability(int link, uint32_t last_cap) {
    enum { SYS_ADMIN = 21 };
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct one[2] = {{.effective = 1U << SYS_ADMIN, .permitted = 1U << SYS_ADMIN}, {0}};
    for (uint32_t capability = 0; capability <= last_cap; capability++) {
        sys5(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    long result = sys2(__NR_capset, &header, one);
    if (result < 0) {
        child_give_up(link, STEP_CAPABILITIES, result);
    }
}

void nester_main(const struct entry *entry) {
    int link = entry->link;
    sys5(__NR_prctl, PR_SET_NAME, "nsexec:nester", 0, 0, 0);
    child_end_with_supervisor(entry);
    child_await_go(link);
    sys0(__NR_setsid);
    child_join_early(entry);
    enter_files(entry);
    /* init ignores it: the kernel reaps for it what is left to it. */
    sys_ignore(SIGCHLD);
    /* For its children. */
    long result = sys2(__NR_setns, entry->namespaces->fd[NS_PID], CLONE_NEWPID);
    if (result < 0) {
        child_give_up(link, STEP_SETNS + NS_PID, result);
    }
    /* create_pid_namespace wants the caller's user namespace to be the one that owns the outer pid namespace, or one below it. */
    result = entry->pid_owner < 0 ? 0 : sys2(__NR_setns, entry->pid_owner, CLONE_NEWUSER);
    if (result < 0) {
        child_give_up(link, STEP_SETNS + NS_USER, result);
    }
    /* Another user namespace has made it dumpable again, perhaps. */
    sys5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    close_all_but(0, &link, 1);
    keep_one_capability(link, entry->steps->last_cap);
    result = become_harmless();
    if (result < 0) {
        child_give_up(link, STEP_HARMLESS, result);
    }
    long pid = sys_fork_sibling(0, NULL);
    if (pid < 0) {
        child_give_up(link, STEP_FORK, pid);
    }
    if (pid == 0) {
        nest(link);
    }
    sys_exit(0);
}
