#ifndef NSEXEC_PROCESSES_H
#define NSEXEC_PROCESSES_H

#include "errand.h"
#include "target/scope.h"

/* So many are told of; of more, how many there are. */
enum { PROCESSES_MAX = 512, PROCESS_COMM_BYTES = 64 };

/* The state of one whose first thread has exited, and others have not: it runs or stands, and is not held. */
enum { PROCESS_HEADLESS = 'Z' };

/** A process of the container as it was when it was looked at. With its start its pid means no other. */
struct process {
    pid_t pid;
    char state; /**< as in /proc/PID/stat: `T` is stopped; or PROCESS_HEADLESS */
    char comm[PROCESS_COMM_BYTES];
    uint64_t start_ticks;
    uint64_t cpu_ticks; /**< what all its threads have used */
};

struct processes {
    size_t matched; /**< how many there are */
    size_t count;   /**< how many of them are told of */
    struct process item[PROCESSES_MAX];
};

/**
 * The processes of the container that a pattern means (proc/pattern.h), in no order; one that has ended, or is about to, is none. A child reads their command lines: that waits for the
 * process's memory, which a mapping of a file whose server does not answer holds for as long as it likes; the child has ERRAND_LIMIT_MS. With a reason to end the run there are none of them.
 * What is found may have ended, forked and renamed itself since: process_hold.
 */
int processes_find(struct run *run, const struct scope *scope, const char *pattern, struct processes *found, struct error *err);

/** Whether both are that very process, whenever each was looked at. */
bool process_is_same(const struct process *one, const struct process *other);
/** Its directory of /proc, or -1. */
int process_open(pid_t pid);
/** A pidfd of that very process, as long as it is in the container. -ESRCH: it is not, or has ended. */
int process_hold(const struct process *process, const struct scope *scope);
/** A pidfd of that very process, wherever it is, whatever its first thread has become. -ESRCH: nothing is left of it; any other -errno: that is not known. */
int process_hold_any(const struct process *process);
/** Whether it belongs to an experiment in the container: a shim, which is never in the container itself, is above it. */
bool process_is_ours(pid_t pid, const struct scope *scope);
/** How it is now. 0, or -ESRCH: it has ended, or its pid is another's. What a parent has not waited for has ended. */
int process_look(struct process *process);

#endif
