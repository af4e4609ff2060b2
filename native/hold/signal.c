/* Signals to processes of a container, whose id is looked up anew each time: by pidfd, so that whoever is hit is who was looked at, and in the container. */
#include "hold/hold.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/format.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "target/processes.h"

#include <string.h>

/* Of those that fork faster than we look, so many rounds. */
enum { LOOKS_MAX = 64, CALM_LOOKS = 4, SIGNALS = 31, WAIT_MAX_MS = 60000, PAUSE_MS = 20, CONTAINER_BYTES = 129 };
/* Three sets of signals, a line each; and with them a pid. */
enum { SETS_BYTES = 3 * (8 + 16 + 1), ABOUT_BYTES = SETS_BYTES + 16, LINE_BYTES = ABOUT_BYTES + PROCESS_COMM_BYTES + 16 };

/* The exit codes of README. */
enum { NOT_ALL = 1, FAILED = 2 };

/** One that was chosen. */
struct victim {
    struct process process;
    int pidfd;
    char about[ABOUT_BYTES]; /**< of its status */
};

/** Of one order. Too large for a stack, and there is one at a time. */
static struct hunt {
    char container[CONTAINER_BYTES]; /**< which the run has been turned to */
    struct scope scope;
    uint64_t signal;
    bool missed; /**< at the last look there was one that cannot be held */
    size_t count;
    struct victim victim[PROCESSES_MAX];
    struct processes found;
    char said[PROCESSES_MAX * LINE_BYTES];
} hunt;

/** What is told of it, by its status: a name stands there in one line, whatever is in it. Nothing, where it has ended meanwhile. */
static void describe(struct victim *victim, int proc) {
    cleanup_free char *text = NULL;
    struct span rest;
    struct span line;
    struct span pid = {"", 0};
    victim->about[0] = '\0';
    if (read_whole_at(proc, "status", &text, &rest) < 0) {
        return;
    }
    const char *end = rest.at + rest.length;
    while (span_cut(&rest, '\n', &line)) {
        if (span_starts(line, "NSpid:")) {
            /* Of each pid namespace from ours inwards: the last is what the others there know. */
            while (span_cut(&line, '\t', &pid)) {
            }
        } else if (span_starts(line, "SigBlk:") && end - line.at >= SETS_BYTES) {
            format_text(victim->about, sizeof victim->about, "%.*s\n%.*s", (int)pid.length, pid.at, SETS_BYTES, line.at);
        }
    }
}

/** Takes one, if it is still there and in the container, and sends it the signal. False: it is known. */
static bool take(const struct process *process) {
    struct victim *victim = &hunt.victim[hunt.count];
    for (size_t i = 0; i < hunt.count; i++) {
        if (process_is_same(&hunt.victim[i].process, process)) {
            return false;
        }
    }
    if (process->state == PROCESS_HEADLESS) {
        hunt.missed = true;
        return false;
    }
    cleanup_close int proc = process_open(process->pid);
    victim->process = *process;
    victim->pidfd = process_hold(process, &hunt.scope);
    if (victim->pidfd < 0 || process_is_ours(process->pid, &hunt.scope)) {
        bool gone = victim->pidfd < 0;
        close_fd(&victim->pidfd);
        return gone; /* It may have left another one in its place. */
    }
    describe(victim, proc);
    (void)process_look(&victim->process);
    (void)sys4(__NR_pidfd_send_signal, victim->pidfd, hunt.signal, 0, 0); /* That it has ended meanwhile is seen below. */
    hunt.count++;
    return true;
}

