#include "run.h"

#include "cleanup.h"
#include "clock.h"
#include "files.h"
#include "format.h"
#include "hear.h"
#include "place.h"
#include "probe.h"
#include "sample.h"
#include "sys.h"

#include <fcntl.h>
#include <string.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int wait_for_start(struct run *run, struct error *err) {
    while (!run->start_asked && run->reason == REASON_NONE) {
        if (!path_serve(run)) {
            pump(run, -1, 0);
        }
    }
    switch (run->reason) {
    case REASON_NONE:
        return 0;
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
    format_text(path, sizeof path, "/proc/%d/oom_score_adj", (int)run->tree.keeper);
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

static int launch(struct run *run, struct entry *entry, struct error *err) {
    struct tree *tree = &run->tree;
    pid_t keeper = place_clone(&run->hierarchies, PLACE_TARGET, 0, &entry->in_v2);
    if (keeper == 0) {
        keeper_main(entry);
    }
    if (keeper == -EAGAIN) {
        return fail(err, "cgroup", EAGAIN, "make a process in the target's cgroup: its pids limit (or this user's) is reached");
    }
    if (keeper < 0) {
        return fail(err, "internal", -keeper, "make a process");
    }
    run->changed = true;
    tree->keeper = keeper;
    set_oom_score(run);
    const struct message place = {.kind = MESSAGE_PLACE};
    int result = link_send(tree->init_link, &place, NULL, 0);
    return result < 0 && result != -EPIPE && result != -ECONNRESET ? fail(err, "internal", -result, "let the keeper go on") : 0;
}

/** The nested pid namespace, by its init, goes to the keeper, which puts the workload into it. */
static int nest_workload(struct run *run, struct error *err) {
    struct tree *tree = &run->tree;
    struct arrival arrival;
    char path[32];
    struct stat st;
    if (hear(run, tree->init_link, MESSAGE_INIT, &arrival, err) < 0) {
        return -1;
    }
    tree->init = arrival.sender;
    tree->init_fd = arrival.fds[0];
    format_text(path, sizeof path, "/proc/%d/ns/pid", (int)tree->init);
    tree->pid_namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (tree->pid_namespace < 0 || fstat(tree->pid_namespace, &st) < 0) {
        return fail(err, "namespace", errno, "open the nested pid namespace");
    }
    tree->pid_namespace_inode = st.st_ino;
    const struct message nested = {.kind = MESSAGE_NESTED};
    int result = link_send(tree->init_link, &nested, &tree->pid_namespace, 1);
    if (result < 0) {
        return fail(err, "internal", -result, "hand the nested pid namespace to the keeper");
    }
    if (hear(run, tree->init_link, MESSAGE_WORKLOAD, &arrival, err) < 0) {
        return -1;
    }
    tree->workload = arrival.message.value;
    tree->workload_fd = arrival.fds[0];
    return hear(run, tree->workload_link, MESSAGE_READY, &arrival, err);
}

int start(struct run *run, struct error *err) {
    if (target_is_gone(&run->target)) {
        return fail(err, "target-gone", 0, "process %d, the target, has ended before the workload was started", (int)run->target.pid);
    }
    if (cgroup_is_frozen(&run->hierarchies)) {
        return fail(err, "cgroup-frozen", 0, "the target is paused: its cgroup is frozen, and so would the workload be");
    }
    run->oom_kills_at_start = sample_oom_kills(&run->hierarchies);
    cleanup_close int init_link = -1;
    cleanup_close int workload_link = -1;
    cleanup_close int owner = -1;
    if (open_pid_owner(run, &owner, err) < 0 || link_make(&run->tree.init_link, &init_link, err) < 0 || link_make(&run->tree.workload_link, &workload_link, err) < 0) {
        return -1;
    }
    struct entry entry = {
        .hierarchies = &run->hierarchies,
        .namespaces = &run->target.namespaces,
        .own = run->own,
        .pid_owner = owner,
        .steps = run->steps,
        .root = run->target.root,
        .scratch = run->scratch,
        .work = run->work_directory >= 0 ? run->work_directory : run->scratch,
        .program = run->program.fd,
        .hook = run->hook,
        .plan = run->plan,
        .null = run->null,
        .output = 2,
        .argv = run->options.program,
        .environment = (char **)run->environment,
        .init_link = init_link,
        .workload_link = workload_link,
        .supervisor_links = {run->tree.init_link, run->tree.workload_link},
    };
    struct stat st;
    if (stat("/proc/self/ns/cgroup", &st) == 0) {
        entry.own.inode[NS_CGROUP] = st.st_ino; /* view_enter may have left the one that we came with. */
    }
    if (launch(run, &entry, err) < 0) {
        return -1;
    }
    close_fd(&init_link);
    close_fd(&workload_link);
    return nest_workload(run, err);
}

int release(struct run *run, struct error *err) {
    const struct message go = {.kind = MESSAGE_GO};
    struct arrival arrival;
    int result = link_send(run->tree.workload_link, &go, NULL, 0);
    if (result < 0 && result != -EPIPE && result != -ECONNRESET) {
        return fail(err, "internal", -result, "let the workload go on");
    }
    /* The link closes with execve of a static program, and in the hook of a dynamic one, after its last step: that is the proof of going on. */
    if (hear(run, run->tree.workload_link, MESSAGE_NONE, &arrival, err) < 0) {
        return -1;
    }
    close_fd(&run->tree.workload_link);
    run->active_ms = clock_ms();
    run->deadline = run->active_ms + run->options.duration_ms;
    run->phase = PHASE_ACTIVE;
    for (int number = 1; number <= 64; number++) {
        if ((run->to_forward >> (number - 1) & 1) != 0) {
            sys4(__NR_pidfd_send_signal, run->tree.workload_fd, number, 0, 0);
        }
    }
    target_forget_entrances(&run->target);
    close_fd(&run->scratch);
    close_fd(&run->program.fd);
    return 0;
}
