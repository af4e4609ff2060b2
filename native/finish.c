#include "run.h"

#include "cleanup.h"
#include "clock.h"
#include "link.h"
#include "place.h"
#include "probe.h"
#include "revert.h"
#include "sys.h"

#include <sys/wait.h>

/* Long enough for a process that writes to a slow disk; after it we say that something is left instead of waiting in silence. */
enum { KILL_LIMIT_MS = 60000, KILL_WARN_MS = 5000, THAW_EVERY_MS = 200 };

/** What is still on its way from the children; closes the link when they are all gone. */
static void drain_link(struct tree *tree) {
    struct arrival arrival;
    while (tree->init_link >= 0) {
        int result = link_receive(tree->init_link, &arrival);
        if (result == 1 && arrival.message.kind == MESSAGE_INIT && tree->init_fd < 0) {
            /* It came too late to be used, and is to be killed all the same. */
            tree->init = arrival.sender;
            tree->init_fd = arrival.fds[0];
        } else if (result == 1) {
            close_fd(&arrival.fds[0]);
        } else {
            if (result != -EAGAIN) {
                close_fd(&tree->init_link);
            }
            return;
        }
    }
}

/** The reason of an end that nobody asked for. */
static enum reason own_end(struct run *run, int status) {
    if (WIFEXITED(status)) {
        return REASON_EXITED;
    }
    /* The kill of a container, or of a whole cgroup by the OOM killer, takes the workload and the target. */
    return WTERMSIG(status) == SIGKILL && target_ends_soon(run) ? REASON_TARGET_GONE : REASON_KILLED;
}

void supervise(struct run *run) {
    int status = 0;
    while (run->reason == REASON_NONE) {
        /* It may have been reaped by whoever waited before. */
        if (tree_reaped(&run->tree, run->tree.workload, &status)) {
            run_end(run, own_end(run, status));
        } else if (!revert_keep_guarded(run) && !path_serve(run)) {
            pump(run, -1, 0);
        }
    }
}

static void signal_workload(const struct run *run, int number) {
    if (run->tree.workload_fd >= 0) {
        sys4(__NR_pidfd_send_signal, run->tree.workload_fd, number, 0, 0);
    }
}

/**
 * Nothing of ours is left: keeper and nest have let go of the link, and the init has been reaped, which the kernel lets happen only after everything in
 * its namespace, the workload included, has been.
 */
static bool all_gone(const struct tree *tree) {
    int status = 0;
    return tree->init_link < 0 && (tree->keeper == 0 || tree_reaped(tree, tree->keeper, &status)) && (tree->init == 0 || tree_reaped(tree, tree->init, &status));
}

static bool workload_gone(const struct tree *tree) {
    int status = 0;
    return all_gone(tree) || tree_reaped(tree, tree->workload, &status);
}

static void wait_until(struct run *run, bool (*gone)(const struct tree *tree), int64_t until) {
    drain_link(&run->tree);
    while (!gone(&run->tree) && clock_ms() < until) {
        pump(run, run->tree.init_link, until);
        drain_link(&run->tree);
    }
}

static void kill_all(const struct tree *tree) {
    int status = 0;
    if (tree->keeper != 0 && !tree_reaped(tree, tree->keeper, &status)) {
        sys2(__NR_kill, tree->keeper, SIGKILL);
    }
    if (tree->init_fd >= 0) {
        sys4(__NR_pidfd_send_signal, tree->init_fd, SIGKILL, 0, 0);
    }
}

/** KILL until nothing is left. */
static int kill_and_wait(struct run *run, struct error *err) {
    int64_t since = clock_ms();
    bool warned = false;
    while (!all_gone(&run->tree)) {
        int64_t elapsed = clock_ms() - since;
        if (elapsed >= KILL_LIMIT_MS) {
            return fail(err, "internal", 0, "the workload's processes have not ended %d s after KILL: is the target frozen, or do they wait for a disk?", KILL_LIMIT_MS / 1000);
        }
        if (elapsed >= KILL_WARN_MS && !warned) {
            warned = true;
            event_warn(&run->events, "still-there", "the workload's processes have not ended %d s after KILL", KILL_WARN_MS / 1000);
        }
        if (elapsed >= THAW_EVERY_MS) {
            place_thaw(&run->hierarchies, run->tree.pid_namespace_inode);
        }
        kill_all(&run->tree);
        wait_until(run, all_gone, clock_ms() + THAW_EVERY_MS);
    }
    return 0;
}

int finish(struct run *run, struct error *err) {
    bool was_active = run->phase == PHASE_ACTIVE;
    run->phase = PHASE_ENDING;
    run->ending_ms = clock_ms();
    close_fd(&run->tree.workload_link);
    drain_link(&run->tree);
    if (was_active && !workload_gone(&run->tree)) {
        signal_workload(run, SIGTERM);
        signal_workload(run, SIGCONT); /* A stopped process does not see the TERM. */
        wait_until(run, workload_gone, run->ending_ms + run->options.grace_ms);
    }
    run->forced = !workload_gone(&run->tree);
    if (kill_and_wait(run, err) < 0) {
        return -1;
    }
    int left = run->tree.pid_namespace < 0 ? 0 : place_count(&run->hierarchies, run->tree.pid_namespace_inode);
    return left > 0 ? fail(err, "internal", 0, "%d processes of the workload are still in the target's cgroup", left) : 0;
}
