#ifndef NSEXEC_SWEEP_H
#define NSEXEC_SWEEP_H

#include "run.h"

/**
 * Looks through every network namespace of this node for what faults have left, without any record; removes it if asked to. 0 when nothing is left
 * that is not in use, 1 when something is or could be, or -1.
 */
int sweep(struct run *run, const char **state, struct error *err);

#endif
