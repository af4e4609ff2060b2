#include "run.h"

#include "base/clock.h"
#include "base/sys.h"
#include "enter/tool-root.h"
#include "hold/hold.h"
#include "path/probe.h"
#include "undo/revert.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Never collected: they are about us, and blocked they would make an endless loop of a fault. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

/* How often stdin is looked at again after its end: a FIFO can have a writer once more. */
enum { STDIN_RETRY_MS = 250 };

/* Processes that are killed together become visible as dead one after the other. */
enum { TOGETHER_MS = 100 };

int signals_collect(struct run *run, struct error *err) {
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset(&all, faults[i]);
    }
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) {
        return fail(err, "internal", errno, "block signals");
    }
    /*
     * A signal that our parent ignored would reach neither the signalfd nor, after execve, the workload; SIGCHLD ignored would reap behind our back. By system
     * call: glibc's posix_spawn leaves 32 and 33 ignored in what it starts (make uses it), and no libc lets these be set.
     */
    for (int number = 1; number <= 64; number++) {
        struct {
            uint64_t handler, flags, restorer, mask;
        } action = {0};
        if (sys4(__NR_rt_sigaction, number, 0, &action, sizeof action.mask) == 0 && action.handler == (uint64_t)SIG_IGN) {
            action.handler = (uint64_t)SIG_DFL;
            sys4(__NR_rt_sigaction, number, &action, 0, sizeof action.mask);
        }
    }
    run->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signals < 0 ? fail(err, "internal", errno, "make a signalfd") : 0;
}

void run_end(struct run *run, enum reason reason) {
    if (run->reason == REASON_NONE) {
        run->reason = reason;
    }
}

/* A runtime ends a container by the signal that its image names (STOPSIGNAL), which may be any that is sent by a process. */
bool signal_ends(const struct options *options, const struct signalfd_siginfo *info) {
    uint32_t number = info->ssi_signo;
    bool sent = info->ssi_code == SI_USER || info->ssi_code == SI_QUEUE || info->ssi_code == SI_TKILL;
    return number == SIGTERM || number == SIGINT || number == SIGHUP || (options->any_signal && sent && number != SIGPIPE);
}

static void take_signal(struct run *run, const struct signalfd_siginfo *info) {
    int number = (int)info->ssi_signo;
    if (number == SIGCHLD) {
        children_reap(&run->children);
    } else if (signal_ends(&run->options, info)) {
        if (run->reason == REASON_NONE) {
            run->reason_signal = number;
        }
        run_end(run, REASON_SIGNAL);
    } else if (number != SIGPIPE) {
        if (run->phase == PHASE_ACTIVE) {
            child_signal(&run->children, CHILD_WORKLOAD, number);
        } else if (run->phase != PHASE_ENDING) {
            run->to_forward |= UINT64_C(1) << (number - 1);
        }
    }
}

