/* What --freeze and --stop hold: the target's whole cgroup, or some of its processes, standing still. No process of ours is among them, and none waits for one of them. */
#include "hold/hold.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/sys.h"
#include "target/levels.h"
#include "target/sample.h"
#include "undo/freeze.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum { STILL_LIMIT_MS = 5000, AGAIN_MS = 10, LOOKS_MAX = 32, NAMED_MAX = 8 };
/* Clock ticks of procfs are hundredths of a second on every machine that we are for. */
enum { TICK_US = 10000 };

/** What is put on the list of what is undone. */
static struct undo undo_of(const struct run *run) {
    const struct pause *pause = &run->hold->pause;
    return (struct undo){
        .kind = run->options.freeze ? UNDO_FREEZE : UNDO_STOPPED,
        .cgroup = pause->scope.cgroup,
        .cgroup_version = pause->scope.hierarchy->version,
        .stopped = pause->stopped,
    };
}

/* --- --stop */

static bool is_stopped(const struct process *process) { return process->state == 'T' || process->state == 't'; }

static bool is_known(const struct stopped *stopped, const struct process *process) {
    for (size_t i = 0; i < stopped->count; i++) {
        if (process_is_same(&stopped->item[i].process, process)) {
            return true;
        }
    }
    return false;
}

/** Looks who is meant, and puts those that run on the table: what is stopped already is somebody else's. -1 when that could not be done. */
static int look(struct run *run, struct error *err) {
    struct pause *pause = &run->hold->pause;
    struct stopped *stopped = pause->stopped;
    if (processes_find(run, &pause->scope, run->options.match, &pause->found, err) < 0) {
        return -1;
    }
    pause->before = 0;
    pause->missed = pause->found.matched - pause->found.count;
    for (size_t i = 0; i < pause->found.count; i++) {
        const struct process *process = &pause->found.item[i];
        if (is_known(stopped, process) || process_is_ours(process->pid, &pause->scope)) {
            continue;
        }
        if (is_stopped(process)) {
            pause->before++;
        } else if (stopped->count == PROCESSES_MAX || process->state == PROCESS_HEADLESS) {
            pause->missed++;
        } else {
            stopped->item[stopped->count] = (struct stopped_one){.process = *process};
            stopped->count++;
        }
    }
    return 0;
}

/** Stops those on the table that have not been, after the record has been told of them. How many. */
static int stop_chosen(struct run *run) {
    const struct pause *pause = &run->hold->pause;
    int count = 0;
    for (size_t i = 0; i < pause->stopped->count; i++) {
        struct stopped_one *one = &pause->stopped->item[i];
        cleanup_close int pidfd = one->state == STOP_CHOSEN ? process_hold(&one->process, &pause->scope) : -1;
        if (one->state == STOP_CHOSEN) {
            one->state = pidfd < 0 ? STOP_OVER : STOP_SENT; /* First: from here on the guardian continues it. */
            count++;
        }
        if (pidfd >= 0) {
            sys4(__NR_pidfd_send_signal, pidfd, SIGSTOP, 0, 0);
        }
    }
    return count;
}

enum { STOPPED, WAITING, RUNNING, ENDED, RAN_US, STATES };

/** How those on the table are now. */
struct states {
    int64_t count[STATES];
    const struct process *runs; /**< one of those that do */
};

/** What waits in the kernel stops before it returns from there. */
static void look_at_states(struct stopped *stopped, struct states *states) {
    *states = (struct states){.runs = NULL};
    for (size_t i = 0; i < stopped->count; i++) {
        struct stopped_one *one = &stopped->item[i];
        struct process *process = &one->process;
        if (process_look(process) < 0) {
            states->count[ENDED]++;
            continue;
        }
        if (one->state == STOP_SENT && is_stopped(process)) {
            one->state = STOP_SEEN;
            one->base_ticks = process->cpu_ticks;
        }
        states->count[is_stopped(process) ? STOPPED : process->state == 'D' ? WAITING : RUNNING]++;
        states->runs = !is_stopped(process) && process->state != 'D' ? process : states->runs;
        states->count[RAN_US] += one->state == STOP_SEEN ? (int64_t)(process->cpu_ticks - one->base_ticks) * TICK_US : 0;
    }
}

