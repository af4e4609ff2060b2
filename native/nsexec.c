/* nsexec: the life of one run, from the command line to the revert. README.md is the contract. */
#include "run.h"

#include "hold.h"
#include "sample.h"
#include "seal.h"
#include "sweep.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char version[] = "nsexec " NSEXEC_VERSION "\n";

/** No descriptor but 0, 1 and 2 comes from outside, and those three are there. */
static int own_descriptors(struct error *err) {
    int fd = -1;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0) {
            return fail(err, "internal", errno, "open `/dev/null`");
        }
    } while (fd < 3);
    sys_close_from(3, ~0U);
    return 0;
}

static int inspect(struct run *run, struct error *err) {
    if (resolve(run, err) < 0) {
        return -1;
    }
    report_resolved(run, WEIGHT_LIFE);
    return 0;
}

/** Up to the workload's first instruction; on failure the caller undoes. */
static int inject(struct run *run, struct error *err) {
    int entered = 0;
    int of = 0;
    if (start(run, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (read_back(run, &entered, &of, err) < 0 || release(run, err) < 0) {
        return -1;
    }
    report_active(run, entered, of);
    return 0;
}

/** From `resolved` to the end; `state` says how the target is left when it fails. The workload's exit code, or -1. */
static int experiment(struct run *run, const char **state, struct error *err) {
    if (signals_collect(run, err) < 0 || resolve(run, err) < 0 || prepare(run, err) < 0) {
        return -1;
    }
    if (cgroup_is_frozen(&run->hierarchies)) {
        return fail(err, "cgroup-frozen", 0, "the target is paused: its cgroup is frozen, and so would the workload be");
    }
    for (size_t i = 0; i < run->hierarchies.count; i++) {
        if (run->hierarchies.item[i].directory < 0) {
            event_warn(&run->events, "cgroup-unmounted", "hierarchy `%s` is in the target's /proc/PID/cgroup, but mounted nowhere on this node any more; it is passed over", run->hierarchies.item[i].name);
        }
    }
    run_begin_clocks(run);
    report_resolved(run, WEIGHT_LIFE);
    if (wait_for_start(run, err) < 0) {
        return -1;
    }
    int injected = inject(run, err);
    if (injected < 0 && !run->changed) {
        return -1;
    }
    if (injected == 0) {
        supervise(run);
    }
    struct error unfinished = {0};
    if (finish(run, &unfinished) < 0) {
        *err = unfinished;
        *state = "unknown: processes of the workload may be left in the target";
        return -1;
    }
    if (injected < 0) {
        *state = "reverted";
        return -1;
    }
    int exit_code = report_ended(run);
    report_sample(run);
    report_reverted(run);
    return exit_code;
}

static int run_command(struct run *run, char **argv, struct error *err, const char **state) {
    if (options_parse(&run->options, argv, err) < 0) {
        return -1;
    }
    switch (run->options.command) {
    case COMMAND_INSPECT:
        events_open(&run->events, run->options.termination_log);
        return inspect(run, err);
    case COMMAND_RUN:
        /* Only these two make processes that a target can see. */
        if (seal_self(argv, err) < 0) {
            return -1;
        }
        events_open(&run->events, run->options.termination_log);
        return experiment(run, state, err);
    case COMMAND_HOLD:
        if (seal_self(argv, err) < 0) {
            return -1;
        }
        events_open(&run->events, run->options.termination_log);
        return hold_experiment(run, state, err);
    case COMMAND_SWEEP:
        /* The lost are told by what they are executed from. */
        if (seal_self(argv, err) < 0) {
            return -1;
        }
        events_open(&run->events, run->options.termination_log);
        return sweep(run, state, err);
    default:
        return write(1, version, sizeof version - 1) < 0 ? fail(err, "internal", errno, "write the version") : 0;
    }
}

int main(int argc, char **argv) {
    (void)argc;
    struct error err = {.code = "internal", .exit_code = EXIT_OWN_FAILURE};
    struct run run = RUN_NONE;
    const char *state = "unchanged";
    int exit_code = own_descriptors(&err) < 0 ? -1 : run_command(&run, argv, &err, &state);
    if (exit_code < 0) {
        if (run.events.log_path == NULL) {
            events_open(&run.events, run.options.termination_log);
        }
        event_error(&run.events, &err, state);
        exit_code = err.exit_code;
    }
    run_close(&run);
    return exit_code;
}
