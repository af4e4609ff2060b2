#include "run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "enter/place.h"
#include "path/probe.h"
#include "undo/revert.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Long enough for a process that writes to a slow disk; after it we say that something is left instead of waiting in silence. */
enum { KILL_LIMIT_MS = 60000, KILL_WARN_MS = 5000, THAW_EVERY_MS = 200, STRAY_EVERY_MS = 20 };

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
        if (child_ended(&run->children, CHILD_WORKLOAD, &status)) {
            run_end(run, own_end(run, status));
        } else if (!revert_keep_guarded(run) && !path_serve(run)) {
            pump(run, -1, 0);
        }
    }
}

static const enum child_name makers[] = {CHILD_NESTER, CHILD_NEST, CHILD_KEEPER};

/**
 * Nothing of ours is left: those that make others have been reaped, and the init has been, which the kernel lets happen only after everything in its namespace, the workload
 * included, has been.
 */
static bool all_gone(const struct children *children) {
    bool gone = child_is_gone(children, CHILD_INIT);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        gone = gone && child_is_gone(children, makers[i]);
    }
    return gone;
}

static bool workload_gone(const struct children *children) { return all_gone(children) || child_is_gone(children, CHILD_WORKLOAD); }

static void wait_until(struct run *run, bool (*gone)(const struct children *children), int64_t until) {
    while (!gone(&run->children) && clock_ms() < until) {
        pump(run, -1, until);
    }
}

static void kill_all(const struct children *children) {
    child_signal(children, CHILD_INIT, SIGKILL);
    child_signal(children, CHILD_WORKLOAD, SIGKILL);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        child_signal(children, makers[i], SIGKILL);
    }
}

/** How many of them are left that are in no slot. */
static int kill_strays(const struct run *run) { return children_kill_strays(&run->children, run->target.namespaces.inode[NS_PID], run->own.inode[NS_PID]); }

static void thaw(const struct run *run) {
    const struct child *keeper = &run->children.slot[CHILD_KEEPER];
    place_thaw(&run->hierarchies, run->tree.pid_namespace_inode, child_is_gone(&run->children, CHILD_KEEPER) ? 0 : keeper->pid);
}

/** Whether a process of the workload's pid namespace runs still, wherever its cgroup is: a target may move it. */
static bool one_runs(const struct run *run) {
    cleanup_dir DIR *all = opendir("/proc");
    for (struct dirent *entry = all == NULL ? NULL : readdir(all); entry != NULL; entry = readdir(all)) {
        char path[300];
        char buffer[1024];
        struct stat st;
        struct stat_line stat_line;
        format_text(path, sizeof path, "%s/ns/pid", entry->d_name);
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || fstatat(dirfd(all), path, &st, 0) < 0 || st.st_ino != run->tree.pid_namespace_inode) {
            continue;
        }
        format_text(path, sizeof path, "%s/stat", entry->d_name);
        ssize_t got = read_file_at(dirfd(all), path, buffer, sizeof buffer);
        if (got > 0 && proc_parse_stat((struct span){buffer, (size_t)got}, &stat_line) && stat_line.state != 'Z' && stat_line.state != 'X' && !stat_line.exiting) {
            return true;
        }
    }
    return all == NULL;
}

/**
 * A process that somebody of the target traces stays a zombie until that waits for it, and the init of its pid namespace waits for that; nothing of ours runs any more then, and nothing can
 * be done about it from here.
 */
static bool only_zombies_are_left(const struct run *run) {
    const struct child *init = &run->children.slot[CHILD_INIT];
    char buffer[1024];
    char path[32];
    struct stat_line stat;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (!child_is_gone(&run->children, makers[i])) {
            return false;
        }
    }
    format_text(path, sizeof path, "/proc/%d/stat", (int)init->pid); /* Not reaped: it is its own. */
    ssize_t got = child_is_gone(&run->children, CHILD_INIT) ? -1 : read_file_at(AT_FDCWD, path, buffer, sizeof buffer);
    return got > 0 && proc_parse_stat((struct span){buffer, (size_t)got}, &stat) && stat.exiting && !one_runs(run);
}

/** KILL until nothing is left. */
static int kill_and_wait(struct run *run, struct error *err) {
    int64_t since = clock_ms();
    bool warned = false;
    while (!all_gone(&run->children) || kill_strays(run) > 0) {
        int64_t elapsed = clock_ms() - since;
        if (elapsed >= KILL_LIMIT_MS) {
            return fail(err, "internal", 0, "the workload's processes have not ended %d s after KILL: is the target frozen, or do they wait for a disk?", KILL_LIMIT_MS / 1000);
        }
        if (elapsed >= KILL_WARN_MS && only_zombies_are_left(run)) {
            event_warn(&run->events, "traced", "the workload has ended, but a process of the target traces what was one of it and does not let it go: it stays a zombie until that process ends");
            return 0;
        }
        if (elapsed >= KILL_WARN_MS && !warned) {
            warned = true;
            event_warn(&run->events, "still-there", "the workload's processes have not ended %d s after KILL", KILL_WARN_MS / 1000);
        }
        if (elapsed >= THAW_EVERY_MS) {
            thaw(run);
        }
        kill_all(&run->children);
        if (all_gone(&run->children)) {
            pump(run, -1, clock_ms() + STRAY_EVERY_MS);
        }
        wait_until(run, all_gone, clock_ms() + THAW_EVERY_MS);
    }
    return 0;
}

int finish(struct run *run, struct error *err) {
    bool was_active = run->phase == PHASE_ACTIVE;
    run->phase = PHASE_ENDING;
    run->ending_ms = clock_ms();
    close_fd(&run->tree.workload_link);
    close_fd(&run->tree.init_link);
    children_reap(&run->children);
    if (was_active && !workload_gone(&run->children)) {
        child_signal(&run->children, CHILD_WORKLOAD, SIGTERM);
        child_signal(&run->children, CHILD_WORKLOAD, SIGCONT); /* A stopped process does not see the TERM. */
        wait_until(run, workload_gone, run->ending_ms + run->options.grace_ms);
    }
    run->forced = !workload_gone(&run->children);
    if (kill_and_wait(run, err) < 0) {
        return -1;
    }
    int left = run->tree.pid_namespace < 0 ? 0 : place_count(&run->hierarchies, run->tree.pid_namespace_inode);
    return left > 0 ? fail(err, "internal", 0, "%d processes of the workload are still in the target's cgroup", left) : 0;
}
