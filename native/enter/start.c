#include "run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/hear.h"
#include "enter/place.h"
#include "enter/tool-root.h"
#include "enter/tracing.h"
#include "enter/tree.h"
#include "hold/hold.h"
#include "path/probe.h"
#include "target/sample.h"
#include "undo/revert.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int take_toolbox(struct run *run, struct error *err) {
    if (!run->options.toolbox || run->tool_root >= 0 || run->reason != REASON_NONE) {
        return 0;
    }
    tool_root_hear(run);
    if (!run->toolbox.ready) {
        const char *missing = toolbox_missing(&run->toolbox);
        return run->start_asked ? fail(err, "orders", 0, "the tools are not there: %s", missing != NULL ? missing : "no toolbox has come before `start`") : 0;
    }
    run->toolbox.in_use = true;
    if (tool_root_make(run, run->toolbox.mount_fd, err) < 0) {
        return -1;
    }
    return run->tool_root < 0 ? 0 : run->hold != NULL ? hold_open_tools(run, err) : prepare_program(run, err);
}

int wait_for_start(struct run *run, struct error *err) {
    while (!run->start_asked && run->reason == REASON_NONE) {
        if (take_toolbox(run, err) < 0) {
            return -1;
        }
        if (!path_serve(run)) {
            pump(run, -1, 0);
        }
    }
    if (take_toolbox(run, err) < 0) {
        return -1;
    }
    const char *missing = toolbox_missing(&run->toolbox);
    switch (run->reason) {
    case REASON_NONE:
        if (missing != NULL) {
            return fail(err, "orders", 0, "the tools are not there: %s", missing);
        }
        return run->workload.spoiled ? fail(err, "orders", 0, "the last `workload` line could not be taken, and nothing else is run instead") : 0;
    case REASON_TARGET_GONE:
        return fail(err, "target-gone", 0, "process %d, the target, has ended before `start` came", (int)run->target.pid);
    case REASON_STOPPED:
        return fail(err, "not-started", 0, "`stop` came before the workload was started");
    case REASON_SIGNAL:
        return fail(err, "not-started", 0, "signal %d came before the workload was started", run->reason_signal);
    default:
        return fail(err, "not-started", 0, "no `start` came within %lld ms",
                    (long long)(run->options.lease_ms != 0 ? run->options.lease_ms : run->options.duration_ms));
    }
}

static void set_oom_score(struct run *run) {
    int64_t wanted = run->options.has_oom_score_adj ? run->options.oom_score_adj : run->target.oom_score_adj;
    char path[48];
    char text[16];
    format_text(path, sizeof path, "/proc/%d/oom_score_adj", (int)run->children.slot[CHILD_KEEPER].pid); /* Not reaped: it is its own. */
    format_text(text, sizeof text, "%lld", (long long)wanted);
    int result = write_file_at(AT_FDCWD, path, text);
    if (result < 0) {
        /* Raising needs nothing, lowering needs CAP_SYS_RESOURCE. */
        event_warn(&run->events, "oom-score-adj", "cannot set the workload's oom_score_adj to %s: %s", text, strerror(-result));
    }
}

/** The user namespace that owns the target's pid namespace, when it is not ours: a pid namespace can be nested only from within it. */
static int open_pid_owner(const struct run *run, int *owner, struct error *err) {
    cleanup_close int fd = ioctl(run->target.namespaces.fd[NS_PID], NS_GET_USERNS);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        return fail(err, "namespace", errno, "find the owner of the target's pid namespace");
    }
    *owner = st.st_ino == run->own.inode[NS_USER] ? -1 : steal_fd(&fd);
    return 0;
}

/** What an error of a call that puts a child into its slot means: it cannot be, or somebody else has said that it is one of ours. */
static int not_ours(long result, const char *what, struct error *err) { return fail(err, "namespace", (int)-result, "the %s is not what it must be", what); }

static int let_go_on(int link, const char *what, struct error *err) {
    const struct message go = {.kind = MESSAGE_GO};
    int result = link_send(link, &go, NULL, 0);
    /* One that has ended is heard of otherwise. */
    return result < 0 && result != -EPIPE && result != -ECONNRESET ? fail(err, "internal", -result, "let the %s go on", what) : 0;
}

/** Its pid namespace, while it is alive: then nobody else has had its number. */
static int open_nested(struct run *run, struct error *err) {
    const struct child *init = &run->children.slot[CHILD_INIT];
    char path[32];
    struct stat st;
    format_text(path, sizeof path, "/proc/%d/ns/pid", (int)init->pid);
    run->tree.pid_namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (run->tree.pid_namespace < 0 || fstat(run->tree.pid_namespace, &st) < 0) {
        return fail(err, "namespace", errno, "open the nested pid namespace");
    }
    if (pidfd_has_ended(init->pidfd)) {
        return fail(err, "namespace", 0, "the init of the nested pid namespace has ended");
    }
    run->tree.pid_namespace_inode = st.st_ino;
    cleanup_close int parent = ioctl(run->tree.pid_namespace, NS_GET_PARENT);
    if (parent < 0 || fstat(parent, &st) < 0 || st.st_ino != run->target.namespaces.inode[NS_PID]) {
        return fail(err, "namespace", 0, "the init of the nested pid namespace is in none that is nested in the target's");
    }
    return 0;
}

