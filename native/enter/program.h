#ifndef NSEXEC_PROGRAM_H
#define NSEXEC_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>

/** The workload's program, in a sealed memfd: the target sees it as /proc/PID/exe and cannot write to it. */
struct program {
    int fd;
    bool dynamic; /**< it names an interpreter (PT_INTERP): its loader and libraries are where it was found, not in the target */
};

/**
 * Finds it: with `toolbox` -1 as execvp(3) would, in our own file system; else as `bin/NAME` of that directory, and nowhere else. `exit_code` of the failure is 126 or 127.
 */
int program_open(struct program *program, int toolbox, const char *name, struct error *err);

/** The last component of its name, which becomes comm. */
const char *program_base_name(const char *name);

/** Where a name without a slash is looked for, and the PATH of what we start: never that of the environment we came with. */
#define PROGRAM_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
