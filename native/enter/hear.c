#include "enter/hear.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/format.h"
#include "enter/place.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Even a target that has used its CPU quota up gets a few milliseconds of each 100: this is for one that gets nothing at all. */
enum { HEAR_LIMIT_MS = 30000, EARLY_STATUS_MS = 2000, CONTINUE_EVERY_MS = 200 };

/** What the child could not do, in words. */
static int child_failed(const struct run *run, const struct message *message, struct error *err) {
    static const struct {
        enum step step;
        const char *code, *text;
    } words[] = {
        {STEP_FORK, "cgroup", "fork in the target's cgroup (its pids limit?)"},
        {STEP_NEWPID, "namespace", "make a pid namespace within the target's"},
        {STEP_NESTED, "namespace", "join the pid namespace within the target's"},
        {STEP_HARMLESS, "kernel", "put a seccomp filter over the processes that the target can see"},
        {STEP_TOOLS, "internal", "enter the root of the tools"},
        {STEP_DESCRIPTORS, "internal", "arrange the workload's descriptors"},
        {STEP_ROOT, "namespace", "change to the target's root directory"},
        {STEP_SCRATCH, "internal", "change to the working directory"},
        {STEP_GROUPS, "credentials", "take on the target's supplementary groups"},
        {STEP_GID, "credentials", "take on the target's gid"},
        {STEP_UID, "credentials", "take on the target's uid"},
        {STEP_CAPABILITIES, "credentials", "take on the target's capabilities"},
        {STEP_BOUNDING, "credentials", "take on the target's bounding set"},
        {STEP_AMBIENT, "credentials", "take on the target's ambient capabilities"},
        {STEP_NO_NEW_PRIVS, "credentials", "set no_new_privs"},
        {STEP_PROFILE, "confinement", "take on the target's AppArmor profile"},
        {STEP_OWN_FILTER, "kernel", "put a seccomp filter over the workload, that keeps the target's code out of it"},
        {STEP_FILTER, "confinement", "put the target's seccomp filter over the workload"},
        {STEP_WORKLOAD, "cgroup", "make the workload's process in the target's cgroup (its pids limit, or its seccomp filter?)"},
        {STEP_PLAN, "internal", "read the hook's plan"},
    };
    if (message->step < 0) {
        return fail(err, "internal", 0, "a child has failed at a step that there is not");
    }
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

/** The first of these that has ended otherwise than it should. */
static bool ended_badly(const struct children *children, int *status) {
    static const enum child_name names[] = {CHILD_NESTER, CHILD_NEST, CHILD_INIT, CHILD_KEEPER, CHILD_WORKLOAD};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (child_ended(children, names[i], status) && *status != 0) {
            return true;
        }
    }
    return false;
}

/** The loader of a dynamic program, the OOM killer, a seccomp filter or the target may end one before it can say a word. */
static int died_early(struct run *run, struct error *err) {
    int status = SIGKILL;
    int64_t until = clock_ms() + EARLY_STATUS_MS;
    while (!ended_badly(&run->children, &status) && clock_ms() < until) {
        pump(run, -1, until);
    }
    if (WIFEXITED(status)) {
        fail(err, "exec", 0, "`%s` ended with status %d before it had entered the target: %s", run->options.program[0], WEXITSTATUS(status),
             run->program.dynamic ? "see the loader's message on stderr; a library is missing in the toolbox, or in the image that nsexec runs in" : "nsexec is at fault");
        err->exit_code = EXIT_NOT_FOUND;
        return -1;
    }
    if (WTERMSIG(status) == SIGSYS) {
        return fail(err, "confinement", 0, "the target's seccomp filter kills whoever makes a system call that the workload needs to begin");
    }
    return fail(err, "internal", 0, "the processes were killed by signal %d while they entered the target (out of memory, or by the target?)", WTERMSIG(status));
}

/** One that was killed has said nothing, and others may still hold its end of the link. */
static bool one_was_killed(const struct children *children) {
    int status = 0;
    return ended_badly(children, &status) && WIFSIGNALED(status);
}