/** Until a look finds nobody new: who forks while he is stopped has another one to be stopped. */
static int stop_all(struct run *run, struct error *err) {
    struct states states;
    for (int i = 0; i < LOOKS_MAX && run->reason == REASON_NONE && stop_chosen(run) > 0; i++) {
        if (look(run, err) < 0 || revert_update_record(run, err) < 0) {
            return -1;
        }
    }
    int64_t until = clock_ms() + STILL_LIMIT_MS;
    for (;;) {
        (void)stop_chosen(run);
        look_at_states(run->hold->pause.stopped, &states);
        if (states.count[RUNNING] == 0 || run->reason != REASON_NONE || clock_ms() >= until) {
            break;
        }
        pump(run, -1, clock_ms() + AGAIN_MS);
    }
    if (run->reason == REASON_NONE && states.count[STOPPED] == 0) {
        return fail(err, "readback", 0, "none of the processes that `%.128s` means has stopped: %d have ended, %d go on", run->options.match, (int)states.count[ENDED], (int)states.count[RUNNING]);
    }
    return 0;
}

/* --- --freeze */

static int freeze_all(struct run *run, struct error *err) {
    const struct undo freeze = undo_of(run);
    int64_t until = clock_ms() + STILL_LIMIT_MS;
    while (run->reason == REASON_NONE) {
        /* v1 wants to be told again when somebody has come in meanwhile. */
        int result = freeze_set(&freeze, true);
        if (result == 0 && freeze_is_whole(&freeze)) {
            break;
        }
        if (result < 0 || clock_ms() >= until) {
            return fail(err, "readback", -result, "freeze the target's cgroup%s", result < 0 ? "" : ": a process in it does not stand still, since it waits in the kernel for a disk or a server that does not answer");
        }
        pump(run, -1, clock_ms() + AGAIN_MS);
    }
    return 0;
}

/** What kills a process reaches it in v1's freezer only when it is thawed: some runtimes see to that, and others wait. */
static bool is_being_killed(const struct run *run) {
    cleanup_free char *text = NULL;
    struct span whole;
    struct status status;
    return run->hold->pause.scope.hierarchy->version == 1 && read_whole_at(run->target.proc, "status", &text, &whole) == 0 && proc_parse_status(whole, &status) && (status.pending >> (SIGKILL - 1) & 1) != 0;
}

/* --- both */

static int refuse_frozen(const struct run *run, struct error *err) {
    const struct undo freeze = undo_of(run);
    return freeze_present(&freeze) == 0 && !cgroup_is_frozen(&run->hierarchies) ? 0 : fail(err, "cgroup-frozen", 0, "the target is paused already: its cgroup is frozen, and not by this");
}

int hold_open_pause(struct run *run, struct error *err) {
    struct pause *pause = &run->hold->pause;
    if (scope_open(&pause->scope, &run->hierarchies, run->options.container == NULL, err) < 0) {
        return -1;
    }
    cleanup_close int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (self < 0 || scope_holds(&pause->scope, self)) {
        return fail(err, "cgroup", 0, "nsexec itself is in the target's cgroup");
    }
    return refuse_frozen(run, err) < 0 ? -1 : run->options.stop ? processes_find(run, &pause->scope, run->options.match, &pause->found, err) : 0;
}

static int choose(struct run *run, struct error *err) {
    struct pause *pause = &run->hold->pause;
    pause->stopped = stopped_make();
    if (pause->stopped == NULL) {
        return fail(err, "internal", ENOMEM, "remember who is stopped");
    }
    if (look(run, err) < 0) {
        return -1;
    }
    if (run->reason == REASON_NONE && (pause->stopped->count == 0 || pause->missed > 0)) {
        return fail(err, "processes", 0, "`%.128s` means %d processes of the target, of which %d are stopped already: from 1 to %d can be stopped", run->options.match, (int)pause->found.matched, (int)pause->before,
                    PROCESSES_MAX);
    }
    return 0;
}

int hold_remember_pause(struct run *run, struct error *err) {
    if (!run->hold->pausing) {
        return 0;
    }
    if (refuse_frozen(run, err) < 0 || (run->options.stop && choose(run, err) < 0)) {
        return -1;
    }
    const struct undo undo = undo_of(run);
    if (run->reason != REASON_NONE) {
        return 0;
    }
    /* The list is empty but for what is undone in a network. */
    return undo_push(&run->revert->undo, &undo) ? revert_claim(run, "pause", undo.cgroup, err) : fail(err, "orders", 0, "more than %d things to undo", UNDO_MAX);
}

