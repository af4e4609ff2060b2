#include "run.h"

#include "cleanup.h"
#include "clock.h"
#include "files.h"
#include "format.h"
#include "link.h"
#include "place.h"
#include "sys.h"

#include <fcntl.h>
#include <string.h>

/* Even a target that has used its CPU quota up gets a few milliseconds of each 100: this is for one that gets nothing at all. */
enum { START_LIMIT_MS = 30000 };

int wait_for_start(struct run *run, struct error *err) {
    while (!run->start_asked && run->reason == REASON_NONE) {
        pump(run, -1, 0);
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

/** What the child could not do, in words. */
static int child_failed(const struct run *run, const struct message *message, struct error *err) {
    static const struct {
        enum step step;
        const char *code, *text;
    } words[] = {
        {STEP_FORK, "cgroup", "fork in the target's cgroup (its pids limit?)"},
        {STEP_NEWPID, "namespace", "make a pid namespace within the target's"},
        {STEP_PIDFD, "kernel", "pidfd_open (Linux 5.3)"},
        {STEP_DESCRIPTORS, "internal", "arrange the workload's descriptors"},
        {STEP_ROOT, "namespace", "change to the target's root directory"},
        {STEP_SCRATCH, "internal", "change to the scratch directory"},
        {STEP_GROUPS, "credentials", "take on the target's supplementary groups"},
        {STEP_GID, "credentials", "take on the target's gid"},
        {STEP_UID, "credentials", "take on the target's uid"},
        {STEP_CAPABILITIES, "credentials", "take on the target's capabilities"},
        {STEP_BOUNDING, "credentials", "take on the target's bounding set"},
        {STEP_AMBIENT, "credentials", "take on the target's ambient capabilities"},
        {STEP_NO_NEW_PRIVS, "credentials", "set no_new_privs"},
        {STEP_PLAN, "internal", "read the hook's plan"},
    };
    if (message->step == STEP_EXEC) {
        fail(err, "exec", message->value, "execute `%s`", run->options.program[0]);
        err->exit_code = message->value == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
        return -1;
    }
    int kind = message->step - STEP_SETNS;
    if (kind >= 0 && kind < NS_COUNT) {
        return fail(err, "namespace", message->value, "join the target's %s namespace", namespace_kinds[kind].name);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((int32_t)words[i].step == message->step) {
            return fail(err, words[i].code, message->value, "%s", words[i].text);
        }
    }
    return fail(err, "internal", message->value, "step %d of a child", message->step);
}

/** The loader of a dynamic program, or the OOM killer, may end it before it can say a word. */
static int died_early(const struct run *run, struct error *err) {
    int status = run->tree.status;
    if (run->tree.has_status && (status & 0x7f) == 0) {
        fail(err, "exec", 0, "`%s` ended with status %d before it had entered the target: %s", run->options.program[0], status >> 8 & 0xff,
             run->program.dynamic ? "see the loader's message on stderr; a library is missing in nsexec's image" : "nsexec is at fault");
        err->exit_code = EXIT_NOT_FOUND;
        return -1;
    }
    return fail(err, "internal", 0, "the processes were killed by signal %d while they entered the target (out of memory?)", run->tree.has_status ? status & 0x7f : 9);
}

/** The next message of one link; a status of the init is noted and is not one. 0 with `arrival`, or -1. */
static int await(struct run *run, int link, int64_t until, struct arrival *arrival, struct error *err) {
    for (;;) {
        int result = link_receive(link, arrival);
        if (result == 1 && arrival->message.kind == MESSAGE_STATUS) {
            run->tree.has_status = true;
            run->tree.status = arrival->message.value;
        } else if (result == 1) {
            return arrival->message.kind == MESSAGE_FAILED ? child_failed(run, &arrival->message, err) : 0;
        } else if (result == 0) {
            struct arrival last;
            if (link != run->tree.init_link && link_receive(run->tree.init_link, &last) == 1 && last.message.kind == MESSAGE_STATUS) {
                run->tree.has_status = true;
                run->tree.status = last.message.value;
            }
            return died_early(run, err);
        } else if (result != -EAGAIN) {
            return fail(err, "internal", -result, "hear from a child");
        }
        if (clock_ms() >= until) {
            return fail(err, "internal", 0, "the processes did not enter the target within %d s: does its cgroup get any CPU time?", START_LIMIT_MS / 1000);
        }
        pump(run, link, until);
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

/** PATH and HOME, the options' own, and for a dynamic program the two that bring the hook in. */
static const char **make_environment(const struct run *run) {
    size_t given = 0;
    while (run->options.environment != NULL && run->options.environment[given] != NULL) {
        given++;
    }
    const char **environment = calloc(given + 5, sizeof *environment);
    if (environment == NULL) {
        return NULL;
    }
    size_t count = 0;
    environment[count++] = program_path_variable();
    environment[count++] = "HOME=/";
    for (size_t i = 0; i < given; i++) {
        const char *name = run->options.environment[i];
        /* A later PATH or HOME takes the place of ours: a name must not stand there twice. */
        size_t length = strcspn(name, "=") + 1;
        size_t slot = count;
        for (size_t k = 0; k < count; k++) {
            slot = strncmp(environment[k], name, length) == 0 ? k : slot;
        }
        environment[slot] = name;
        count += slot == count ? 1 : 0;
    }
    if (run->program.dynamic) {
        environment[count++] = "LD_PRELOAD=/proc/self/fd/4"; /* WORKLOAD_HOOK */
        environment[count++] = "LD_BIND_NOW=1";
    }
    return environment;
}

static int launch(struct run *run, char **environment, struct error *err) {
    cleanup_close int init_link = -1;
    cleanup_close int workload_link = -1;
    struct tree *tree = &run->tree;
    if (link_make(&tree->init_link, &init_link, err) < 0 || link_make(&tree->workload_link, &workload_link, err) < 0) {
        return -1;
    }
    struct entry entry = {
        .namespaces = &run->target.namespaces,
        .steps = run->steps,
        .root = run->target.root,
        .scratch = run->scratch,
        .program = run->program.fd,
        .hook = run->hook,
        .plan = run->plan,
        .null = run->null,
        .output = 2,
        .argv = run->options.program,
        .environment = environment,
        .init_link = init_link,
        .workload_link = workload_link,
        .supervisor_links = {tree->init_link, tree->workload_link},
    };
    cleanup_close int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int result = self < 0 ? -errno : namespaces_read(&entry.own, self, false);
    if (result < 0) {
        return fail(err, "internal", -result, "read our own namespaces");
    }
    bool in_v2 = false;
    pid_t keeper = place_clone(&run->hierarchies, &in_v2, err);
    if (keeper == 0) {
        keeper_main(&entry);
    }
    if (keeper < 0) {
        return -1;
    }
    tree->keeper = keeper;
    set_oom_score(run);
    if (place_move(&run->hierarchies, keeper, in_v2, err) < 0) {
        return -1;
    }
    const struct message placed = {.kind = MESSAGE_PLACED};
    result = link_send(tree->init_link, &placed, NULL, 0);
    return result < 0 && result != -EPIPE && result != -ECONNRESET ? fail(err, "internal", -result, "let the keeper go on") : 0;
}

int start(struct run *run, struct error *err) {
    run->phase = PHASE_STARTING;
    run->started_ms = clock_ms();
    if (cgroup_is_frozen(&run->hierarchies)) {
        return fail(err, "cgroup-frozen", 0, "the target is paused: its cgroup is frozen, and so would the workload be");
    }
    sample_read(&run->at_start, &run->hierarchies);
    cleanup_free const char **environment = make_environment(run);
    if (environment == NULL) {
        return fail(err, "internal", ENOMEM, "make the environment");
    }
    if (launch(run, (char **)environment, err) < 0) {
        return -1;
    }
    int64_t until = clock_ms() + START_LIMIT_MS;
    struct arrival arrival;
    if (await(run, run->tree.init_link, until, &arrival, err) < 0) {
        return -1;
    }
    run->tree.init = arrival.sender;
    run->tree.init_fd = arrival.fds[0];
    run->tree.workload_fd = arrival.fds[1];
    if (arrival.message.kind != MESSAGE_TREE || run->tree.workload_fd < 0) {
        return fail(err, "internal", 0, "the init sent something else than the process tree");
    }
    if (await(run, run->tree.workload_link, until, &arrival, err) < 0) {
        return -1;
    }
    run->tree.workload = arrival.sender;
    return 0;
}

int release(struct run *run, struct error *err) {
    const struct message go = {.kind = MESSAGE_GO};
    int result = link_send(run->tree.workload_link, &go, NULL, 0);
    if (result < 0) {
        return fail(err, "internal", -result, "let the workload go on");
    }
    /* The link closes with execve of a static program, and in the hook of a dynamic one, after its last step: that is the proof of going on. */
    struct arrival arrival;
    int64_t until = clock_ms() + START_LIMIT_MS;
    for (;;) {
        result = link_receive(run->tree.workload_link, &arrival);
        if (result == 1 && arrival.message.kind == MESSAGE_FAILED) {
            return child_failed(run, &arrival.message, err);
        }
        if (result == 0) {
            break;
        }
        if (result != -EAGAIN || clock_ms() >= until) {
            return fail(err, "internal", result == -EAGAIN ? ETIMEDOUT : -result, "see the workload execute its program");
        }
        pump(run, run->tree.workload_link, until);
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
