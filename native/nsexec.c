/* nsexec: the life of one run, from the command line to the revert. README.md is the contract. */
#include "run.h"

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/seal.h"
#include "base/sys.h"
#include "fill/fill.h"
#include "hold/hold.h"
#include "path/probe.h"
#include "sweep/sweep.h"
#include "target/sample.h"
#include "undo/revert.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char version[] = "nsexec " NSEXEC_VERSION "\n";

/** It is the image's: PATH, LD_…, TMPDIR and all the others. */
static void forget_environment(void) {
#ifndef __SANITIZE_ADDRESS__ /* Its run-time library is told by it what to do. */
    static char *nothing[] = {NULL};
    environ = nothing;
#endif
}

/** Whether this directory is the root of a file system of that kind, and no link to one; -1 when it is not there. */
static int is_root_of(const char *path, long magic) {
    struct statfs facts;
    struct stat st;
    cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? -1 : 0;
    }
    return fstatfs(fd, &facts) == 0 && (long)facts.f_type == magic && fstat(fd, &st) == 0 && st.st_ino == 1; /* So in both. */
}

/** The runtime mounts them over whatever the image has there; if it has not, what stands there says what the image likes. Nobody changes them later: nothing of the image runs. */
static int check_kernel_files(struct error *err) {
    if (is_root_of("/proc", PROC_SUPER_MAGIC) != 1) {
        return fail(err, "internal", 0, "`/proc` is not the kernel's: is it mounted?");
    }
    return is_root_of("/sys", SYSFS_MAGIC) != 0 ? 0 : fail(err, "internal", 0, "`/sys` is not the kernel's: is it mounted?");
}

/** No descriptor but 0, 1 and 2 comes from outside, and those three are there. */
static int own_descriptors(struct error *err) {
    int fd = -1;
    do {
        fd = open_null(O_RDWR);
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
    run->phase = PHASE_STARTING;
    run->started_ms = clock_ms();
    /* Whatever comes, a guardian is there before. */
    if (check_before_start(run, err) < 0 || (run->options.directory != NULL ? make_work_directory(run, err) : revert_guard(run, err)) < 0) {
        return -1;
    }
    if (run->reason == REASON_NONE && start(run, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (read_back(run, &entered, &of, err) < 0) {
        return -1;
    }
    ipc_remember(run);
    if (run->reason != REASON_NONE) {
        return 0;
    }
    if (release(run, err) < 0) {
        return -1;
    }
    report_active(run, entered, of);
    return 0;
}

/** From `resolved` to the end; `state` says how the target is left when it fails. The workload's exit code, or -1. */
static int live(struct run *run, const char **state, struct error *err) {
    if (signals_collect(run, err) < 0 || refuse_rootless(err) < 0 || resolve(run, err) < 0 || prepare(run, err) < 0 || (run->options.path != NULL && path_open(run, err) < 0)) {
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
    take_orders(run);
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
    int finished = finish(run, &unfinished);
    output_tell(&run->output, &run->events);
    if (finished < 0) {
        *err = unfinished;
        *state = "unknown: processes of the workload may be left in the target";
        return -1;
    }
    int exit_code = injected < 0 ? -1 : report_ended(run);
    if (revert_all(run, &unfinished) < 0) {
        /* The guardian stays, sees our end, and goes on trying. */
        *err = unfinished;
        *state = undo_unknown(&run->revert->undo);
        return -1;
    }
    if (ipc_clear(run, &unfinished) < 0) {
        *err = unfinished;
        *state = "unknown: shared memory of the workload may be left in the target's IPC namespace";
        return -1;
    }
    if (injected < 0) {
        *state = "reverted";
        return -1;
    }
    report_sample(run);
    path_report_last(run);
    report_reverted(run);
    return exit_code;
}

static int experiment(struct run *run, const char **state, struct error *err) {
    struct revert revert = REVERT_NONE;
    run->revert = &revert;
    int result = live(run, state, err);
    revert_close(&revert);
    run->revert = NULL;
    return result;
}

/** Of an agent's shims, the log is the agent's. */
static void open_events(struct run *run) {
    events_open(&run->events, run->name != NULL ? run->agent_log : run->options.termination_log);
    run->events.name = run->name;
}

static int live_and_tell(struct run *run, char **argv);

static int run_command(struct run *run, char **argv, const char **state, struct error *err) {
    if (options_parse(&run->options, argv, err) < 0) {
        return -1;
    }
    enum command command = run->options.command;
    if (command == COMMAND_VERSION) {
        return write(1, version, sizeof version - 1) < 0 ? fail(err, "internal", errno, "write the version") : 0;
    }
    /* Of `run` and `hold` processes can be seen by a target; the lost, and the shims of an agent, are told by what they are executed from. */
    if (command != COMMAND_INSPECT && seal_self(argv, err) < 0) {
        return -1;
    }
    open_events(run);
    switch (command) {
    case COMMAND_INSPECT:
        return inspect(run, err);
    case COMMAND_RUN:
        return experiment(run, state, err);
    case COMMAND_HOLD:
        return hold_experiment(run, state, err);
    case COMMAND_AGENT:
        return agent(run, live_and_tell, err);
    default:
        return sweep(run, state, err);
    }
}

/** The shim's own workload: inside a target, where there may be no /dev/null, and what it says is for people. Returns only if it fails. */
static int fill_and_stay(char **arguments) {
    struct error err = {.exit_code = EXIT_OWN_FAILURE};
    char said[1024] = "";
    char reason[1024];
    if (fill(arguments, said, sizeof said, &err) < 0) {
        error_message(&err, reason, sizeof reason);
        format_text(said, sizeof said, "nsexec: fill: %s\n", reason);
        return write(2, said, strlen(said)) < 0 ? EXIT_OWN_FAILURE : err.exit_code;
    }
    if (write(1, said, strlen(said)) < 0) {
        return EXIT_OWN_FAILURE;
    }
    for (;;) {
        pause();
    }
}

/** A command line is a person's; whoever reads the events has everything in them. */
static void tell_who_typed_it(const struct error *err) {
    char message[sizeof err->text + 128];
    char line[sizeof message + 16];
    error_message(err, message, sizeof message);
    format_text(line, sizeof line, "nsexec: %s\n", message);
    ssize_t written = write(2, line, strlen(line));
    (void)written; /* Nobody to tell. */
}

/** The whole of a command, or of one of the shims that an agent makes (`name`): its exit code, when all that was to be said has been. */
static int live_and_tell(struct run *run, char **argv) {
    struct error err = {.code = "internal", .exit_code = EXIT_OWN_FAILURE};
    const char *state = "unchanged";
    /* An agent has looked at it already. */
    bool checked = run->name != NULL || (check_kernel_files(&err) == 0 && own_descriptors(&err) == 0);
    int exit_code = checked ? run_command(run, argv, &state, &err) : -1;
    if (exit_code < 0) {
        if (run->events.log_path == NULL) {
            open_events(run);
        }
        event_error(&run->events, &err, state);
        if (strcmp(err.code, "usage") == 0) {
            tell_who_typed_it(&err);
        }
        exit_code = err.exit_code;
    }
    run_close(run);
    return exit_code;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "fill") == 0) {
        return fill_and_stay(argv + 2);
    }
    struct run run = RUN_NONE;
    forget_environment();
    return live_and_tell(&run, argv);
}