int hold_pause(struct run *run, struct error *err) { return !run->hold->pausing ? 0 : run->options.freeze ? freeze_all(run, err) : stop_all(run, err); }

static void check_stopped(struct run *run) {
    struct pause *pause = &run->hold->pause;
    struct error err = {0};
    struct states states;
    look_at_states(pause->stopped, &states);
    if (states.runs != NULL) {
        fail(&err, "", 0, "process %d (%.16s) goes on: it was continued, and not by this", (int)states.runs->pid, states.runs->comm);
    }
    /* One whose command line cannot be read would cost a child that waits for it with each look. */
    if (!pause->blind && look(run, &err) == 0 && revert_update_record(run, &err) == 0) {
        (void)stop_chosen(run);
    } else if (run->reason == REASON_NONE) {
        pause->blind = true;
        pause->missed = pause->missed > 0 ? pause->missed : 1;
    }
    if (!pause->told && err.text[0] != '\0') {
        pause->told = true;
        event_warn(&run->events, "pause", "%s", err.text);
    }
}

void hold_check_pause(struct run *run) {
    if (!run->hold->pausing) {
        return;
    }
    const struct undo freeze = undo_of(run);
    if (run->options.stop) {
        check_stopped(run);
    } else if (is_being_killed(run) || target_is_gone(&run->target)) {
        /* Before the switch: a runtime that kills turns it off after its KILL. */
        run_end(run, REASON_TARGET_GONE);
    } else if (freeze_present(&freeze) == 0) {
        event_warn(&run->events, "pause", "the target's cgroup is not frozen any more: somebody else has thawed it");
        run_end(run, REASON_OVERWRITTEN);
    }
}

void hold_write_match(const struct run *run, struct json *line) {
    const struct pause *pause = &run->hold->pause;
    int64_t stopped = 0;
    if (!run->options.stop) {
        return;
    }
    for (size_t i = 0; i < pause->found.count; i++) {
        stopped += is_stopped(&pause->found.item[i]);
    }
    json_open(line, "match", '{');
    json_number(line, "processes", (int64_t)pause->found.matched);
    json_number(line, "stopped", stopped);
    json_open(line, "first", '[');
    for (size_t i = 0; i < pause->found.count && i < NAMED_MAX; i++) {
        json_open(line, NULL, '{');
        json_number(line, "pid", pause->found.item[i].pid);
        json_string(line, "comm", pause->found.item[i].comm);
        json_close(line, '}');
    }
    json_close(line, ']');
    json_close(line, '}');
}

/** Of all that stands still, whatever level has a quota. What v1 counts in another hierarchy may be of more. */
static void write_usage(const struct run *run, struct json *line) {
    const struct hierarchy *account = run->hold->pause.scope.hierarchy;
    const char *file = "cpu.stat";
    struct level level;
    int64_t value = 0;
    if (account->version == 1) {
        account = hierarchy_with(&run->hierarchies, "cpuacct");
        file = "cpuacct.usage";
    }
    if (account == NULL || (account->container == 0 && run->options.container != NULL) || !level_of_container(&level, account)) {
        return;
    }
    if (account->version == 2 ? level_keyed(&level, file, "usage_usec", &value) : level_number(&level, file, &value)) {
        json_number(line, "pause_usage_us", account->version == 2 ? value : value / 1000);
    }
}

void hold_write_pause(const struct run *run, struct json *line) {
    static const char *const names[STATES] = {"pause_stopped", "pause_waiting", "pause_running", "pause_ended", "pause_ran_us"};
    const struct pause *pause = &run->hold->pause;
    struct states states;
    /* Of what is just being undone: the fault has not ended yet by what has been said, and is not in force any more. */
    if (run->phase == PHASE_ENDING && run->reverted_ms == 0) {
        return;
    }
    if (run->options.freeze) {
        const struct undo freeze = undo_of(run);
        json_number(line, "pause_asked", freeze_present(&freeze) == 1);
        json_number(line, "pause_frozen", freeze_is_whole(&freeze));
        write_usage(run, line);
    } else if (pause->stopped != NULL) {
        look_at_states(pause->stopped, &states);
        for (int i = 0; i < STATES; i++) {
            json_number(line, names[i], states.count[i]);
        }
        json_number(line, "pause_before", (int64_t)pause->before);
        json_number(line, "pause_missed", (int64_t)pause->missed);
    }
}
