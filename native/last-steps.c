/*
 * Shared by the shim (static programs) and the preload hook (dynamic ones): no libc here.
 *
 * The order is forced. mnt needs CAP_SYS_ADMIN and CAP_SYS_CHROOT of ours, so it precedes the credentials. Ids are set before the target's user
 * namespace is joined, because there they need a mapping and setgroups may be denied; joining it then needs the capabilities kept over setresuid. Joining
 * gives every capability of that namespace and a full bounding set, so the sets are lowered after it. A change of credentials clears
 * PDEATHSIG (commit_creds) and resets dumpable, so these are last.
 */
#include "last-steps.h"

#include "sys.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>

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
    return result < 0 ? failed_at(failed, STEP_CAPABILITIES, result) : 0;
}

static int take_capabilities(const struct last_steps *plan, struct message *failed) {
    for (uint32_t capability = 0; capability <= plan->last_cap && capability < 64; capability++) {
        if ((plan->bounding >> capability & 1) == 0) {
            long result = sys5(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
            if (result < 0) {
                return failed_at(failed, STEP_BOUNDING, result);
            }
        }
    }
    sys5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
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
    sys5(__NR_prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
    result = plan->no_new_privs ? sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
    return result < 0 ? failed_at(failed, STEP_NO_NEW_PRIVS, result) : 0;
}

/** With its ids already: a server of files may let root in less far than others. */
static int enter_scratch(const struct last_steps *plan, struct message *failed) {
    long result = plan->use_scratch ? sys1(__NR_fchdir, WORKLOAD_SCRATCH) : 0;
    return result < 0 ? failed_at(failed, STEP_SCRATCH, result) : 0;
}

static int take_all_but_ids(const struct last_steps *plan, struct message *failed) {
    if (plan->join_user) {
        long result = sys2(__NR_setns, WORKLOAD_USER, CLONE_NEWUSER);
        if (result < 0) {
            return failed_at(failed, STEP_SETNS + 0, result);
        }
    }
    if (take_capabilities(plan, failed) < 0) {
        return -1;
    }
    sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGNAL_KILL, 0, 0, 0);
    sys5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    sys_close_from(WORKLOAD_HOOK, WORKLOAD_FDS - 1);
    return 0;
}

int take_last_steps(const struct last_steps *plan, struct message *failed) {
    return enter_root(plan, failed) < 0 || take_ids(plan, failed) < 0 || enter_scratch(plan, failed) < 0 ? -1 : take_all_but_ids(plan, failed);
}

int take_credentials(const struct last_steps *plan, struct message *failed) { return take_ids(plan, failed) < 0 ? -1 : take_all_but_ids(plan, failed); }

int hold_for_go(void) {
    struct message message = {.kind = MESSAGE_READY};
    if (sys6(__NR_sendto, WORKLOAD_LINK, (long)&message, sizeof message, 0x4000 /* MSG_NOSIGNAL */, 0, 0) < 0) {
        return -1;
    }
    long received = 0;
    do {
        received = sys6(__NR_recvfrom, WORKLOAD_LINK, (long)&message, sizeof message, 0, 0, 0);
    } while (received == -4 /* EINTR */);
    return received == (long)sizeof message && message.kind == MESSAGE_GO ? 0 : -1;
}
