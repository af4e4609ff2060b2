#ifndef NSEXEC_PATTERN_H
#define NSEXEC_PATTERN_H

#include "proc/proc.h"

/* A pattern's length, and so much of a command line is looked at: what is compared is a hostile process's, and takes at most the product of both. */
enum { PATTERN_MAX_BYTES = 128, COMMAND_MAX_BYTES = 4096 };

/** Whether the whole text fits a pattern: `*` is any bytes, none too, and `?` any one; all others are themselves. */
bool pattern_fits(const char *pattern, struct span text);

/**
 * Whether it means a process: by its name (`comm`), by the last component of its argv[0], or by its command line, with a blank between two arguments. `command` is what
 * /proc/PID/cmdline has said, and is changed. proc_pid_cmdline(5)
 */
bool pattern_means(const char *pattern, struct span comm, char *command, size_t length);

#endif
