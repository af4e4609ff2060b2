#ifndef NSEXEC_HOLD_H
#define NSEXEC_HOLD_H

#include "enter/program.h"
#include "errand.h"
#include "target/processes.h"
#include "undo/revert.h"
#include "undo/stopped.h"

/* What a plugin sends before `start`, and what it may have asked without waiting for the answers. */
enum { KEPT_MAX = 64, ASKED_MAX = 256 };

/** One line that is kept or waits. Owns its text; the words point into it. */
struct order {
    char *line;
    struct words words;
    char *before; /**< of a `compare`: what it said before the fault; NULL: not known */
    size_t before_length;
};

/** Orders of one kind, in their order. */
struct orders {
    struct order *item;
    size_t count;
};

/** What --freeze and --stop need. */
struct pause {
    struct scope scope;
    struct stopped *stopped;   /**< of --stop */
    struct processes found;    /**< of --stop: what was found at the last look */
    size_t before, missed;     /**< of those: stopped by somebody else before; not reached, since there are too many */
    bool blind;                /**< of --stop: newcomers are not looked for any more, since that failed */
    bool told;                 /**< it has been said that one goes on, or cannot be looked for */
};

/** What only `hold` needs of a run. */
struct hold {
    struct program tool[TOOLS_MAX];
    size_t tools;
    struct orders asked, applies, compares, counts;
    struct undo settings[UNDO_MAX]; /**< with the values that are wanted */
    size_t setting_count;
    struct revert revert;
    bool spoiled; /**< a line could not be taken: it may have been an `undo`, so nothing may begin before `clear` */
    size_t before_start; /**< how many of what was asked stood before `start` */
    uint64_t overwritten; /**< which of the settings on the list to undo somebody else has been seen to write; bit of its index */
    bool counts_due; /**< a sample was taken: what is counted with it is to be read */
    bool pausing;    /**< --freeze or --stop: the one fault that it has then, since a list has one record */
    struct pause pause;
};

enum verb { VERB_ASK, VERB_FRESH, VERB_LOOKUP, VERB_CONNECT, VERB_LISTEN, VERB_CLEAR, VERB_UNDO, VERB_APPLY, VERB_COMPARE, VERB_COUNT, VERB_SETTING, VERB_SIGNAL, VERB_NONE };

/** The whole of `hold`: as experiment() of `run`. The exit code, or -1. */
int hold_experiment(struct run *run, const char **state, struct error *err);

/** Takes a line of stdin that is none of `run`'s words. */
void hold_take_line(struct run *run, const char *text, size_t length);
enum verb order_verb(const struct words *words);
/** Whether it runs one of --tool. */
bool order_has_program(const struct order *order);
/** Takes the first out, into `order`; false when there is none. Free it with order_free. */
bool orders_take(struct orders *orders, struct order *order);
void order_free(struct order *order);
void hold_forget(struct hold *hold);
#define cleanup_order __attribute__((cleanup(order_free)))

/** Opens the programs of --tool. */
int hold_open_tools(struct run *run, struct error *err);
/** The program of --tool that is called so, or NULL. */
const struct program *hold_tool(const struct run *run, const char *name);
/** Runs the program that stands at word `at` of the order. */
int hold_run_program(struct run *run, const struct order *order, size_t at, bool fresh, struct outcome *outcome, struct error *err);
/** Runs one `apply`; its failure is the error. */
int hold_apply(struct run *run, const struct order *order, struct error *err);
/**
 * Does the next thing that was asked. What fails is the asker's to know, and changes nothing else. False when there is none, or when so much waits
 * to be read
 * already that its answer would only add to it.
 */
bool hold_serve(struct run *run);
/** Runs every `count`, and answers. */
void hold_count(struct run *run, enum weight weight);

/** Sends a signal to processes of a container, and answers what became of them. */
void hold_signal(struct run *run, const struct order *order);
void hold_answer(struct run *run, const char *id, const struct outcome *outcome, enum weight weight);

void hold_compare_before(struct run *run);
/** Names what does not read as before, as `differs`. */
void hold_compare_after(struct run *run, struct json *line);

/** Refuses the node's own network, unless that was asked for. */
int hold_refuse_host_network(const struct run *run, struct error *err);

/**
 * Whether the guardian is in the target's network namespace: `entered` of `of`, which are 0 where nothing is undone in a network. Fails with
 * `readback` where it is elsewhere.
 */
int hold_read_back(const struct run *run, int *entered, int *of, struct error *err);

/** Puts what the settings are to take back, and the record of it, on the list of what is undone. */
int hold_remember_settings(struct run *run, struct error *err);
/** Writes them and reads them back. */
int hold_write_settings(struct run *run, struct error *err);
/** Looks whether all that was written stands there still; else it is warned of, and the run ends: the fault is not in force any more. */
void hold_check_settings(struct run *run);

/** --freeze and --stop: whom they are of, before `resolved`. Refuses a target that is frozen, and one that we are in. */
int hold_open_pause(struct run *run, struct error *err);
/** Puts on the list what the pause is to take back, and its record. With --stop looks who is meant, and fails where nobody is. */
int hold_remember_pause(struct run *run, struct error *err);
/** Freezes, or stops, until all that are meant stand still; fails where that does not come about. */
int hold_pause(struct run *run, struct error *err);
/** Looks whether it is in force still, and with --stop for whoever has come to be meant since. What somebody else has undone is warned of, and of a freeze ends the run. */
void hold_check_pause(struct run *run);
/** The member `match` of `resolved`: who is meant. */
void hold_write_match(const struct run *run, struct json *line);
/** What a sample has of it besides. */
void hold_write_pause(const struct run *run, struct json *line);

#endif
