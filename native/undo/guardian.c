#include "undo/guardian.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "enter/link.h"
#include "enter/place.h"
#include "errand.h"
#include "undo/undo-network.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Past the deadline a shim that is alive and has not undone is stuck; but the end of a workload takes its time, and so does the removal of what it has left. */
enum { AFTER_DEADLINE_MS = 10000, WORKLOAD_ENDS_MS = 150000, READY_LIMIT_MS = 5000, DISMISS_LIMIT_MS = 1000, DISMISS_GIVE_UP_MS = 5000 };
/* Before `active`: each apply may take ERRAND_LIMIT_MS, and so may each undo when one of them fails. */
enum { STARTING_LIMIT_MS = 2 * UNDO_MAX * ERRAND_LIMIT_MS };
/* How often it wakes without having heard from us. */
enum { SILENCES_MAX = 15 };
/* Children die with the shim, but not in the same instant: looked again a moment later, and as long as something is there. */
enum { AGAIN_MS = 50, UNDO_LIMIT_MS = 60000, HANGS_MS = 5000, WORKLOAD_DIES_MS = 1000 };

static void pause_ms(int ms) { poll(NULL, 0, ms); }

/** What a guardian keeps, in the places where it keeps it; the descriptors of the list come after these. */
enum kept { KEPT_SHIM = 3, KEPT_LINK, KEPT_LEASH, KEPT_END };

/** What a guardian knows. */
struct watch {
    struct undo_list undo; /**< its own copy */
    int init;              /**< pidfd of the workload's; -1: there is none yet */
    int64_t until;         /**< clock_ms() */
    int64_t active_ms;     /**< how long it is patient from `active` on */
    int silences;
};

/** Keeps these and those of the list, which is its own copy, and no other; what stdio pointed at is let go. `events`: the pipe to the agent, or -1. */
static bool let_go(int shim, int link, int leash, int *events, struct watch *watch) {
    enum { ALL = KEPT_END - KEPT_SHIM + 2 + UNDO_MAX * UNDO_FDS };
    int *kept[ALL] = {&shim, &link, &leash};
    int parked[ALL];
    int count = KEPT_END - KEPT_SHIM;
    if (watch->init >= 0) {
        kept[count++] = &watch->init;
    }
    if (*events >= 0) {
        kept[count++] = events;
    }
    struct undo_list *undo = &watch->undo;
    for (size_t i = 0; i < undo->count; i++) {
        int *fds[UNDO_FDS];
        size_t has = undo_descriptors(&undo->item[i], fds);
        for (size_t k = 0; k < has; k++) {
            if (*fds[k] >= 0) {
                kept[count++] = fds[k];
            }
        }
    }
    cleanup_close int null = open_null(O_RDWR);
    for (int i = 0; i < 3; i++) {
        if (null < 0 || dup2(null, i) < 0) {
            return false;
        }
    }
    close_fd(&null);
    for (int i = 0; i < count; i++) {
        parked[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, KEPT_SHIM + count);
        if (parked[i] < 0) {
            return false;
        }
    }
    for (int i = 0; i < count; i++) {
        *kept[i] = KEPT_SHIM + i;
        if (dup2(parked[i], *kept[i]) < 0) {
            return false;
        }
    }
    sys_close_from(KEPT_SHIM + (unsigned int)count, ~0U);
    return true;
}

/**
 * Until it is clean, and none of our programs was left before to put it back: the leash closes with a program's descriptors, after its last system call. At once where it can
 * be: the kubelet may look for last words within milliseconds. What was left, or 0; `why` has the last failure.
 */
