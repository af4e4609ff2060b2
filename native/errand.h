#ifndef NSEXEC_ERRAND_H
#define NSEXEC_ERRAND_H

#include "run.h"

/** What one of our short-lived children is sent to do, in the target's network namespace and nowhere else of the target's. */
struct errand {
    bool fresh;        /**< in a network namespace of its own instead, that ends with it */
    const char *input; /**< its stdin; NULL: empty */
    size_t input_length;
    /** In the child, with 0, 1 and 2 in their places: what it returns is its exit code. Only system calls, or what needs one thread. */
    int (*work)(const void *argument);
    const void *argument;
    int limit_ms;
    int leash; /**< stays open over execve, so that its other end tells when all that was started is gone; -1: none */
    /**
     * It touches a file system that may never answer, where not even KILL would reach it. So it is outside (hierarchy.h), in no network namespace of the target's, has none of our
     * descriptors but `kept`, may write files of any size, and is left to the kernel, outside, when it does not end.
     */
    bool may_hang;
    bool in_target;  /**< of `may_hang`: in the target's cgroups instead, until it is left */
    const int *kept; /**< of `may_hang`: they keep their numbers; -1 is passed over */
    size_t kept_count;
};

/** How it went. Free with outcome_free. */
struct outcome {
    int exit_code; /**< 128+n for a signal, 124 when its time ran out */
    char *out, *err;
    size_t out_length, err_length;
    bool truncated; /**< of one of them there was more */
    bool cut;       /**< a reason to end the run came first */
    pid_t lost;     /**< of `may_hang`, or without a leash: it has not ended, and may not for long; 0: it has */
    int lost_fd;    /**< a pidfd of it, by which it stays known; else -1 */
    int64_t ended_us; /**< CLOCK_MONOTONIC */
};

enum { ERRAND_TIMED_OUT = 124, ERRAND_LIMIT_MS = 5000, ERRAND_OUTPUT_BYTES = 1 << 20 };

/**
 * Runs it and waits, listening meanwhile to all that the run listens to. A reason to end that comes up cuts it short (it is killed), but for those of the end itself.
 * -1 when there could be no child.
 */
int errand_run(struct run *run, const struct errand *errand, struct outcome *outcome, struct error *err);
void outcome_free(struct outcome *outcome);
/** What one that failed has said, on one line. */
const char *outcome_complaint(struct outcome *outcome);

#define cleanup_outcome __attribute__((cleanup(outcome_free)))

#endif
