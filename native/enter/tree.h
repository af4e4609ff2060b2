#ifndef NSEXEC_TREE_H
#define NSEXEC_TREE_H

/*
 * The processes of a run.
 *
 *     shim ─┬─ nester ──▶ nest ──▶ init          who is made by whom; the parent of all of them is the shim (CLONE_PARENT), which reaps and kills them
 *           └─ keeper ─────────▶ workload
 *
 *              pid namespace   cgroups       other namespaces     what it may do                                it ends
 *     shim     the node's      the agent's   the agent's          everything                                    when all of these have
 *     nester   the node's      the agent's   the target's         everything, then what nest may                when nest is made
 *     nest     the target's    the agent's   the target's         six system calls (harmless.h), CAP_SYS_ADMIN  when init is made
 *     init     nested          the agent's   the target's         the same, without any capability              by KILL, at the end, or with the shim
 *     keeper   the node's      the target's  those of the target  everything, then what the workload may        when the workload is made
 *     workload nested          the target's  those of the target  what the target may, under its confinement    at the end; with init, whatever happens
 *
 * What the target can see (nest, init, workload: they are in its pid namespace or below it) has from its first instruction on nothing that the target has not: a process gets
 * its place in a pid namespace when it is made, and so each is made last, by one that the target cannot see and that has laid down everything before. nest is needed because a pid
 * namespace can be nested only by a process that is in the outer one (copy_pid_ns of the kernel); it has the one capability that this needs, of no use to who writes into its memory, since
 * a seccomp filter leaves it nothing else to use it for. nester, nest and init are traced by the shim (tracing.h): nobody else can, and the kernel kills them with it.
 *
 * Who dies with whom: keeper and init ask for KILL at the shim's death (PR_SET_PDEATHSIG) and then look whether it is still there, by its end of their link. The kernel kills all that is
 * in a pid namespace with its init: so the workload, whatever it forks and whoever stops it, ends with init, and is there only after init has said that it will die with us.
 *
 * Links are pairs of SOCK_SEQPACKET. init_link: nester, nest and init have the other end; workload_link: keeper and workload have it. Neither end is proof of anything, since who may trace
 * a process may take a copy of its descriptors (pidfd_getfd): the sender's pid, which the kernel adds, must be that of a child of ours.
 *
 * The root directory: shim, and what it makes for a moment, are in the image's that it is started in. The keeper is in it too, but for a program that comes from a toolbox: before it executes
 * that, it enters the root of the tools (tool-root.h), where the kernel finds the loader, and that the libraries. nester and the workload leave both for the target's.
 *
 * The synchronisations: nester waits for GO so that it can be traced before it makes anything. keeper waits for GO so that its oom_score_adj is set from outside of the target's
 * cgroup. The workload says READY and waits for GO so that it is read back while it is what it will be, and has executed nothing.
 */

#include "enter/last-steps.h"
#include "target/hierarchy.h"
#include "target/namespaces.h"

#include <stdbool.h>
#include <sys/types.h>

/** What the children need to go in; all of it is made before the first of them, none of it is looked up by path afterwards. */
struct entry {
    const struct hierarchies *hierarchies; /**< the target's cgroups */
    bool in_v2;                            /**< the keeper was cloned into the one of v2 */
    const struct namespaces *namespaces; /**< the target's */
    struct namespaces own;               /**< inodes of the supervisor's, after it has joined PID 1's cgroup namespace */
    int pid_owner; /**< the user namespace that owns the target's pid namespace, or -1 when that is ours */
    int nested;    /**< the nested pid namespace; for the keeper */
    const struct last_steps *steps;
    int root;
    int work; /**< the working directory */
    int tool_root; /**< the mount namespace in which a dynamic program is loaded; -1: ours */
    int program, hook, plan; /**< sealed memfds; the last two only for a dynamic program, else -1 */
    int null, output;        /**< /dev/null, and what the workload writes to */
    char **argv;
    char **environment;
    int link;             /**< the child's end */
    int supervisor_links[2]; /**< our ends, for the children to close; -1: not made yet */
};

__attribute__((noreturn)) void nester_main(const struct entry *entry);
/** In the nested pid namespace. */
__attribute__((noreturn)) void init_main(int link);
/** Goes into every cgroup when it is told to, enters, and makes the workload. */
__attribute__((noreturn)) void keeper_main(const struct entry *entry);
/** What the keeper becomes: enters what is left, makes the workload, and ends; returns in neither. */
__attribute__((noreturn)) void workload_main(const struct entry *entry);

/* For children alone. */

/** Closes the supervisor's ends, so that its death shows in them; asks for KILL when it dies, and ends if it has died already. */
void child_end_with_supervisor(const struct entry *entry);
/** Waits until the supervisor lets it go on; when that is gone, it ends. */
void child_await_go(int link);
/** Joins all of the target's namespaces that a process of our user namespace can join at any time: ipc, uts, net, cgroup, time. */
void child_join_early(const struct entry *entry);
/** Says what failed and ends. */
__attribute__((noreturn)) void child_give_up(int link, enum step step, long result);

#endif
