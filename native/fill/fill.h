#ifndef NSEXEC_FILL_H
#define NSEXEC_FILL_H

#include "base/error.h"

#include <stddef.h>

/**
 * The workload `fill` (README): fills the file system of the working directory as the arguments say, which begin after the command. Whoever calls it has what was
 * taken until it ends. `report` gets what was done, one line each. Fails with `exit_code` 125 for a usage error, and 1 for anything else.
 */
int fill(char **arguments, char *report, size_t size, struct error *err);

#endif
