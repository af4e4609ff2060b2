#ifndef NSEXEC_OUTPUT_H
#define NSEXEC_OUTPUT_H

#include "base/error.h"
#include "base/events.h"

#include <stdint.h>

/**
 * The pipe that the workload writes to where only a log is read, in which stdout and stderr are one: what comes through it is told in events, so that nothing that the workload, or a target that
 * can open its descriptors, writes can pass for an event.
 */
struct output {
    int from, to; /**< -1: there is none, the workload has our stderr; `to` goes once the workload has it */
    int64_t told; /**< bytes */
};

#define OUTPUT_NONE {.from = -1, .to = -1}

int output_open(struct output *output, struct error *err);
/** Tells what has been written, without waiting for more. */
void output_tell(struct output *output, struct events *events);
void output_close(struct output *output);

#endif