/** The keeper tells of the workload as soon as it is there: whoever keeps it from speaking for itself does not keep it from being known. */
static void note_workload(struct run *run, const struct arrival *arrival) {
    if (child_is_gone(&run->children, CHILD_WORKLOAD) && arrival->sender == run->children.slot[CHILD_KEEPER].pid) {
        (void)children_expect(&run->children, CHILD_WORKLOAD, arrival->message.value);
    }
}

/** Whether the workload has executed a static program: what /proc/PID/exe leads to tells, also where somebody of the target keeps a copy of its link from closing. */
static bool executes_program(const struct run *run) {
    char path[32];
    struct stat program;
    struct stat executed;
    format_text(path, sizeof path, "/proc/%d/exe", (int)run->children.slot[CHILD_WORKLOAD].pid); /* Not reaped: it is its own. */
    return !run->program.dynamic && fstat(run->program.fd, &program) == 0 && stat(path, &executed) == 0 && executed.st_ino == program.st_ino && executed.st_dev == program.st_dev;
}

/** What one look at the link has come to. */
enum heard { HEARD_IT, HEARD_NOTHING, HEARD_END, HEARD_OTHER };

/** What was waited for may have been said, or have been done without a word. */
static enum heard judge(struct run *run, int result, enum message_kind kind, const struct arrival *arrival) {
    int status = 0;
    if (result == 1 && (arrival->message.kind == (uint32_t)kind || (kind == MESSAGE_NONE && arrival->message.kind == MESSAGE_GOES_ON))) {
        return HEARD_IT;
    }
    if (result == 1 && arrival->message.kind == MESSAGE_WORKLOAD) {
        note_workload(run, arrival);
        return HEARD_OTHER;
    }
    /* One that was let go on may have ended before the keeper has, which holds the link too. */
    if (kind == MESSAGE_NONE && (result == 0 || executes_program(run) || (result == -EAGAIN && child_ended(&run->children, CHILD_WORKLOAD, &status)))) {
        return HEARD_IT;
    }
    return result == -EAGAIN ? HEARD_NOTHING : HEARD_END;
}

/** A target may stop what it sees; not traced, these go on only when they are told to. (One that is traced stops for every signal, which wakes us, and we would say nothing else to each other.) */
static void wait_for_more(struct run *run, int link, int64_t until) {
    int64_t soon = clock_ms() + CONTINUE_EVERY_MS;
    if (!run->children.traced) {
        child_signal(&run->children, CHILD_INIT, SIGCONT);
    }
    child_signal(&run->children, CHILD_WORKLOAD, SIGCONT);
    pump(run, link, soon < until ? soon : until);
}

static int hear_once(struct run *run, int link, enum message_kind kind, struct arrival *arrival, struct error *err) {
    int64_t until = clock_ms() + HEAR_LIMIT_MS;
    while (clock_ms() < until) {
        bool killed = one_was_killed(&run->children);
        int result = link_receive(link, arrival);
        close_fd(&arrival->fds[0]);
        close_fd(&arrival->fds[1]);
        if (result == 1 && arrival->message.kind == MESSAGE_FAILED) {
            return child_failed(run, &arrival->message, err);
        }
        enum heard heard = judge(run, result, kind, arrival);
        if (heard == HEARD_IT) {
            return 0;
        }
        if (result == 0 || (heard == HEARD_NOTHING && killed)) {
            return died_early(run, err);
        }
        if (heard == HEARD_END) {
            return fail(err, "internal", result < 0 ? -result : 0, "hear from a child");
        }
        if (heard == HEARD_NOTHING) {
            wait_for_more(run, link, until);
        } else {
            pump(run, -1, clock_ms()); /* Who says such things without end does not keep us from all else. */
        }
    }
    return fail(err, "internal", 0, "the processes did not enter the target within %d s: does its cgroup get any CPU time, or does the target stop them?", HEAR_LIMIT_MS / 1000);
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
