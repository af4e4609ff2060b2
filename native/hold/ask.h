#ifndef NSEXEC_ASK_H
#define NSEXEC_ASK_H

#include "errand.h"
#include "path/entrance.h"

/** The errands that need no program. Each takes its own structure as `argument` and returns the exit code of README's table. */

struct lookup {
    const char *name;
    const struct last_steps *steps; /**< the target's credentials, and how to enter its files */
    struct entrance entrance;
};
/** Writes the addresses of a host name, one a line. */
int lookup_work(const void *argument);

struct connection {
    const char *address, *port;
};
/** Writes the microseconds that a TCP connection took to be accepted or refused. */
int connect_work(const void *argument);

#endif
