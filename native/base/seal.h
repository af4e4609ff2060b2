#ifndef NSEXEC_SEAL_H
#define NSEXEC_SEAL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/** An empty memfd that may be executed; -1 on failure. */
int sealed_begin(const char *name, struct error *err);
/** Forbids every further change to it. */
int sealed_end(int fd, struct error *err);
/** A sealed memfd with these bytes; -1 on failure. */
int sealed_bytes(const char *name, const void *bytes, size_t length, struct error *err);
/** A sealed memfd with the content of an open file; -1 on failure. */
int sealed_copy(const char *name, int from, struct error *err);

/**
 * Executes this very program again from a sealed memfd, unless it already runs from one: what the target sees as
 * /proc/PID/exe of our children can then not be written, whatever it does (CVE-2019-5736). Returns 0 when sealed.
 */
int seal_self(char **argv, struct error *err);

/** Whether the process whose /proc directory this is has been executed so. A target can make a file of that name for its own: then it is taken for ours. */
bool seal_is_of(int proc);

#endif
