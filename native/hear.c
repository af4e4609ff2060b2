#include "hear.h"

#include "cleanup.h"
#include "clock.h"
#include "place.h"

#include <sys/wait.h>

/* Even a target that has used its CPU quota up gets a few milliseconds of each 100: this is for one that gets nothing at all. */
enum { HEAR_LIMIT_MS = 30000, EARLY_STATUS_MS = 2000 };

/** What the child could not do, in words. */
static int child_failed(const struct run *run, const struct message *message, struct error *err) {
    static const struct {
        enum step step;
        const char *code, *text;
    } words[] = {
        {STEP_FORK, "cgroup", "fork in the target's cgroup (its pids limit?)"},
        {STEP_NEWPID, "namespace", "make a pid namespace within the target's"},
        {STEP_NESTED, "namespace", "join the pid namespace within the target's"},
        {STEP_PIDFD, "kernel", "pidfd_open (Linux 5.3)"},
        {STEP_DESCRIPTORS, "internal", "arrange the workload's descriptors"},
        {STEP_EMPTY_ROOT, "internal", "change to an empty root directory"},
        {STEP_ROOT, "namespace", "change to the target's root directory"},
        {STEP_SCRATCH, "internal", "change to the working directory"},
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
    int hierarchy = message->step - STEP_PLACE;
    if (hierarchy >= 0 && (size_t)hierarchy < run->hierarchies.count) {
        return place_refused(&run->hierarchies.item[hierarchy], message->value, err);
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
static int died_early(struct run *run, struct error *err) {
    int status = SIGKILL;
    int64_t until = clock_ms() + EARLY_STATUS_MS;
    while (run->tree.workload != 0 && !tree_reaped(&run->tree, run->tree.workload, &status) && clock_ms() < until) {
        pump(run, -1, until);
    }
    if (WIFEXITED(status)) {
        fail(err, "exec", 0, "`%s` ended with status %d before it had entered the target: %s", run->options.program[0], WEXITSTATUS(status),
             run->program.dynamic ? "see the loader's message on stderr; a library is missing in nsexec's image" : "nsexec is at fault");
        err->exit_code = EXIT_NOT_FOUND;
        return -1;
    }
    return fail(err, "internal", 0, "the processes were killed by signal %d while they entered the target (out of memory?)", WTERMSIG(status));
}

/** A child that was killed has said nothing, and others may still hold its end of the link. */
static bool one_was_killed(const struct tree *tree) {
    for (size_t i = 0; i < tree->reaped_count && i < REAPED_MAX; i++) {
        if (WIFSIGNALED(tree->reaped[i].status)) {
            return true;
        }
    }
    return false;
}

static int hear_once(struct run *run, int link, enum message_kind kind, struct arrival *arrival, struct error *err) {
    int64_t until = clock_ms() + HEAR_LIMIT_MS;
    for (;;) {
        bool killed = one_was_killed(&run->tree);
        int result = link_receive(link, arrival);
        if (result == 1 && arrival->message.kind == MESSAGE_FAILED) {
            return child_failed(run, &arrival->message, err);
        }
        if (result == 1 && arrival->message.kind == (uint32_t)kind) {
            return 0;
        }
        if (result == 0 && kind == MESSAGE_NONE) {
            return 0;
        }
        if (result == 0 || (result == -EAGAIN && killed)) {
            return died_early(run, err);
        }
        if (result != -EAGAIN) {
            close_fd(&arrival->fds[0]);
            return fail(err, "internal", result < 0 ? -result : 0, "hear from a child");
        }
        if (clock_ms() >= until) {
            return fail(err, "internal", 0, "the processes did not enter the target within %d s: does its cgroup get any CPU time?", HEAR_LIMIT_MS / 1000);
        }
        pump(run, link, until);
    }
}

int hear(struct run *run, int link, enum message_kind kind, struct arrival *arrival, struct error *err) {
    if (hear_once(run, link, kind, arrival, err) == 0) {
        return 0;
    }
    if (target_ends_soon(run)) {
        return fail(err, "target-gone", 0, "process %d, the target, ended while the workload was on its way in", (int)run->target.pid);
    }
    return -1;
}