static int undo_until_clean(struct undo_list *undo, int events, struct error *why) {
    int64_t until = clock_ms() + UNDO_LIMIT_MS;
    /* By the record a sweep finds what a child puts there that hangs until later than this. */
    size_t all = undo->count;
    size_t for_now = all > 0 && undo->item[all - 1].kind == UNDO_RECORD ? all - 1 : all;
    for (;;) {
        struct error ignored = {0};
        struct pollfd others = {.fd = KEPT_LEASH, .events = POLLIN};
        bool alone = poll(&others, 1, 0) == 1;
        undo->count = alone ? all : for_now;
        network_learn(events, undo);
        (void)undo_run(undo, true, why); /* What counts is whether it is there. */
        undo->count = all;
        int left = undo_present(undo, NULL, 0, &ignored);
        if ((alone && left == 0) || clock_ms() >= until) {
            return alone ? left : left + 1;
        }
        pause_ms(AGAIN_MS);
    }
}

/**
 * To the termination log alone: nobody reads our stdio any more, and the container's must not be held. A shim of an agent has a pipe to that instead, in which it may have been killed within
 * a line: the byte in front of the newline, which JSON has not, says that this is none.
 */
static void report(struct run *run, const struct undo_list *undo, int left, const char *why, int64_t since) {
    static const char cut[] = {EVENTS_CUT, '\n'};
    struct json line = {0};
    json_raw(&run->events.queue, cut, sizeof cut);
    if (left != 0) {
        struct error err = {0};
        fail(&err, "undo", 0, "the shim was killed, and its guardian could not undo everything: %.512s", why);
        event_error(&run->events, &err, undo_unknown(undo));
    } else {
        event_begin(&line, "reverted");
        json_number(&line, "elapsed_ms", clock_ms() - since);
        json_number(&line, "left", 0);
        json_string(&line, "by", "guardian");
        event_emit_last(&run->events, &line);
    }
    events_close(&run->events);
}

static void undo_and_report(struct run *run, struct undo_list *undo, int events) {
    struct error why = {0};
    char message[sizeof why.text + 64];
    int64_t since = clock_ms();
    int left = undo_until_clean(undo, events, &why);
    error_message(&why, message, sizeof message);
    report(run, undo, left, why.text[0] == '\0' ? "it comes back" : message, since);
}

/** By a child where a file system takes part, which may never answer: then that much is said. */
static void undo_by_child(struct run *run, struct undo_list *undo) {
    int pidfd = -1;
    int64_t since = clock_ms();
    long pid = sys5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (pid <= 0) {
        undo_and_report(run, undo, -1);
        return;
    }
    if (!pidfd_ends_within(pidfd, UNDO_LIMIT_MS + HANGS_MS)) {
        report(run, undo, 1, "the file system does not answer", since);
        /* Nor may it go on for ever where somebody adds what it removes. */
        sys4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
    }
}

/** The directory has been made, and is known from now on by more than its name. */
static void take_directory(struct undo_list *undo, struct arrival *arrival) {
    for (size_t i = 0; i < undo->count; i++) {
        if (undo->item[i].kind == UNDO_DIRECTORY && undo->item[i].directory < 0) {
            undo->item[i].directory = steal_fd(&arrival->fds[0]);
        }
    }
}

static void take_word(struct watch *watch, struct arrival *arrival) {
    switch (arrival->message.kind) {
    case MESSAGE_DISMISSED:
        sys_exit(0);
    case MESSAGE_ACTIVE:
        watch->until = clock_ms() + watch->active_ms;
        break;
    case MESSAGE_INIT:
        close_fd(&watch->init);
        watch->init = steal_fd(&arrival->fds[0]);
        break;
    case MESSAGE_DIRECTORY:
        take_directory(&watch->undo, arrival);
        break;
    default:
        break;
    }
    close_fd(&arrival->fds[0]);
    close_fd(&arrival->fds[1]);
}

/** All that the shim has said by now. 0 when it may say more; 1 when it is dying, and its pidfd says so in a moment. */
static int listen_to_shim(struct watch *watch) {
    struct arrival arrival;
    int result = 0;
    while ((result = link_receive(KEPT_LINK, &arrival)) == 1) {
        watch->silences = 0;
        take_word(watch, &arrival);
    }
    return result != -EAGAIN;
}