static void take_signals(struct run *run) {
    struct signalfd_siginfo info;
    while (read(run->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        take_signal(run, &info);
    }
}

static void take_workload(struct run *run) {
    bool before = run->phase == PHASE_WAITING && !run->start_asked;
    const char *why = "it comes too late: `start` has been said";
    if (before) {
        why = workload_line_take(&run->workload, run->options.program[0], run->lines.text, run->lines.length);
    }
    if (why != NULL) {
        event_warn(&run->events, "stdin", "a `workload` line was not taken: %s", why);
    }
}

/** Without a lease the wait for `start` ends after the duration: what comes before it that takes its time must not use that up. */
static void wait_anew(struct run *run) {
    if (run->phase == PHASE_WAITING && !run->start_asked) {
        run->deadline = clock_ms() + run->options.duration_ms;
    }
}

/** Of a toolbox that is on its way, each line tells that its sender is there. */
static void take_toolbox_line(struct run *run) {
    const char *why = toolbox_take_line(&run->toolbox, run->lines.text, run->lines.length, run->phase == PHASE_WAITING && !run->start_asked);
    run->lease_until = clock_ms() + run->options.lease_ms;
    wait_anew(run);
    if (why != NULL) {
        event_warn(&run->events, "stdin", "a `%.5s` line was not taken: %s", run->lines.text, why);
    }
}

/** Of a line that `run` and `hold` have none of their own words for. */
static void take_other(struct run *run) {
    bool runs = run->options.command == COMMAND_RUN;
    /* That of an agent comes to the agent, for all its shims. */
    if ((runs || run->hold != NULL) && run->name == NULL && toolbox_line_of(run->lines.text, run->lines.length) != TOOLBOX_LINE_NONE) {
        take_toolbox_line(run);
    } else if (run->hold != NULL) {
        hold_take_line(run, run->lines.text, run->lines.length);
    } else if (runs && workload_line_is(run->lines.text, run->lines.length)) {
        take_workload(run);
    } else {
        event_warn(&run->events, "stdin", "unknown line on stdin: `%.256s`", run->lines.text);
    }
}

static void take_word(struct run *run, enum word word) {
    switch (word) {
    case WORD_START:
        if (run->hold != NULL && !run->start_asked) {
            run->hold->before_start = run->hold->asked.count;
        }
        run->start_asked = true;
        run->lease_until = clock_ms() + run->options.lease_ms;
        break;
    case WORD_BEAT:
        run->lease_until = clock_ms() + run->options.lease_ms;
        wait_anew(run);
        if (run->phase == PHASE_WAITING && !run->start_asked) {
            report_resolved(run, WEIGHT_NOTICE);
        }
        break;
    case WORD_STOP:
        run_end(run, REASON_STOPPED);
        break;
    case WORD_OTHER:
        take_other(run);
        break;
    case WORD_TOO_LONG:
        event_warn(&run->events, "stdin", "a line on stdin is longer than %llu bytes", (unsigned long long)run->lines.limit);
        if (run->hold != NULL) {
            run->hold->spoiled = true;
        } else if (run->lines.text != NULL && workload_line_is(run->lines.text, run->lines.length)) {
            run->workload.spoiled = true;
        }
        break;
    }
}

static void take_bytes(struct run *run, const char *bytes, size_t length) {
    while (length > 0) {
        enum word word = WORD_OTHER;
        bool taken = false;
        size_t count = lines_take(&run->lines, bytes, length, &taken, &word);
        bytes += count;
        length -= count;
        if (taken) {
            take_word(run, word);
        }
    }
}

void take_orders(struct run *run) {
    const char *const *orders = run->options.orders;
    if (orders == NULL) {
        return;
    }
    (void)path_serve(run);
    /* Of stdin there may be the beginning of a line already. */
    struct lines of_stdin = run->lines;
    run->lines = (struct lines){.limit = of_stdin.limit};
    for (size_t i = 0; orders[i] != NULL; i++) {
        take_bytes(run, orders[i], strlen(orders[i]));
        take_bytes(run, "\n", 1);
    }
    lines_free(&run->lines);
    run->lines = of_stdin;
}

static void take_stdin(struct run *run) {
    char bytes[64 << 10];
    ssize_t got = read(0, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    run->stdin_open = got > 0;
    take_bytes(run, bytes, got > 0 ? (size_t)got : 0);
}

static int64_t sooner(int64_t first, int64_t second) { return second != 0 && second < first ? second : first; }

/** Its time is counted: while it waits for `start` only where no lease ends that. */
static bool is_bounded(const struct run *run) { return run->phase == PHASE_ACTIVE || (run->phase == PHASE_WAITING && run->options.lease_ms == 0); }

/** The time until which nothing of ours is due. */
static int64_t next_wake(const struct run *run, int64_t now, int64_t until) {
    if (run->phase == PHASE_OPENING) {
        return until;
    }
    int64_t wake = sooner(sooner(sooner(run->next_sample, until), run->path.next_probe), run->next_pulse);
    if (run->phase != PHASE_ENDING && run->options.lease_ms != 0) {
        wake = sooner(wake, run->lease_until);
    }
    if (is_bounded(run)) {
        wake = sooner(wake, run->deadline);
    }
    return run->stdin_open ? wake : sooner(wake, now + STDIN_RETRY_MS);
}

static void take_time(struct run *run) {
    int64_t now = clock_ms();
    if (run->phase == PHASE_OPENING) {
        return;
    }
    if (run->next_pulse != 0 && now >= run->next_pulse) {
        guardian_pulse(&run->revert->guardian);
        run->next_pulse = now + PULSE_MS;
    }
    if (run->path.next_probe != 0 && now >= run->path.next_probe) {
        run->path.due = true;
        run->path.next_probe = now + run->options.probe_ms;
    }
    if (now >= run->next_sample) {
        report_sample(run);
        if (run->hold != NULL) {
            run->hold->counts_due = true;
        }
        run->next_sample = now + run->options.sample_ms;
    }
    if (run->phase == PHASE_ENDING) {
        return;
    }
    if (run->options.lease_ms != 0 && now >= run->lease_until) {
        run_end(run, REASON_LEASE);
    }
    if (is_bounded(run) && now >= run->deadline) {
        run_end(run, REASON_DEADLINE);
    }
}

bool pump(struct run *run, int link, int64_t until) {
    enum { SIGNALS, LINK, TARGET, INPUT, OUTPUT, SAID, TOOLS, COUNT };
    toolbox_report(&run->toolbox, &run->events);
    bool stalled = events_flush(&run->events);
    bool busy = run->reason == REASON_NONE && toolbox_is_busy(&run->toolbox);
    if (run->children.more) {
        children_reap(&run->children);
    }
    struct pollfd ready[COUNT] = {
        [SIGNALS] = {.fd = run->signals, .events = POLLIN},
        [LINK] = {.fd = link, .events = POLLIN},
        [TARGET] = {.fd = run->reason == REASON_TARGET_GONE || run->phase == PHASE_ENDING || (run->options.target_may_end && run->phase == PHASE_ACTIVE) ? -1 : run->target.pidfd, .events = POLLIN},
        [INPUT] = {.fd = run->stdin_open && run->phase != PHASE_OPENING ? 0 : -1, .events = POLLIN},
        [OUTPUT] = {.fd = stalled ? run->events.fd : -1, .events = POLLOUT},
        [SAID] = {.fd = run->output.from, .events = POLLIN},
        [TOOLS] = {.fd = run->toolbox_link, .events = POLLIN},
    };
    int64_t now = clock_ms();
    int64_t wait = next_wake(run, now, until) - now;
    /* One more millisecond: poll counts in whole ones and must not return just before the time. */
    int timeout = wait < 0 || run->children.more || busy ? 0 : wait > 60000 ? 60000 : (int)wait + 1;
    if (poll(ready, COUNT, timeout) < 0) {
        return false;
    }
    if (!run->stdin_open) {
        struct pollfd again = {.fd = 0, .events = POLLIN};
        ready[INPUT].revents = (short)(poll(&again, 1, 0) == 1 ? again.revents & POLLIN : 0);
    }
    if (ready[TARGET].revents != 0) {
        run_end(run, REASON_TARGET_GONE);
    }
    if (ready[SIGNALS].revents != 0) {
        take_signals(run);
    }
    if (ready[TOOLS].revents != 0) {
        tool_root_hear(run);
    }
    if (ready[INPUT].revents != 0) {
        take_stdin(run);
    }
    if (ready[SAID].revents != 0) {
        output_tell(&run->output, &run->events);
    }
    take_time(run);
    if (busy && toolbox_is_busy(&run->toolbox)) {
        toolbox_go_on(&run->toolbox);
        wait_anew(run);
    }
    toolbox_report(&run->toolbox, &run->events);
    return ready[LINK].revents != 0;
}

bool target_ends_soon(struct run *run) {
    int64_t until = clock_ms() + TOGETHER_MS;
    while (!target_is_gone(&run->target) && clock_ms() < until) {
        pump(run, -1, until);
    }
    return target_is_gone(&run->target);
}
