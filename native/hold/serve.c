/* What hold does when asked: programs in the target's network namespace, names as the target knows them, round trips, who asks it. */
#include "hold/hold.h"

#include "base/span.h"
#include "base/sys.h"
#include "enter/tool-root.h"
#include "hold/ask.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const struct program *hold_tool(const struct run *run, const char *name) {
    for (size_t i = 0; i < run->hold->tools; i++) {
        if (strcmp(program_base_name(run->options.tools[i]), name) == 0) {
            return &run->hold->tool[i];
        }
    }
    return NULL;
}

/** A program by the descriptor of its sealed copy: it is there even when where it came from is not any more. */
struct execution {
    int fd;
    int tool_root; /**< where its loader and libraries are; -1: in our own root */
    char *const *argv;
    const char **environment;
};

static int execute(const void *argument) {
    const struct execution *execution = argument;
    if (execution->tool_root >= 0 && tool_root_enter(execution->tool_root) < 0) {
        static const char refused[] = "cannot enter the root of the tools\n";
        ssize_t written = write(2, refused, sizeof refused - 1);
        (void)written; /* The exit code says it too. */
        return EXIT_OWN_FAILURE;
    }
    sys5(__NR_execveat, execution->fd, "", execution->argv, execution->environment, AT_EMPTY_PATH);
    return EXIT_NOT_EXECUTABLE;
}

int hold_run_program(struct run *run, const struct order *order, size_t at, bool fresh, struct outcome *outcome, struct error *err) {
    const struct program *program = hold_tool(run, order->words.item[at]);
    if (program == NULL) {
        return fail(err, "internal", 0, "no tool `%.32s`", order->words.item[at]);
    }
    const struct execution execution = {program->fd, run->tool_root, order->words.item + at, run->environment};
    const struct errand errand = {
        .fresh = fresh,
        .input = order->words.input,
        .input_length = order->words.input_length,
        .work = execute,
        .argument = &execution,
        .limit_ms = ERRAND_LIMIT_MS,
        .leash = fresh ? -1 : run->hold->revert.guardian.leash,
    };
    return errand_run(run, &errand, outcome, err);
}

static int run_lookup(struct run *run, const struct order *order, struct outcome *outcome, struct error *err) {
    const struct lookup lookup = {
        .name = order->words.item[2],
        .steps = run->steps,
        .entrance = entrance_of(run),
    };
    const struct errand errand = {.work = lookup_work, .argument = &lookup, .limit_ms = ERRAND_LIMIT_MS, .leash = -1};
    return errand_run(run, &errand, outcome, err);
}

static int run_connect(struct run *run, const struct order *order, struct outcome *outcome, struct error *err) {
    const struct connection connection = {order->words.item[2], order->words.item[3]};
    const struct errand errand = {.work = connect_work, .argument = &connection, .limit_ms = ERRAND_LIMIT_MS, .leash = -1};
    return errand_run(run, &errand, outcome, err);
}

static int run_listen(struct run *run, const struct order *order, struct outcome *outcome, struct error *err) {
    const char *limit = order->words.item[2];
    struct listening listening = {.words = order->words.item + 3};
    if (!span_number((struct span){limit, strlen(limit)}, &listening.limit_ms) || listening.limit_ms > LISTEN_LIMIT_MS) {
        listening.limit_ms = 0;
    }
    const struct errand errand = {.work = listen_work, .argument = &listening, .limit_ms = (int)listening.limit_ms + ERRAND_LIMIT_MS, .leash = -1};
    return errand_run(run, &errand, outcome, err);
}

void hold_answer(struct run *run, const char *id, const struct outcome *outcome, enum weight weight) {
    struct json line = {0};
    event_begin(&line, "answer");
    json_string(&line, "id", id);
    json_number(&line, "exit_code", outcome->exit_code);
    json_bytes(&line, "stdout", outcome->out, outcome->out_length);
    json_bytes(&line, "stderr", outcome->err, outcome->err_length);
    json_bool(&line, "truncated", outcome->truncated);
    json_number(&line, "elapsed_us", outcome->ended_us);
    event_emit(&run->events, &line, weight);
}

int hold_apply(struct run *run, const struct order *order, struct error *err) {
    cleanup_outcome struct outcome outcome = {0};
    if (hold_refuse_host_network(run, err) < 0 || hold_run_program(run, order, 1, false, &outcome, err) < 0) {
        return -1;
    }
    revert_learn(run);
    if (outcome.exit_code != 0) {
        return fail(err, "apply", 0, "`%.32s` ended with %d: %.512s", order->words.item[1], outcome.exit_code, outcome_complaint(&outcome));
    }
    return 0;
}

/** Does one thing that was asked. What fails is the asker's to know, and changes nothing else. */
static void serve(struct run *run, const struct order *order) {
    cleanup_outcome struct outcome outcome = {0};
    struct error err = {0};
    int result = 0;
    enum verb verb = order_verb(&order->words);
    switch (verb) {
    case VERB_APPLY:
        if (hold_apply(run, order, &err) < 0 && run->reason == REASON_NONE) {
            event_warn(&run->events, "apply", "%s", err.text);
        }
        return;
    case VERB_LOOKUP:
        result = run_lookup(run, order, &outcome, &err);
        break;
    case VERB_CONNECT:
        result = run_connect(run, order, &outcome, &err);
        break;
    case VERB_SIGNAL:
        hold_signal(run, order);
        return;
    case VERB_LISTEN:
        result = run_listen(run, order, &outcome, &err);
        break;
    default:
        result = hold_run_program(run, order, 2, verb == VERB_FRESH, &outcome, &err);
        break;
    }
    if (result < 0) {
        event_warn(&run->events, "errand", "%s", err.text);
        return;
    }
    if (!outcome.cut) {
        hold_answer(run, order->words.item[1], &outcome, WEIGHT_LIFE);
    }
}

bool hold_serve(struct run *run) {
    cleanup_order struct order order = {0};
    const struct orders *asked = &run->hold->asked;
    /* What needs a program of the toolbox waits for it, and what was asked later waits with it. */
    bool too_early = run->options.toolbox && run->tool_root < 0 && asked->count > 0 && order_has_program(&asked->item[0]);
    if (too_early || events_congested(&run->events) || !orders_take(&run->hold->asked, &order)) {
        return false;
    }
    run->hold->before_start -= run->hold->before_start > 0 ? 1 : 0;
    serve(run, &order);
    return true;
}

void hold_count(struct run *run, enum weight weight) {
    const struct orders *counts = &run->hold->counts;
    run->hold->counts_due = false;
    for (size_t i = 0; i < counts->count; i++) {
        cleanup_outcome struct outcome outcome = {0};
        struct error err = {0};
        if (hold_run_program(run, &counts->item[i], 2, false, &outcome, &err) < 0) {
            continue;
        }
        if (!outcome.cut) {
            hold_answer(run, counts->item[i].words.item[1], &outcome, weight);
        }
        if (run->reason != REASON_NONE && outcome.exit_code == ERRAND_TIMED_OUT) {
            return; /* The undo does not wait for every program that hangs. */
        }
    }
}
