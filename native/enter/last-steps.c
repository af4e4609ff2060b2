/*
 * Shared by the shim (static programs) and the preload hook (dynamic ones): no libc here.
 *
 * The order is forced. mnt needs CAP_SYS_ADMIN and CAP_SYS_CHROOT of ours, so it precedes the credentials. Ids are set before the target's user
 * namespace is joined, because there they need a mapping and setgroups may be denied; joining it then needs the capabilities kept over setresuid. Joining
 * gives every capability of that namespace and a full bounding set, so the sets are lowered after it. A change of credentials that gives anything clears PDEATHSIG and dumpable
 * (commit_creds), one that only takes away does not.
 *
 * Filters come as runc has them: with no_new_privs as the very last, when a profile need allow nothing of all this; without it before the capabilities are laid down, since a filter takes
 * CAP_SYS_ADMIN then. Ours is first, because the target's may forbid to install one.
 */
#include "enter/last-steps.h"

#include "base/sys.h"
#include "enter/exec-filter.h"
#include "enter/filter.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <stdbool.h>

enum { SIGNAL_KILL = 9 };

static int failed_at(struct message *failed, enum step step, long result) {
    failed->kind = MESSAGE_FAILED;
    failed->step = (int32_t)step;
    failed->value = (int32_t)-result;
    return -1;
}

static long set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return sys2(__NR_capset, &header, data);
}

/** setresuid to another id empties the effective set; KEEPCAPS leaves the permitted one to raise it from. */
static long raise_all_permitted(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    long result = sys2(__NR_capget, &header, data);
    if (result < 0) {
        return result;
    }
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return sys2(__NR_capset, &header, data);
}

static int enter_root(const struct last_steps *plan, struct message *failed) {
    long result = plan->join_mnt ? sys2(__NR_setns, WORKLOAD_MNT, CLONE_NEWNS) : 0;
    if (result < 0) {
        return failed_at(failed, STEP_SETNS + 1, result);
    }
    /* The target's own root, which is not its mount namespace's when it was started with chroot. */
    result = sys1(__NR_fchdir, WORKLOAD_ROOT);
    if (result == 0) {
        result = sys1(__NR_chroot, ".");
    }
    return result < 0 ? failed_at(failed, STEP_ROOT, result) : 0;
}

