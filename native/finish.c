#include "run.h"

#include "cleanup.h"
#include "clock.h"
#include "link.h"
#include "place.h"
#include "sys.h"

#include <sys/wait.h>

/* Long enough for a process that writes to a slow disk; after it we say that something is left instead of waiting in silence. */
enum { KILL_LIMIT_MS = 60000, KILL_WARN_MS = 5000, THAW_EVERY_MS = 200 };

static void take_status(struct run *run) {
    struct arrival arrival;
    while (run->tree.init_link >= 0) {
        int result = link_receive(run->tree.init_link, &arrival);
        if (result == 1 && arrival.message.kind == MESSAGE_STATUS) {
            run->tree.has_status = true;
            run->tree.status = arrival.message.value;
        } else if (result == 1) {
            /* A tree that came too late to be used is to be killed all the same. */
            run->tree.init = arrival.message.kind == MESSAGE_TREE ? arrival.sender : run->tree.init;
            close_fd(&arrival.fds[1]);
            if (arrival.fds[0] >= 0) {
                close_fd(&run->tree.init_fd);
                run->tree.init_fd = arrival.fds[0];
            }
        } else {
            if (result != -EAGAIN) {
                close_fd(&run->tree.init_link);
            }
            return;
        }
    }
}

/** The reason of an end that nobody asked for. */
static enum reason own_end(const struct run *run) {
    if (target_is_gone(&run->target)) {
        return REASON_TARGET_GONE;
    }
    return run->tree.has_status && WIFEXITED(run->tree.status) ? REASON_EXITED : REASON_KILLED;
}

void supervise(struct run *run) {
    while (run->reason == REASON_NONE) {
        if (pump(run, run->tree.init_link, 0)) {
            take_status(run);
            if (run->tree.has_status || run->tree.init_link < 0) {
                run_end(run, own_end(run));
            }
        }
    }
}

static void signal_workload(const struct run *run, int number) {
    if (run->tree.workload_fd >= 0) {
        sys4(__NR_pidfd_send_signal, run->tree.workload_fd, number, 0, 0);
    }
}

/** All our children are gone: nothing holds the other end of the init's link, and keeper and init have been reaped. */
static bool all_gone(const struct run *run) { return run->tree.init_link < 0 && run->tree.keeper == 0 && run->tree.init == 0; }

static void wait_until(struct run *run, int64_t until) {
    while (!all_gone(run) && clock_ms() < until) {
        pump(run, run->tree.init_link, until);
        take_status(run);
    }
}

static void kill_all(struct run *run) {
    if (run->tree.keeper != 0) {
        sys2(__NR_kill, run->tree.keeper, SIGKILL);
    }
    if (run->tree.init_fd >= 0) {
        sys4(__NR_pidfd_send_signal, run->tree.init_fd, SIGKILL, 0, 0);
    }
}

int finish(struct run *run, struct error *err) {
    bool was_active = run->phase == PHASE_ACTIVE;
    run->phase = PHASE_ENDING;
    run->ending_ms = clock_ms();
    take_status(run);
    if (was_active && !run->tree.has_status) {
        signal_workload(run, SIGTERM);
        signal_workload(run, SIGCONT); /* A stopped process does not see the TERM. */
        wait_until(run, run->ending_ms + run->options.grace_ms);
    }
    run->forced = !all_gone(run) && !run->tree.has_status;
    int64_t since = clock_ms();
    bool warned = false;
    while (!all_gone(run) && clock_ms() < since + KILL_LIMIT_MS) {
        kill_all(run);
        wait_until(run, clock_ms() + THAW_EVERY_MS);
        if (!all_gone(run)) {
            place_thaw(&run->hierarchies, run->tree.pid_namespace_inode);
            if (!warned && clock_ms() >= since + KILL_WARN_MS) {
                warned = true;
                event_warn(&run->events, "still-there", "the workload's processes have not ended %d s after KILL", KILL_WARN_MS / 1000);
            }
        }
    }
    if (!all_gone(run)) {
        return fail(err, "internal", 0, "the workload's processes have not ended %d s after KILL: is the target frozen, or do they wait for a disk?", KILL_LIMIT_MS / 1000);
    }
    int left = run->tree.pid_namespace < 0 ? 0 : place_count(&run->hierarchies, run->tree.pid_namespace_inode);
    return left > 0 ? fail(err, "internal", 0, "%d processes of the workload are still in the target's cgroup", left) : 0;
}
