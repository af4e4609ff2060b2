#ifndef NSEXEC_WORKLOAD_LINE_H
#define NSEXEC_WORKLOAD_LINE_H

#include "base/words.h"

/**
 * The last `workload` line of stdin (README), which takes the place of what stands behind `--`. All zero at the
 * beginning; workload_line_free at the end.
 */
struct workload_line {
    char *line;
    struct words words;
    bool spoiled; /**< the last one could not be taken: `start` would run something else than was meant */
};

/** Whether a line is one of these, well-formed or not. */
bool workload_line_is(const char *text, size_t length);

/** Takes it. `program` is the one that is open, which it must name. NULL, or why it is not taken. */
const char *workload_line_take(struct workload_line *workload, const char *program, const char *text, size_t length);

/** The workload's argv, NULL-terminated; NULL: that of the command line stands. */
char **workload_line_argv(struct workload_line *workload);

void workload_line_free(struct workload_line *workload);

#endif