static int take_ids(const struct last_steps *plan, struct message *failed) {
    sys5(__NR_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
    long result = sys2(__NR_setgroups, plan->group_count, plan->groups);
    if (result < 0) {
        return failed_at(failed, STEP_GROUPS, result);
    }
    result = sys3(__NR_setresgid, plan->gid[0], plan->gid[1], plan->gid[2]);
    if (result < 0) {
        return failed_at(failed, STEP_GID, result);
    }
    result = sys3(__NR_setresuid, plan->uid[0], plan->uid[1], plan->uid[2]);
    if (result < 0) {
        return failed_at(failed, STEP_UID, result);
    }
    result = raise_all_permitted();
    sys5(__NR_prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
    return result < 0 ? failed_at(failed, STEP_CAPABILITIES, result) : 0;
}

/** With its ids already: a server of files may let root in less far than others. */
static int enter_scratch(const struct last_steps *plan, struct message *failed) {
    long result = plan->use_scratch ? sys1(__NR_fchdir, WORKLOAD_SCRATCH) : 0;
    return result < 0 ? failed_at(failed, STEP_SCRATCH, result) : 0;
}

static int enter_user(const struct last_steps *plan, struct message *failed) {
    long result = plan->join_user ? sys2(__NR_setns, WORKLOAD_USER, CLONE_NEWUSER) : 0;
    return result < 0 ? failed_at(failed, STEP_SETNS + 0, result) : 0;
}

static int lower_bounding(const struct last_steps *plan, struct message *failed) {
    for (uint32_t capability = 0; capability <= plan->last_cap && capability < 64; capability++) {
        if ((plan->bounding >> capability & 1) == 0) {
            long result = sys5(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
            if (result < 0) {
                return failed_at(failed, STEP_BOUNDING, result);
            }
        }
    }
    sys5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return 0;
}

static int take_capabilities(const struct last_steps *plan, struct message *failed) {
    long result = set_capabilities(plan->effective, plan->permitted, plan->inheritable);
    if (result < 0) {
        return failed_at(failed, STEP_CAPABILITIES, result);
    }
    for (uint32_t capability = 0; capability < 64; capability++) {
        if ((plan->ambient >> capability & 1) != 0) {
            result = sys5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            if (result < 0) {
                return failed_at(failed, STEP_AMBIENT, result);
            }
        }
    }
    return 0;
}

static int set_no_new_privs(const struct last_steps *plan, struct message *failed) {
    long result = plan->no_new_privs ? sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
    return result < 0 ? failed_at(failed, STEP_NO_NEW_PRIVS, result) : 0;
}

/** The last that needs what is laid down next. */
static void end_with_parent(void) {
    sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGNAL_KILL, 0, 0, 0);
    sys5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    sys_close_from(WORKLOAD_HOOK, WORKLOAD_FDS - 1);
}

int take_credentials(const struct last_steps *plan, struct message *failed) {
    if (take_ids(plan, failed) < 0 || enter_user(plan, failed) < 0 || lower_bounding(plan, failed) < 0) {
        return -1;
    }
    end_with_parent();
    return take_capabilities(plan, failed) < 0 ? -1 : set_no_new_privs(plan, failed);
}

int take_last_steps(const struct last_steps *plan, struct message *failed) {
    if (enter_root(plan, failed) < 0 || take_ids(plan, failed) < 0 || enter_scratch(plan, failed) < 0 || enter_user(plan, failed) < 0 || lower_bounding(plan, failed) < 0) {
        return -1;
    }
    end_with_parent();
    return take_capabilities(plan, failed) < 0 ? -1 : set_no_new_privs(plan, failed);
}

/* --- the workload */

enum { NO_SIGNAL = 0x4000 /* MSG_NOSIGNAL */, ONLY_WRITE = 1 /* O_WRONLY */, AT_WORKING_DIRECTORY = -100, LOST = 125 };

/** write and read, and not sendto and recvfrom: there is hardly a filter that forbids these. SIGPIPE is blocked still. */
static void say(const struct message *message) { sys3(__NR_write, WORKLOAD_LINK, message, sizeof *message); }

__attribute__((noreturn)) static void give_up(const struct message *failed) {
    say(failed);
    sys_exit(LOST);
}

/** The file by which a process changes its AppArmor profile, opened where the agent's /proc is; what has opened it must be who writes. */
static int open_profile(const struct last_steps *plan) {
    if (plan->profile_length == 0) {
        return -1;
    }
    long fd = sys4(__NR_openat, AT_WORKING_DIRECTORY, "/proc/thread-self/attr/apparmor/current", ONLY_WRITE, 0);
    return (int)(fd >= 0 ? fd : sys4(__NR_openat, AT_WORKING_DIRECTORY, "/proc/thread-self/attr/current", ONLY_WRITE, 0));
}

/** By attr/current and not by attr/exec: the profile's rules about paths are for the programs of the target, and would stop ours, and its loader. */
static int change_profile(const struct last_steps *plan, int fd, struct message *failed) {
    if (plan->profile_length == 0) {
        return 0;
    }
    long result = sys3(__NR_write, fd, (const char *)plan + plan->profile_at, plan->profile_length);
    sys1(__NR_close, fd);
    return result != (long)plan->profile_length ? failed_at(failed, STEP_PROFILE, result < 0 ? result : -5 /* EIO */) : 0;
}

static int install_filters(const struct last_steps *plan, struct message *failed) {
    const struct sock_filter *target = (const struct sock_filter *)(const void *)((const char *)plan + plan->filter_at);
    long result = exec_filter_install(plan->exec_key);
    if (result < 0) {
        return failed_at(failed, STEP_OWN_FILTER, result);
    }
    result = plan->filter_count == 0 ? 0 : filter_install(target, (uint16_t)plan->filter_count);
    return result < 0 ? failed_at(failed, STEP_FILTER, result) : 0;
}

/** A filter may answer capset without having it done: the kernel is asked, into memory that says something else before. */
static int check_capabilities(const struct last_steps *plan, struct message *failed) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    long result = sys2(__NR_capget, &header, data);
    uint64_t effective = data[0].effective | (uint64_t)data[1].effective << 32;
    uint64_t permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    bool holds = result == 0 && effective == plan->effective && permitted == plan->permitted;
    return holds ? 0 : failed_at(failed, STEP_CAPABILITIES, result < 0 ? result : -1 /* EPERM */);
}

/** What a filter takes is one capability more than there is to be at last, which whoever has installed such a filter in the target had. */
static int lay_down_most(const struct last_steps *plan, struct message *failed) {
    uint64_t admin = UINT64_C(1) << 21; /* CAP_SYS_ADMIN */
    long result = set_capabilities(plan->effective | admin, plan->permitted | admin, plan->inheritable);
    return result < 0 ? failed_at(failed, STEP_CAPABILITIES, result) : 0;
}

static int confine(const struct last_steps *plan, int profile, struct message *failed) {
    if (!plan->no_new_privs) {
        /* The profile may forbid what a filter takes. */
        return lay_down_most(plan, failed) < 0 || install_filters(plan, failed) < 0 || change_profile(plan, profile, failed) < 0 || take_capabilities(plan, failed) < 0
                   ? -1
                   : check_capabilities(plan, failed);
    }
    return take_capabilities(plan, failed) < 0 || change_profile(plan, profile, failed) < 0 || set_no_new_privs(plan, failed) < 0 ? -1 : install_filters(plan, failed);
}

static int enter_and_lay_down(const struct last_steps *plan, struct message *failed) {
    int profile = open_profile(plan);
    if (enter_root(plan, failed) < 0 || take_ids(plan, failed) < 0 || enter_scratch(plan, failed) < 0 || enter_user(plan, failed) < 0 || lower_bounding(plan, failed) < 0) {
        return -1;
    }
    end_with_parent();
    return confine(plan, profile, failed);
}

/**
 * A libc keeps the id of its thread where it has told the kernel to clear it (glibc), or elsewhere too (musl, where it stays that of the maker: a number that nothing but locks compares): where it is found there, it is to be right in the
 * new process. NULL: it is not. Needs CONFIG_CHECKPOINT_RESTORE, as criu does.
 */
static int *own_thread_id(void) {
    int *kept = NULL;
    long self = sys0(__NR_gettid);
    return sys5(__NR_prctl, PR_GET_TID_ADDRESS, &kept, 0, 0, 0) == 0 && kept != NULL && *kept == self ? kept : NULL;
}

/** Waits for the supervisor's word; when that is gone, there is nothing to go on for. */
static void hold_for_go(void) {
    struct message message = {.kind = MESSAGE_READY};
    long received = 0;
    say(&message);
    do {
        received = sys3(__NR_read, WORKLOAD_LINK, &message, sizeof message);
    } while (received == -4 /* EINTR */);
    if (received != (long)sizeof message || message.kind != MESSAGE_GO) {
        sys_exit(LOST);
    }
}

void become_workload(const struct last_steps *plan) {
    struct message failed = {0};
    void *robust = NULL;
    unsigned long robust_size = 0;
    int *thread_id = own_thread_id();
    long result = sys3(__NR_get_robust_list, 0, &robust, &robust_size);
    if (enter_and_lay_down(plan, &failed) < 0) {
        give_up(&failed);
    }
    long pid = sys_fork_sibling(0, thread_id);
    if (pid < 0) {
        (void)failed_at(&failed, STEP_WORKLOAD, pid);
        give_up(&failed);
    }
    if (pid > 0) {
        const struct message made = {.kind = MESSAGE_WORKLOAD, .value = (int32_t)pid};
        say(&made);
        sys_exit(0);
    }
    /* Of a session and a process group of its own, by whose number a program may send signals to all that it has made. */
    sys0(__NR_setsid);
    if (result == 0 && robust != NULL) {
        /* A new process begins without one: its libc has given it away already. */
        sys2(__NR_set_robust_list, robust, robust_size);
    }
    hold_for_go();
}
