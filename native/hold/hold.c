/*
 * hold: a state of the target, of its network by programs of the image, of its cgroup by ourselves: brought about, watched over, and undone. Its
 * steps are those of nsexec.c's experiment.
 */
#include "hold/hold.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "path/probe.h"

#include <fcntl.h>
#include <sys/stat.h>

/** They are known by name from the beginning. */
static void name_tools(struct run *run) {
    for (size_t i = 0; run->options.tools != NULL && run->options.tools[i] != NULL; i++) {
        run->hold->tool[i] = (struct program){.fd = -1};
        run->hold->tools++;
    }
}

int hold_open_tools(struct run *run, struct error *err) {
    int toolbox = run->options.toolbox ? run->toolbox.mount_fd : -1;
    for (size_t i = 0; i < run->hold->tools; i++) {
        if (program_open(&run->hold->tool[i], toolbox, run->options.tools[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool is_same_file(const struct stat *one, const struct stat *other) { return one->st_dev == other->st_dev && one->st_ino == other->st_ino; }

/**
 * Whether the target is in the network namespace of process 1. Where that process may not be looked into, its /proc/1/net shows which it is: that
 * may be seen of every process,
 * and each network namespace has files of its own there. 1, 0, or -errno.
 */
static int is_in_host_network(const struct run *run) {
    struct stat target;
    struct stat host;
    if (fstat(run->target.namespaces.fd[NS_NET], &target) == 0 && stat("/proc/1/ns/net", &host) == 0) {
        return is_same_file(&target, &host);
    }
    return fstatat(run->target.proc, "net/dev", &target, 0) < 0 || stat("/proc/1/net/dev", &host) < 0 ? -errno : is_same_file(&target, &host);
}

int hold_refuse_host_network(const struct run *run, struct error *err) {
    int result = run->options.allow_host_network ? 0 : is_in_host_network(run);
    if (result < 0) {
        return fail(err, "host-network", -result, "find out whether the target's network is the node's own");
    }
    return result == 0 ? 0 : fail(err, "host-network", 0, "the target's network is the node's own: the fault would hit the node and all that share it; --allow-host-network allows that");
}

/* The guardian must be where it will have to undo. It is a child that has not been reaped, so its pid is its own. */
int hold_read_back(const struct run *run, int *entered, int *of, struct error *err) {
    char path[32];
    struct stat target;
    struct stat guardian;
    *entered = 0;
    *of = undo_needs_network(&run->revert->undo) ? 1 : 0;
    if (*of == 0) {
        return 0;
    }
    format_text(path, sizeof path, "/proc/%d/ns/net", (int)run->revert->guardian.pid);
    if (fstat(run->target.namespaces.fd[NS_NET], &target) < 0 || stat(path, &guardian) < 0) {
        return fail(err, "readback", errno, "look into which network the guardian (process %d) is in", (int)run->revert->guardian.pid);
    }
    if (!is_same_file(&target, &guardian)) {
        return fail(err, "readback", 0, "the guardian's net namespace is %llu, not the target's %llu", (unsigned long long)guardian.st_ino, (unsigned long long)target.st_ino);
    }
    *entered = 1;
    return 0;
}

/** From the first change on there is something to undo. */
static int bring_about(struct run *run, struct error *err) {
    struct hold *hold = run->hold;
    run->phase = PHASE_STARTING;
    run->started_ms = clock_ms();
    if (hold->spoiled) {
        return fail(err, "orders", 0, "a line on stdin could not be taken, see the warning: what it asked for, or how to undo it, would be missing");
    }
    bool network = undo_needs_network(&hold->revert.undo) || hold->applies.count > 0;
    if ((network && hold_refuse_host_network(run, err) < 0) || revert_refuse_foreign(run, err) < 0) {
        return -1;
    }
    hold_compare_before(run);
    if (run->reason == REASON_NONE && (hold_remember_settings(run, err) < 0 || hold_remember_pause(run, err) < 0)) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (revert_guard(run, err) < 0 || hold_write_settings(run, err) < 0 || hold_pause(run, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < hold->applies.count && run->reason == REASON_NONE; i++) {
        struct error why = {0};
        if (hold_apply(run, &hold->applies.item[i], &why) < 0 && run->reason == REASON_NONE) {
            *err = why;
            err->exit_code = EXIT_OWN_FAILURE;
            return -1;
        }
    }
    int entered = 0;
    int of = 0;
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (revert_check_devices(run, err) < 0 || hold_read_back(run, &entered, &of, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    run->active_ms = clock_ms();
    run->deadline = run->active_ms + run->options.duration_ms;
    run->phase = PHASE_ACTIVE;
    guardian_tell_active(&run->revert->guardian);
    report_active(run, entered, of);
    hold->counts_due = true;
    return 0;
}

static void watch(struct run *run) {
    while (run->reason == REASON_NONE) {
        /* Each of these waits by itself, and may have heard of something to do: only when none did is there time to wait. */
        bool busy = hold_serve(run);
        if (run->hold->counts_due && run->reason == REASON_NONE) {
            busy = true;
            hold_check_settings(run);
            hold_check_pause(run);
            hold_count(run, WEIGHT_SAMPLE);
        }
        busy = revert_keep_guarded(run) || path_serve(run) || busy;
        if (!busy && run->reason == REASON_NONE) {
            pump(run, -1, 0);
        }
    }
}

static void report_held_reverted(struct run *run) {
    struct json line = {0};
    event_begin(&line, "reverted");
    json_number(&line, "elapsed_ms", run->reverted_ms - run->ending_ms);
    hold_compare_after(run, &line);
    json_number(&line, "left", 0);
    json_string(&line, "by", "shim");
    event_emit_last(&run->events, &line);
}

/** What counts is what is counted before the undo. */
static int take_back(struct run *run, struct error *err) {
    bool was_active = run->phase == PHASE_ACTIVE;
    run->phase = PHASE_ENDING;
    run->ending_ms = clock_ms();
    if (was_active) {
        hold_check_settings(run);
        hold_count(run, WEIGHT_LIFE);
    }
    return revert_all(run, err);
}

static int wait_and_serve(struct run *run, struct error *err) {
    while (run->reason == REASON_NONE && (!run->start_asked || run->hold->before_start > 0)) {
        if (take_toolbox(run, err) < 0) {
            return -1;
        }
        if (!hold_serve(run) && !path_serve(run)) {
            pump(run, -1, 0);
        }
    }
    return wait_for_start(run, err);
}

static int live(struct run *run, const char **state, struct error *err) {
    if (signals_collect(run, err) < 0 || refuse_rootless(err) < 0 || resolve(run, err) < 0 || (!run->options.toolbox && hold_open_tools(run, err) < 0) || prepare_hold(run, err) < 0 || (run->options.path != NULL && path_open(run, err) < 0) || (run->hold->pausing && hold_open_pause(run, err) < 0)) {
        return -1;
    }
    run_begin_clocks(run);
    report_resolved(run, WEIGHT_LIFE);
    take_orders(run);
    if (wait_and_serve(run, err) < 0) {
        return -1;
    }
    int held = bring_about(run, err);
    if (held < 0 && !run->changed) {
        return -1;
    }
    if (held == 0) {
        watch(run);
    }
    struct error unfinished = {.exit_code = EXIT_OWN_FAILURE};
    if (run->changed && take_back(run, &unfinished) < 0) {
        /* The guardian stays, sees our end, and goes on trying. */
        *err = unfinished;
        *state = undo_unknown(&run->revert->undo);
        return -1;
    }
    if (held < 0) {
        *state = "reverted";
        return -1;
    }
    if (!run->changed) {
        run->phase = PHASE_ENDING;
        run->ending_ms = clock_ms();
        run->reverted_ms = run->ending_ms;
    }
    report_ended(run);
    report_sample(run);
    path_report_last(run);
    report_held_reverted(run);
    return 0;
}

int hold_experiment(struct run *run, const char **state, struct error *err) {
    struct hold hold = {.revert = REVERT_NONE, .pausing = run->options.freeze || run->options.stop, .pause = {.scope = SCOPE_NONE}};
    run->hold = &hold;
    run->revert = &hold.revert;
    run->lines.limit = LONG_LINE_MAX_BYTES;
    name_tools(run);
    int result = live(run, state, err);
    hold_forget(&hold);
    for (size_t i = 0; i < hold.tools; i++) {
        close_fd(&hold.tool[i].fd);
    }
    close_fd(&hold.pause.scope.cgroup);
    revert_close(&hold.revert);
    run->hold = NULL;
    run->revert = NULL;
    return result;
}
