#ifndef NSEXEC_ENTRANCE_H
#define NSEXEC_ENTRANCE_H

#include "enter/last-steps.h"

#include <stdbool.h>
#include <stddef.h>

struct run;

/** What the last steps of a child of ours need. */
struct entrance {
    int mnt, root, user; /**< -1: ours are the target's, or not needed */
};

/** Of the run's target, before target_forget_entrances. */
struct entrance entrance_of(const struct run *run);

/**
 * In a child: puts them into the places where take_last_steps and take_credentials look, and `kept` from WORKLOAD_FDS on, in its order; it gets the new numbers, -1 stays absent.
 * Nothing else of ours from 3 on stays open, to go along among the target's files.
 */
bool entrance_arrange(const struct entrance *entrance, int *kept, size_t count);

#endif
