#include "guardian.h"

#include "cleanup.h"
#include "clock.h"
#include "files.h"
#include "link.h"
#include "place.h"
#include "sys.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Past the deadline a shim that is alive and has not undone is stuck. */
enum { AFTER_DEADLINE_MS = 10000, READY_LIMIT_MS = 5000, DISMISS_LIMIT_MS = 1000 };
/* Children die with the shim, but not in the same instant: looked again a moment later, and as long as something is there. */
enum { AGAIN_MS = 50, UNDO_LIMIT_MS = 30000 };

enum said { SAID_ON_GUARD = 'g', SAID_INSIDE = 'i', SAID_FAILED = 'f', SAID_DISMISSED = 'd' };

static void pause_ms(int ms) { poll(NULL, 0, ms); }

/** What a guardian keeps, in the places where it keeps it. */
enum kept { KEPT_SHIM = 3, KEPT_LINK, KEPT_LEASH, KEPT_END };

/** Keeps these, and no other; what stdio pointed at is let go. */
static bool let_go(int shim, int link, int leash) {
    const int from[] = {shim, link, leash};
    int parked[3];
    cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        parked[i] = fcntl(from[i], F_DUPFD_CLOEXEC, KEPT_END);
        if (parked[i] < 0 || null < 0 || dup2(null, i) < 0) {
            return false;
        }
    }
    close_fd(&null);
    for (int i = 0; i < 3; i++) {
        if (dup2(parked[i], KEPT_SHIM + i) < 0) {
            return false;
        }
    }
    sys_close_from(KEPT_END, ~0U);
    return true;
}

/**
 * Until it is clean, and none of our programs was left before to put it back: the leash closes with a program's descriptors, after its last system call. At once where it can
 * be: the kubelet may look for last words within milliseconds. What was left, or 0.
 */
static int undo_until_clean(const struct undo_list *undo) {
    int64_t until = clock_ms() + UNDO_LIMIT_MS;
    for (;;) {
        struct error ignored = {0};
        struct pollfd others = {.fd = KEPT_LEASH, .events = POLLIN};
        bool alone = poll(&others, 1, 0) == 1;
        (void)undo_run(undo, &ignored); /* What counts is whether it is there. */
        int left = undo_present(undo, NULL, 0, &ignored);
        if ((alone && left == 0) || clock_ms() >= until) {
            return left;
        }
        pause_ms(AGAIN_MS);
    }
}

/** To the termination log alone: nobody reads our stdio any more, and the container's must not be held. */
static void report(struct run *run, int left, int64_t since) {
    struct json line = {0};
    run->events.fd = -1;
    if (left != 0) {
        struct error err = {0};
        fail(&err, "undo", 0, "the shim was killed, and its guardian could not undo everything");
        event_error(&run->events, &err, "unknown: something of the fault may be left in the target's network namespace");
        return;
    }
    event_begin(&line, "reverted");
    json_number(&line, "elapsed_ms", clock_ms() - since);
    json_number(&line, "left", 0);
    json_string(&line, "by", "guardian");
    event_emit_last(&run->events, &line);
}

/** Until the shim has died, or has to; ends when told to. */
static void watch_shim(int64_t until) {
    struct pollfd ready[] = {{.fd = KEPT_SHIM, .events = POLLIN}, {.fd = KEPT_LINK, .events = POLLIN}};
    for (;;) {
        char word = SAID_ON_GUARD;
        int64_t left = until - clock_ms();
        int count = left <= 0 ? 0 : poll(ready, 2, left > 60000 ? 60000 : (int)left + 1);
        if (count > 0 && ready[1].revents != 0) {
            if (recv(KEPT_LINK, &word, 1, MSG_DONTWAIT) == 1 && word == SAID_DISMISSED) {
                sys_exit(0);
            }
            /* Closed without a word: it is dying, and its pidfd says so in a moment. */
            ready[1].fd = -1;
            ready[1].revents = 0;
        }
        if (count > 0 && ready[0].revents != 0) {
            return;
        }
        if (left <= 0) {
            sys4(__NR_pidfd_send_signal, KEPT_SHIM, SIGKILL, 0, 0);
            return;
        }
    }
}

