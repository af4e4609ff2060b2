#ifndef NSEXEC_SHIM_H
#define NSEXEC_SHIM_H

#include "agent/agent-line.h"
#include "agent/agent.h"
#include "base/last-words.h"
#include "run.h"

/* Four descriptors each, and a process may have 1024 where nobody has raised that. */
enum { SHIMS_MAX = 128, SHIM_WORDS_MAX = 128 };

enum shim_state {
    SHIM_NONE, /**< a place in which there has been none */
    SHIM_BEGUN,
    SHIM_RESOLVED, /**< it has said these */
    SHIM_ACTIVE,
    SHIM_ENDING,
    SHIM_GONE, /**< it, and its guardian: what it was called may be begun anew */
};

/** One of an agent's, and what waits between them. SHIM_FREE at the beginning. */
struct shim {
    enum shim_state state;
    char name[SHIM_NAME_MAX + 1];
    enum command command;
    int64_t grace_ms;
    pid_t pid;
    int pidfd;
    int in;            /**< to its stdin; -1: it gets no more */
    struct json to;    /**< for its stdin, not yet written */
    int out;           /**< from its stdout; -1: nothing more can come */
    struct json line;  /**< what has come of one, with its tag in front */
    bool bad;          /**< that is longer than any event */
    bool cut;          /**< one has been lost: the shim was killed before all of it had come */
    int tools;         /**< the link through which it gets the toolbox; -1: it has got it, or needs none */
    bool ended;        /**< the shim itself; its guardian may be at work still */
    int status;        /**< as of waitpid(2), then */
    int64_t ended_ms;  /**< clock_ms() */
    int64_t kill_at;   /**< clock_ms(): it had its time to end; 0: nobody waits for that */
    bool forced;       /**< KILL was needed */
    struct last_words words;
};

/** What a shim is made of. */
struct birth {
    char **argv; /**< with argv[0], NULL-terminated */
    shim_life life;
    bool toolbox;    /**< it needs one */
    struct run *run; /**< the agent's: where its log is; its child forgets what waits to be said */
    int self;        /**< a pidfd of the agent */
};

#define SHIM_FREE ((struct shim){.pidfd = -1, .in = -1, .out = -1, .tools = -1})

static inline bool shim_is_live(const struct shim *shim) { return shim->state != SHIM_NONE && shim->state != SHIM_GONE; }

/** Whether an agent begins such a one: `argv`, with argv[0], NULL-terminated. Notes in `shim` what is to be known of it, and in `toolbox` whether it needs one. 0 or -1. */
int shim_check(struct shim *shim, char **argv, bool *toolbox, struct error *err);
/**
 * Makes it, which has its name and was checked. 0; -1 where there can be none. Does not return in the child.
 */
int shim_begin(struct shim *shim, const struct birth *birth, struct error *err);

/** Puts a line into its stdin. False when it is lost: more than `room` bytes would wait. */
bool shim_tell(struct shim *shim, const char *text, size_t length, size_t room);
/** Writes what waits for its stdin, as far as it goes. */
void shim_write(struct shim *shim);
/** Takes what has come on its stdout, one piece of it, and passes on what is whole. */
void shim_read(struct shim *shim, struct events *events);
/** That what has come is a long line, of which only one at a time is waited for. */
bool shim_is_long(const struct shim *shim);
/** Sends a signal, if it is there. */
void shim_signal(const struct shim *shim, int number);
/** It is there no more: closes what was between them. */
void shim_close(struct shim *shim);

#endif
