#ifndef NSEXEC_RUN_H
#define NSEXEC_RUN_H

#include "base/events.h"
#include "base/lines.h"
#include "enter/children.h"
#include "enter/output.h"
#include "enter/program.h"
#include "enter/workload-line.h"
#include "options.h"
#include "path/path.h"
#include "target/hierarchy.h"
#include "target/target.h"
#include "toolbox/toolbox.h"

#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>

/** Where a run is in its life. */
enum phase {
    PHASE_OPENING,  /**< nothing has been said yet, and nothing of stdin is heard */
    PHASE_WAITING,  /**< everything is open, nothing changed; `start` has not come */
    PHASE_STARTING, /**< our processes exist */
    PHASE_ACTIVE,
    PHASE_ENDING,
};

/** Why it ends; the first reason stands. */
enum reason { REASON_NONE, REASON_EXITED, REASON_KILLED, REASON_STOPPED, REASON_DEADLINE, REASON_LEASE, REASON_SIGNAL, REASON_TARGET_GONE, REASON_OVERWRITTEN, REASON_OVER };

/** What of a run's workload is not a child's alone. */
struct tree {
    int init_link, workload_link; /**< our ends */
    int pid_namespace;            /**< the nested one: held, its inode cannot come to mean another */
    uint64_t pid_namespace_inode;
};

struct hold;   /**< hold.h */
struct revert; /**< revert.h */

/** One run from resolve to revert. All descriptors -1 at the beginning: RUN_NONE. */
struct run {
    struct options options;
    const char *name;      /**< of a shim of an agent; NULL: it is one by itself */
    const char *agent_log; /**< of a shim of an agent: the agent's --termination-log */
    struct events events;
    struct target target;
    struct namespaces own;
    struct hierarchies hierarchies;
    struct path path;
    int work_directory; /**< that of --directory, from when it has been made until it is removed; O_PATH */
    struct program program;
    struct last_steps *steps;
    const char **environment; /**< the workload's */
    int scratch, hook, plan, null;
    struct output output;
    struct toolbox toolbox; /**< of --toolbox */
    int toolbox_link; /**< of a shim of an agent, with --toolbox, until that has come through it; else -1 */
    int toolbox_holder; /**< of a shim of an agent: the mount namespace that the toolbox is in (tool-root.h); else -1 */
    int tool_root;          /**< the mount namespace with it as root, when all of it has come: tool-root.h; else -1 */
    struct children children;
    struct tree tree;
    struct hold *hold; /**< what `hold` has besides; NULL in `run` */
    struct revert *revert; /**< what is taken back at the end, besides the workload; NULL in `inspect` and `sweep` */
    int signals; /**< signalfd */
    bool stdin_open;
    struct lines lines;
    struct workload_line workload;
    enum phase phase;
    bool changed; /**< a process of ours has been made: from here on there is something to undo */
    enum reason reason;
    int reason_signal;   /**< that of REASON_SIGNAL */
    bool start_asked;
    uint64_t to_forward; /**< signals that came before there was a workload; bit n-1 */
    int64_t oom_kills_at_start; /**< -1 when the kernel does not count them */
    int64_t lease_until, deadline, next_sample, next_pulse; /**< clock_ms(); the last 0: there is no guardian to hear it */
    int64_t started_ms, active_ms, ending_ms, reverted_ms;
    bool forced;
};

#define RUN_NONE                                                                                                           \
    ((struct run){.options = {.termination_log = TERMINATION_LOG},                                                  \
                  .events = {.fd = -1},                                                                                    \
                  .target = TARGET_NONE,                                                                                   \
                  .path = PATH_NONE,                                                                                       \
                  .work_directory = -1,                                                                                    \
                  .program = {.fd = -1},                                                                                   \
                  .lines = {.limit = RUN_LINE_MAX_BYTES},                                                                      \
                  .toolbox = TOOLBOX_NONE,                                                                                 \
                  .toolbox_link = -1,                                                                                      \
                  .toolbox_holder = -1,                                                                                    \
                  .tool_root = -1,                                                                                         \
                  .scratch = -1,                                                                                           \
                  .hook = -1,                                                                                              \
                  .plan = -1,                                                                                              \
                  .null = -1,                                                                                              \
                  .output = OUTPUT_NONE,                                                                                   \
                  .children = CHILDREN_NONE,                                                                               \
                  .tree = {.init_link = -1, .workload_link = -1, .pid_namespace = -1},                                     \
                  .signals = -1,                                                                                           \
                  .stdin_open = true})