/** Looks until nobody is new, some times in a row: one that ends as it is looked at is not seen, nor whom it has started. Whether all were reached; -1 when it cannot. */
static int take_all(struct run *run, const char *pattern, struct error *err) {
    int calm = 0;
    for (int i = 0; i < LOOKS_MAX && run->reason == REASON_NONE; i++) {
        bool news = false;
        hunt.missed = false;
        if (processes_find(run, &hunt.scope, pattern, &hunt.found, err) < 0) {
            return -1;
        }
        for (size_t k = 0; k < hunt.found.count && hunt.count < PROCESSES_MAX; k++) {
            news = take(&hunt.found.item[k]) || news;
        }
        calm = news ? 0 : calm + 1;
        /* What is started in the place of one that a pattern means is another time's to hit. */
        if (calm == CALM_LOOKS || hunt.signal == 0 || strcmp(pattern, "*") != 0) {
            return hunt.found.matched == hunt.found.count && hunt.count < PROCESSES_MAX && !hunt.missed;
        }
    }
    return 0;
}

/** Turns the run to the container that is there now; then to its processes. As take_all. */
static int reach(struct run *run, char *const *word, struct error *err) {
    const char *now = run->options.container; /* Of --pid there is none. */
    if (target_is_gone(&run->target) || run->target.pidfd < 0 || now == NULL || strcmp(word[0], now) != 0) {
        format_text(hunt.container, sizeof hunt.container, "%s", word[0]);
        run->options.container = hunt.container;
        hierarchies_close(&run->hierarchies);
        target_close(&run->target);
        run->target = TARGET_NONE;
        if (resolve(run, err) < 0) {
            return -1;
        }
    }
    if (scope_open(&hunt.scope, &run->hierarchies, false, err) < 0) {
        return -1;
    }
    if (word[3] != NULL) {
        return take_all(run, word[3], err);
    }
    const struct process first = {.pid = run->target.pid, .start_ticks = run->target.start_ticks};
    (void)take(&first);
    return 1;
}

static void wait_for_ends(struct run *run, int64_t until) {
    for (size_t i = 0; i < hunt.count && run->reason == REASON_NONE && clock_ms() < until;) {
        if (pidfd_has_ended(hunt.victim[i].pidfd)) {
            i++;
        } else {
            pump(run, -1, clock_ms() + PAUSE_MS);
        }
    }
}

/** What a process calls itself is shown as far as it can be printed. */
static size_t tell(void) {
    size_t length = 0;
    for (size_t i = 0; i < hunt.count; i++) {
        struct victim *victim = &hunt.victim[i];
        for (char *at = victim->process.comm; *at != '\0'; at++) {
            if (*at < ' ' || *at > '~') {
                *at = '?';
            }
        }
        length += format_text(hunt.said + length, LINE_BYTES, "%s%s %s\n", victim->about, pidfd_has_ended(victim->pidfd) ? "ended" : "there", victim->process.comm);
        close_fd(&victim->pidfd);
    }
    return length;
}

static bool number_of(const char *word, uint64_t most, uint64_t *number) { return span_number((struct span){word, strlen(word)}, number) && *number <= most; }

/* CONTAINER SIGNAL MILLISECONDS [PATTERN] */
void hold_signal(struct run *run, const struct order *order) {
    char *const *word = order->words.item + 2;
    struct error err = {.code = "stdin", .text = "a word is none of README's"};
    uint64_t wait_ms = 0;
    hunt.count = 0;
    hunt.scope = SCOPE_NONE;
    int result = number_of(word[1], SIGNALS, &hunt.signal) && number_of(word[2], WAIT_MAX_MS, &wait_ms) ? reach(run, word, &err) : -1;
    wait_for_ends(run, clock_ms() + (int64_t)wait_ms);
    struct outcome outcome = {.out = hunt.said, .out_length = tell(), .err = err.text, .err_length = strlen(err.text), .ended_us = clock_us(CLOCK_MONOTONIC)};
    if (result < 0) {
        outcome.exit_code = FAILED;
        outcome.out_length = format_text(hunt.said, sizeof hunt.said, "%s", err.code);
    } else {
        outcome.exit_code = result == 0 ? NOT_ALL : 0;
        outcome.err_length = 0;
    }
    close_fd(&hunt.scope.cgroup);
    hold_answer(run, order->words.item[1], &outcome, WEIGHT_LIFE);
}
