/* What `hold` reads before the fault and after the undo, and is to read the same. */
#include "hold/hold.h"

#include <string.h>

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