/** Until the shim has died, or has to; ends when told to. */
static void watch_shim(struct watch *watch) {
    struct pollfd ready[] = {{.fd = KEPT_SHIM, .events = POLLIN}, {.fd = KEPT_LINK, .events = POLLIN}};
    while (watch->silences < SILENCES_MAX && clock_ms() < watch->until) {
        int count = poll(ready, 2, PULSE_MS);
        watch->silences += count == 0;
        if (count > 0 && ready[1].revents != 0 && listen_to_shim(watch) != 0) {
            ready[1].fd = -1;
            ready[1].revents = 0;
        }
        if (count > 0 && ready[0].revents != 0) {
            return;
        }
    }
}

/** The shim, if it has not died, and with it, or where it cannot die now, all that is in the workload's pid namespace. */
static void end_shim_and_workload(const struct watch *watch) {
    sys4(__NR_pidfd_send_signal, KEPT_SHIM, SIGKILL, 0, 0);
    /* What it was about to do in the kernel, it does before it dies. */
    (void)pidfd_ends_within(KEPT_SHIM, WORKLOAD_DIES_MS);
    if (watch->init >= 0) {
        sys4(__NR_pidfd_send_signal, watch->init, SIGKILL, 0, 0);
        /* What a workload does, it could do again after it is undone. */
        (void)pidfd_ends_within(watch->init, WORKLOAD_DIES_MS);
    }
}

static void say(int link, enum message_kind kind) {
    const struct message message = {.kind = kind};
    (void)link_send(link, &message, NULL, 0);
}

static void undo_all(struct run *run, struct watch *watch, int events) {
    if (watch->undo.count == 0) {
        return; /* What there was has ended with its pid namespace. */
    }
    if (undo_needs_network(&watch->undo)) {
        undo_and_report(run, &watch->undo, events);
    } else {
        undo_by_child(run, &watch->undo);
    }
}

__attribute__((noreturn)) static void guard(struct run *run, struct watch *watch, bool in_v2, int shim, int link, int leash) {
    bool network = undo_needs_network(&watch->undo);
    prctl(PR_SET_NAME, "nsexec:guardian", 0, 0, 0);
    sys0(__NR_setsid);
    size_t which = 0;
    bool outside = place_self(&run->hierarchies, PLACE_OUTSIDE, in_v2, &which) == 0;
    long entered = network ? sys2(__NR_setns, run->target.namespaces.fd[NS_NET], CLONE_NEWNET) : 0;
    (void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "-1000"); /* Lowering needs CAP_SYS_RESOURCE; without it the OOM killer sees a process of a few pages. */
    /* What waits there is the shim's to say. */
    json_free(&run->events.queue);
    run->events.fd = run->name == NULL ? -1 : run->events.fd;
    if (entered < 0 || !let_go(shim, link, leash, &run->events.fd, watch)) {
        say(link, MESSAGE_FAILED);
        sys_exit(EXIT_OWN_FAILURE);
    }
    /* Read only when it undoes: what is kept is what came first. */
    int events = network ? network_listen(&watch->undo) : -1;
    /* Where this is not heard the shim has died meanwhile; the guardian goes on all the same, since an earlier one of this run may have left something to undo. */
    say(KEPT_LINK, outside ? MESSAGE_ON_GUARD : MESSAGE_INSIDE);
    watch_shim(watch);
    end_shim_and_workload(watch);
    undo_all(run, watch, events);
    sys_exit(0);
}

static enum message_kind await_word(const struct guardian *guardian, struct run *run) {
    int64_t until = clock_ms() + READY_LIMIT_MS;
    struct arrival arrival;
    while (clock_ms() < until) {
        if (pump(run, guardian->link, until)) {
            return link_receive(guardian->link, &arrival) == 1 ? (enum message_kind)arrival.message.kind : MESSAGE_FAILED;
        }
    }
    return MESSAGE_FAILED;
}

/** How long from `active` on, until a shim that is still there is stuck. */
static int64_t patience(const struct run *run) {
    return run->options.duration_ms + AFTER_DEADLINE_MS + (run->hold != NULL ? 0 : run->options.grace_ms + WORKLOAD_ENDS_MS);
}

