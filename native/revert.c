/* The end of hold: everything on the list is gone, and what is compared reads as before. */
#include "hold.h"

#include "clock.h"

#include <string.h>
#include <unistd.h>

/** In a child, within the target's network namespace; what it finds or cannot do is on its stderr, and the exit code says how many. */
static int work_present(const void *argument) {
    struct error err = {0};
    char first[UNDO_NAME_BYTES + 32] = "";
    int found = undo_present(argument, first, sizeof first, &err);
    const char *text = found < 0 ? err.text : first;
    ssize_t written = write(2, text, strlen(text));
    (void)written; /* The exit code says it too. */
    return found < 0 ? EXIT_OWN_FAILURE : found;
}

static int work_undo(const void *argument) {
    struct error ignored = {0};
    (void)undo_run(argument, &ignored); /* What counts is whether it is there. */
    return work_present(argument);
}

static int run_undo(struct run *run, int (*work)(const void *argument), struct outcome *outcome, struct error *err) {
    const struct errand errand = {.work = work, .argument = &run->hold->undo, .limit_ms = ERRAND_LIMIT_MS, .leash = -1};
    return errand_run(run, &errand, outcome, err);
}

int hold_refuse_foreign(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    if (run_undo(run, work_present, &outcome, err) < 0) {
        return -1;
    }
    if (run->reason != REASON_NONE || outcome.exit_code == 0) {
        return 0;
    }
    if (outcome.exit_code > UNDO_MAX) {
        return fail(err, "internal", 0, "look at the target's network: %.256s", outcome_complaint(&outcome));
    }
    return fail(err, "foreign", 0, "the %.128s is there already, of another experiment or of somebody else: it would be removed at the end", outcome_complaint(&outcome));
}

void hold_compare_before(struct run *run) {
    for (size_t i = 0; i < run->hold->compares.count; i++) {
        struct order *order = &run->hold->compares.item[i];
        cleanup_outcome struct outcome outcome = {0};
        struct error err = {0};
        if (hold_run_program(run, order, 2, false, &outcome, &err) == 0 && outcome.exit_code == 0) {
            order->before = outcome.out;
            order->before_length = outcome.out_length;
            outcome.out = NULL;
        } else if (run->reason == REASON_NONE) {
            event_warn(&run->events, "compare", "`%.32s` cannot be read, and will not be compared: %.256s", order->words.item[1], outcome.err == NULL ? err.text : outcome_complaint(&outcome));
        }
    }
}

/** The first lines in which two texts differ, for whoever has to find out who changed what. */
static void warn_of_difference(struct run *run, const struct order *order, const struct outcome *now) {
    struct span before = {order->before, order->before_length};
    struct span after = {now->out, now->out_length};
    struct span was = {"", 0};
    struct span is = {"", 0};
    do {
        was = span_cut(&before, '\n', &was) ? was : (struct span){"nothing", strlen("nothing")};
        is = span_cut(&after, '\n', &is) ? is : (struct span){"nothing", strlen("nothing")};
    } while (was.length == is.length && memcmp(was.at, is.at, is.length) == 0 && before.length + after.length > 0);
    event_warn(&run->events, "differs", "`%.32s` does not read as before: `%.*s` is `%.*s` now", order->words.item[1], was.length < 300 ? (int)was.length : 300, was.at,
               is.length < 300 ? (int)is.length : 300, is.at);
}

void hold_compare_after(struct run *run, struct json *line) {
    json_open(line, "differs", '[');
    for (size_t i = 0; i < run->hold->compares.count; i++) {
        const struct order *order = &run->hold->compares.item[i];
        cleanup_outcome struct outcome outcome = {0};
        struct error err = {0};
        if (order->before == NULL) {
            continue;
        }
        if (hold_run_program(run, order, 2, false, &outcome, &err) < 0) {
            event_warn(&run->events, "differs", "`%.32s` could not be read again: %s", order->words.item[1], err.text);
            json_string(line, NULL, order->words.item[1]);
            continue;
        }
        if (outcome.out_length != order->before_length || memcmp(outcome.out, order->before, order->before_length) != 0) {
            warn_of_difference(run, order, &outcome);
            json_string(line, NULL, order->words.item[1]);
        }
    }
    json_close(line, ']');
}

int hold_revert(struct run *run, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    bool was_active = run->phase == PHASE_ACTIVE;
    run->phase = PHASE_ENDING;
    run->ending_ms = clock_ms();
    if (was_active) {
        hold_count(run, WEIGHT_LIFE);
    }
    if (run_undo(run, work_undo, &outcome, err) < 0) {
        return -1;
    }
    if (outcome.exit_code != 0) {
        return fail(err, "undo", 0, "not everything could be undone: %.256s", outcome_complaint(&outcome));
    }
    guardian_dismiss(&run->hold->guardian, run);
    return 0;
}