/** Has a pid namespace made within the target's. tree.h */
static int nest(struct run *run, struct entry *entry, struct error *err) {
    cleanup_close int theirs = -1;
    struct arrival arrival;
    if (link_make(&run->tree.init_link, &theirs, err) < 0) {
        return -1;
    }
    entry->link = theirs;
    entry->supervisor_links[0] = run->tree.init_link;
    pid_t pid = (pid_t)sys_fork(0);
    if (pid == 0) {
        nester_main(entry);
    }
    if (pid < 0) {
        return fail(err, "internal", -pid, "make a process");
    }
    run->changed = true;
    int result = children_expect(&run->children, CHILD_NESTER, pid);
    if (result < 0) {
        return not_ours(result, "nester", err);
    }
    run->children.traced = tracing_begin(pid);
    close_fd(&theirs);
    if (let_go_on(run->tree.init_link, "nester", err) < 0 || hear(run, run->tree.init_link, MESSAGE_INIT, &arrival, err) < 0) {
        return -1;
    }
    struct child *init = &run->children.slot[CHILD_INIT];
    result = init->pid != 0 ? (init->pid == arrival.sender ? 0 : -ESRCH) : children_expect(&run->children, CHILD_INIT, arrival.sender);
    if (result < 0) {
        return not_ours(result, "init of the nested pid namespace", err);
    }
    guardian_tell_init(&run->revert->guardian, init->pidfd);
    return open_nested(run, err);
}

static int keep(struct run *run, struct entry *entry, struct error *err) {
    cleanup_close int theirs = -1;
    struct arrival arrival;
    if (link_make(&run->tree.workload_link, &theirs, err) < 0) {
        return -1;
    }
    entry->link = theirs;
    entry->supervisor_links[1] = run->tree.workload_link;
    entry->nested = run->tree.pid_namespace;
    pid_t pid = place_clone(&run->hierarchies, PLACE_TARGET, 0, &entry->in_v2);
    if (pid == 0) {
        keeper_main(entry);
    }
    if (pid == -EAGAIN) {
        return fail(err, "cgroup", EAGAIN, "make a process in the target's cgroup: its pids limit (or this user's) is reached");
    }
    if (pid < 0) {
        return fail(err, "internal", -pid, "make a process");
    }
    int result = children_expect(&run->children, CHILD_KEEPER, pid);
    if (result < 0) {
        return not_ours(result, "keeper", err);
    }
    close_fd(&theirs);
    set_oom_score(run);
    if (let_go_on(run->tree.workload_link, "keeper", err) < 0 || hear(run, run->tree.workload_link, MESSAGE_READY, &arrival, err) < 0) {
        return -1;
    }
    struct child *workload = &run->children.slot[CHILD_WORKLOAD];
    result = workload->pid != 0 ? (workload->pid == arrival.sender ? 0 : -ESRCH) : children_expect(&run->children, CHILD_WORKLOAD, arrival.sender);
    return result < 0 ? not_ours(result, "workload", err) : 0;
}

int check_before_start(struct run *run, struct error *err) {
    if (target_is_gone(&run->target)) {
        return fail(err, "target-gone", 0, "process %d, the target, has ended before the workload was started", (int)run->target.pid);
    }
    if (cgroup_is_frozen(&run->hierarchies)) {
        return fail(err, "cgroup-frozen", 0, "the target is paused: its cgroup is frozen, and so would the workload be");
    }
    return target_check_credentials(&run->target, err);
}

int start(struct run *run, struct error *err) {
    run->oom_kills_at_start = sample_oom_kills(&run->hierarchies);
    char **argv = workload_line_argv(&run->workload);
    cleanup_close int owner = -1;
    if (open_pid_owner(run, &owner, err) < 0) {
        return -1;
    }
    struct entry entry = {
        .hierarchies = &run->hierarchies,
        .namespaces = &run->target.namespaces,
        .own = run->own,
        .pid_owner = owner,
        .nested = -1,
        .steps = run->steps,
        .root = run->target.root,
        .work = run->work_directory >= 0 ? run->work_directory : run->scratch,
        .tool_root = run->tool_root,
        .program = run->program.fd,
        .hook = run->hook,
        .plan = run->plan,
        .null = run->null,
        .output = run->output.to >= 0 ? run->output.to : 2,
        .argv = argv != NULL ? argv : run->options.program,
        .environment = (char **)run->environment,
        .link = -1,
        .supervisor_links = {-1, -1},
    };
    struct stat st;
    if (stat("/proc/self/ns/cgroup", &st) == 0) {
        entry.own.inode[NS_CGROUP] = st.st_ino; /* view_enter may have left the one that we came with. */
    }
    return nest(run, &entry, err) < 0 ? -1 : keep(run, &entry, err);
}

int release(struct run *run, struct error *err) {
    struct arrival arrival;
    if (let_go_on(run->tree.workload_link, "workload", err) < 0) {
        return -1;
    }
    /* The link closes with execve of a static program, and in the hook of a dynamic one, after its last step: that is the proof of going on. */
    if (hear(run, run->tree.workload_link, MESSAGE_NONE, &arrival, err) < 0) {
        return -1;
    }
    close_fd(&run->tree.workload_link);
    run->active_ms = clock_ms();
    run->deadline = run->active_ms + run->options.duration_ms;
    run->phase = PHASE_ACTIVE;
    guardian_tell_active(&run->revert->guardian);
    for (int number = 1; number <= 64; number++) {
        if ((run->to_forward >> (number - 1) & 1) != 0) {
            child_signal(&run->children, CHILD_WORKLOAD, number);
        }
    }
    target_forget_entrances(&run->target);
    close_fd(&run->scratch);
    close_fd(&run->output.to);
    close_fd(&run->program.fd);
    close_fd(&run->tool_root);
    return 0;
}