int guardian_start(struct guardian *guardian, struct run *run, const struct undo_list *undo, struct error *err) {
    int ends[2] = {-1, -1};
    int leash[2] = {-1, -1};
    struct watch watch = {.undo = *undo, .init = run->children.slot[CHILD_INIT].pidfd, .active_ms = patience(run)};
    watch.until = run->phase == PHASE_ACTIVE ? run->active_ms + watch.active_ms : clock_ms() + STARTING_LIMIT_MS + watch.active_ms;
    cleanup_close int shim = (int)sys2(__NR_pidfd_open, sys0(__NR_getpid), 0);
    if (shim < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail(err, "internal", errno, "make the guardian's link");
    }
    guardian->link = ends[0];
    cleanup_close int theirs = ends[1];
    int piped = pipe2(leash, O_CLOEXEC);
    guardian->leash = leash[1];
    cleanup_close int their_leash = leash[0];
    bool in_v2 = false;
    pid_t pid = piped < 0 ? -errno : place_clone(&run->hierarchies, PLACE_OUTSIDE, 0, &in_v2);
    if (pid == 0) {
        guard(run, &watch, in_v2, shim, theirs, their_leash);
    }
    if (pid < 0) {
        guardian_close(guardian);
        return fail(err, "internal", -pid, "make the guardian");
    }
    int expected = children_expect(&run->children, CHILD_GUARDIAN, pid);
    if (expected < 0) {
        return fail(err, "internal", -expected, "hold the guardian");
    }
    guardian->pid = pid;
    run->next_pulse = clock_ms() + PULSE_MS;
    close_fd(&theirs);
    enum message_kind word = await_word(guardian, run);
    if (word != MESSAGE_ON_GUARD && word != MESSAGE_INSIDE) {
        guardian_dismiss(guardian, run);
        return fail(err, "internal", 0, "the guardian, which would undo if nsexec were killed, did not come up");
    }
    if (word == MESSAGE_INSIDE) {
        event_warn(&run->events, "guardian", "the guardian could not leave the agent's cgroup: what kills the agent's container kills it too");
    }
    return 0;
}

bool guardian_lost(const struct guardian *guardian, const struct run *run) {
    int status = 0;
    return guardian->pid != 0 && child_ended(&run->children, CHILD_GUARDIAN, &status);
}

void guardian_close(struct guardian *guardian) {
    guardian->pid = 0;
    close_fd(&guardian->link);
    close_fd(&guardian->leash);
}

void guardian_tell(const struct guardian *guardian, int directory) {
    const struct message message = {.kind = MESSAGE_DIRECTORY};
    (void)link_send(guardian->link, &message, &directory, 1); /* One that is not there any more is replaced by one that knows. */
}

void guardian_tell_init(const struct guardian *guardian, int pidfd) {
    const struct message message = {.kind = MESSAGE_INIT};
    (void)link_send(guardian->link, &message, &pidfd, 1);
}

void guardian_tell_active(const struct guardian *guardian) { say(guardian->link, MESSAGE_ACTIVE); }

void guardian_pulse(const struct guardian *guardian) {
    if (guardian->link >= 0) {
        say(guardian->link, MESSAGE_PULSE);
    }
}

void guardian_dismiss(struct guardian *guardian, struct run *run) {
    int status = 0;
    if (guardian->pid == 0) {
        return;
    }
    say(guardian->link, MESSAGE_DISMISSED);
    int64_t since = clock_ms();
    while (!child_ended(&run->children, CHILD_GUARDIAN, &status) && clock_ms() - since < DISMISS_GIVE_UP_MS) {
        if (clock_ms() - since >= DISMISS_LIMIT_MS) {
            child_signal(&run->children, CHILD_GUARDIAN, SIGKILL);
        }
        pump(run, -1, clock_ms() + AGAIN_MS);
    }
    if (!child_ended(&run->children, CHILD_GUARDIAN, &status)) {
        event_warn(&run->events, "guardian", "the guardian (process %d) has been killed and has not ended: it waits for something that does not answer, and ends when that does", (int)guardian->pid);
    }
    guardian_close(guardian);
}