__attribute__((noreturn)) static void guard(struct run *run, const struct undo_list *undo, bool in_v2, int64_t until, int shim, int link, int leash) {
    prctl(PR_SET_NAME, "nsexec:guardian", 0, 0, 0);
    sys0(__NR_setsid);
    bool outside = place_outside(&run->hierarchies, in_v2);
    long entered = sys2(__NR_setns, run->target.namespaces.fd[NS_NET], CLONE_NEWNET);
    (void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "-1000"); /* Lowering needs CAP_SYS_RESOURCE; without it the OOM killer sees a process of a few pages. */
    enum said said = entered < 0 || !let_go(shim, link, leash) ? SAID_FAILED : outside ? SAID_ON_GUARD : SAID_INSIDE;
    const char word = (char)said;
    /* Not heard: the shim died meanwhile, and where this is not its first guardian there is something to undo. */
    (void)send(said == SAID_FAILED ? link : KEPT_LINK, &word, 1, MSG_NOSIGNAL);
    if (said == SAID_FAILED) {
        sys_exit(EXIT_OWN_FAILURE);
    }
    watch_shim(until);
    int64_t since = clock_ms();
    report(run, undo_until_clean(undo), since);
    sys_exit(0);
}

static int await_word(struct guardian *guardian, struct run *run, char *word) {
    int64_t until = clock_ms() + READY_LIMIT_MS;
    while (clock_ms() < until) {
        if (pump(run, guardian->link, until)) {
            return recv(guardian->link, word, 1, MSG_DONTWAIT) == 1 ? 0 : -1;
        }
    }
    return -1;
}

int guardian_start(struct guardian *guardian, struct run *run, const struct undo_list *undo, struct error *err) {
    int ends[2] = {-1, -1};
    int leash[2] = {-1, -1};
    int64_t until = (run->phase == PHASE_ACTIVE ? run->deadline : clock_ms() + run->options.duration_ms) + AFTER_DEADLINE_MS;
    cleanup_close int shim = (int)sys2(__NR_pidfd_open, sys0(__NR_getpid), 0);
    char word = SAID_FAILED;
    if (shim < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail(err, "internal", errno, "make the guardian's link");
    }
    guardian->link = ends[0];
    cleanup_close int theirs = ends[1];
    int piped = pipe2(leash, O_CLOEXEC);
    guardian->leash = leash[1];
    cleanup_close int their_leash = leash[0];
    bool in_v2 = false;
    pid_t pid = piped < 0 ? fail(err, "internal", errno, "make the guardian's leash") : place_clone(&run->hierarchies, PLACE_OUTSIDE, &in_v2, err);
    if (pid == 0) {
        guard(run, undo, in_v2, until, shim, theirs, their_leash);
    }
    if (pid < 0) {
        guardian_close(guardian);
        return wrap(err, "make the guardian");
    }
    tree_expect(&run->tree, AWAITED_GUARDIAN, pid);
    guardian->pid = pid;
    close_fd(&theirs);
    if (await_word(guardian, run, &word) < 0 || word == SAID_FAILED) {
        guardian_dismiss(guardian, run);
        return fail(err, "internal", 0, "the guardian, which would undo if nsexec were killed, did not come up");
    }
    if (word == SAID_INSIDE) {
        event_warn(&run->events, "guardian", "the guardian could not leave the agent's cgroup: what kills the agent's container kills it too");
    }
    return 0;
}

bool guardian_lost(const struct guardian *guardian, const struct run *run) {
    int status = 0;
    return guardian->pid != 0 && tree_ended(&run->tree, AWAITED_GUARDIAN, &status);
}

void guardian_close(struct guardian *guardian) {
    guardian->pid = 0;
    close_fd(&guardian->link);
    close_fd(&guardian->leash);
}

void guardian_dismiss(struct guardian *guardian, struct run *run) {
    static const char word = SAID_DISMISSED;
    int status = 0;
    if (guardian->pid == 0) {
        return;
    }
    send(guardian->link, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    int64_t until = clock_ms() + DISMISS_LIMIT_MS;
    while (!tree_ended(&run->tree, AWAITED_GUARDIAN, &status)) {
        if (clock_ms() >= until) {
            sys2(__NR_kill, guardian->pid, SIGKILL);
        }
        pump(run, -1, clock_ms() + AGAIN_MS);
    }
    guardian_close(guardian);
}