/* The steps of the life cycle, in their order; README says why it is that one. */

/** Finds the target, opens all that `run` and `inspect` need to know of it. */
int resolve(struct run *run, struct error *err);
/** Fails on a node whose root is not the machine's: rootless kind, k3d or usernetes. */
int refuse_rootless(struct error *err);
/** Makes all that only `run` needs: credentials, program, hook, scratch; with --toolbox what is left then is done by take_toolbox. */
int prepare(struct run *run, struct error *err);
/** Makes what `hold` needs: how to enter the target's files, and the environment of its programs. */
int prepare_hold(struct run *run, struct error *err);
/** Opens the program, and makes what depends on it. */
int prepare_program(struct run *run, struct error *err);
/**
 * With --toolbox, as soon as all of it has come: makes the root in which its programs run, and opens those that were named. Fails where `start` has been said before. 0 too when a reason
 * to end came up meanwhile.
 */
int take_toolbox(struct run *run, struct error *err);
/** `resolved` can be said: sets the clocks that count from here, and stdin is heard. */
void run_begin_clocks(struct run *run);
/** Emits `resolved`. */
void report_resolved(struct run *run, enum weight weight);
/** Makes --directory, watched over from before it is there. 0 too when a reason to end came up meanwhile. */
int make_work_directory(struct run *run, struct error *err);
/** Takes every --order, after the first look at the path, which is of the target by itself. */
void take_orders(struct run *run);
/** Waits for `start`; fails with what came instead. */
int wait_for_start(struct run *run, struct error *err);
/** The target is there, runs, and is who it was when it was looked at. Changes nothing. */
int check_before_start(struct run *run, struct error *err);
/** Builds the process tree and holds the workload before its program. Returns 0 too when a reason to end came up meanwhile. */
int start(struct run *run, struct error *err);
/** Compares what the workload is with what it must be; emits nothing. `entered` gets how many namespaces are the target's, of `of`. */
int read_back(const struct run *run, int *entered, int *of, struct error *err);
/** Lets the workload go on into its program. */
int release(struct run *run, struct error *err);
void report_active(struct run *run, int entered, int of);
/** Until the workload or its time ends. */
void supervise(struct run *run);
/** Ends what is left and proves that nothing is; fails when it cannot. */
int finish(struct run *run, struct error *err);
/** Emits `ended` and returns the exit code. */
int report_ended(struct run *run);
void report_sample(struct run *run);
void report_reverted(struct run *run);
void run_close(struct run *run);

/**
 * Whether the target ends within a moment. What dies in one kill of a container or one OOM kill is not seen to die at once; and a target that is the init
 * of its pid namespace ends only when what lives there has been reaped, ours by us.
 */
bool target_ends_soon(struct run *run);

/** Blocks and collects every signal that is not the program's own fault. */
int signals_collect(struct run *run, struct error *err);

/**
 * Waits for the next thing to happen, at most until `until` (clock_ms; 0: no limit), and takes note of it: signals, stdin, the target's end, samples,
 * deadline and lease. Returns true when `link` (or -1) can be read.
 */
bool pump(struct run *run, int link, int64_t until);

/** Whether a signal that came ends us. */
bool signal_ends(const struct options *options, const struct signalfd_siginfo *info);

/** Ends the run for this reason, unless there is one already. */
void run_end(struct run *run, enum reason reason);

#endif
