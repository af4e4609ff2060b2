/* What hold hears on stdin besides run's words: kept for `start`, or waiting to be done. */
#include "hold/hold.h"

#include "base/cleanup.h"
#include "undo/undo-words.h"

#include <string.h>

static bool order_read(struct order *order, const char *text, size_t length) {
    order->line = malloc(length + 1);
    if (order->line == NULL) {
        return false;
    }
    memcpy(order->line, text, length);
    order->line[length] = '\0';
    return words_parse(&order->words, order->line, length);
}

/** Moves the order there. False when there are `most` already, or memory is out. */
static bool orders_add(struct orders *orders, size_t most, struct order *order) {
    struct order *grown = orders->count >= most ? NULL : realloc(orders->item, (orders->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    orders->item = grown;
    orders->item[orders->count++] = *order;
    *order = (struct order){0};
    return true;
}

bool orders_take(struct orders *orders, struct order *order) {
    if (orders->count == 0) {
        return false;
    }
    *order = orders->item[0];
    orders->count--;
    memmove(orders->item, orders->item + 1, orders->count * sizeof *orders->item);
    return true;
}

static void orders_free(struct orders *orders) {
    for (size_t i = 0; i < orders->count; i++) {
        order_free(&orders->item[i]);
    }
    free_pointer(&orders->item);
    orders->count = 0;
}

void order_free(struct order *order) {
    free_pointer(&order->line);
    free_pointer(&order->before);
}

static void forget_kept(struct hold *hold) {
    orders_free(&hold->applies);
    orders_free(&hold->compares);
    orders_free(&hold->counts);
    hold->revert.undo.count = 0;
    hold->setting_count = 0;
    hold->spoiled = false;
}

void hold_forget(struct hold *hold) {
    forget_kept(hold);
    orders_free(&hold->asked);
}

/** The verbs, how many words each has at least, and at which of them its program stands (0: it has none). */
static const struct {
    const char *name;
    size_t words, program;
} verbs[] = {
    [VERB_ASK] = {"ask", 3, 2},     [VERB_FRESH] = {"fresh", 3, 2}, [VERB_LOOKUP] = {"lookup", 3, 0},   [VERB_CONNECT] = {"connect", 4, 0}, [VERB_LISTEN] = {"listen", 4, 0}, [VERB_CLEAR] = {"clear", 1, 0},
    [VERB_UNDO] = {"undo", 3, 0},   [VERB_APPLY] = {"apply", 2, 1}, [VERB_COMPARE] = {"compare", 3, 2}, [VERB_COUNT] = {"count", 3, 2},
    [VERB_SETTING] = {"setting", 4, 0}, [VERB_SIGNAL] = {"signal", 5, 0},
};

enum verb order_verb(const struct words *words) {
    for (int verb = 0; verb < VERB_NONE; verb++) {
        if (strcmp(words->item[0], verbs[verb].name) == 0) {
            return (enum verb)verb;
        }
    }
    return VERB_NONE;
}

bool order_has_program(const struct order *order) { return verbs[order_verb(&order->words)].program != 0; }

static bool setting_add(struct hold *hold, const struct words *words) {
    if (hold->pausing || hold->setting_count == UNDO_MAX || !setting_parse(words, &hold->settings[hold->setting_count])) {
        return false;
    }
    hold->setting_count++;
    return true;
}

static const char full[] = "there are too many of them already";
static const char unknown[] = "it is none of README's, or there are too many";

static bool is_before_start(const struct run *run) { return run->phase == PHASE_WAITING && !run->start_asked; }

/** As take_verb. A signal turns the run to another container: not away from one in which something is to be undone; and nobody is hit before `start`. */
static const char *take_asked(struct run *run, enum verb verb, struct order *order) {
    bool may = verb != VERB_SIGNAL || (run->options.target_may_end && (!is_before_start(run) || strcmp(order->words.item[3], "0") == 0));
    if (!may) {
        return unknown;
    }
    return orders_add(&run->hold->asked, ASKED_MAX, order) ? NULL : full;
}

/** NULL when it is taken, then the order is kept or done; else why not. */
static const char *take_verb(struct run *run, enum verb verb, struct order *order) {
    struct hold *hold = run->hold;
    bool before = is_before_start(run);
    switch (verb) {
    case VERB_ASK:
    case VERB_FRESH:
    case VERB_LOOKUP:
    case VERB_CONNECT:
    case VERB_LISTEN:
    case VERB_SIGNAL:
        return take_asked(run, verb, order);
    case VERB_APPLY:
        /* While active it is one more thing to be done in its turn. */
        return orders_add(before ? &hold->applies : &hold->asked, before ? KEPT_MAX : ASKED_MAX, order) ? NULL : full;
    default:
        break;
    }
    if (!before) {
        return "it comes too late: `start` has been said";
    }
    switch (verb) {
    case VERB_CLEAR:
        forget_kept(hold);
        return NULL;
    case VERB_UNDO:
        return undo_add(&hold->revert.undo, &order->words) ? NULL : unknown;
    case VERB_SETTING:
        return setting_add(hold, &order->words) ? NULL : unknown;
    case VERB_COMPARE:
        return orders_add(&hold->compares, KEPT_MAX, order) ? NULL : full;
    default:
        return orders_add(&hold->counts, KEPT_MAX, order) ? NULL : full;
    }
}

/** The line's verb when all is well with it, and NULL in `why`. */
static enum verb take_line(struct run *run, const char *text, size_t length, const char **why) {
    cleanup_order struct order order = {0};
    enum verb verb = order_read(&order, text, length) ? order_verb(&order.words) : VERB_NONE;
    if (verb == VERB_NONE) {
        *why = "it is none of README's lines";
        return verb;
    }
    size_t program = verbs[verb].program;
    if (order.words.count < verbs[verb].words) {
        *why = "words are missing";
    } else if (program != 0 && hold_tool(run, order.words.item[program]) == NULL) {
        *why = "its program was not named by --tool";
    } else {
        *why = take_verb(run, verb, &order);
    }
    return verb;
}

void hold_take_line(struct run *run, const char *text, size_t length) {
    const char *why = NULL;
    enum verb verb = take_line(run, text, length, &why);
    if (why != NULL) {
        event_warn(&run->events, "stdin", "`%.32s` on stdin: %s", verb == VERB_NONE ? text : verbs[verb].name, why);
        run->hold->spoiled = true;
    }
}
