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

enum { LISTEN_LIMIT_MS = 15000, LISTEN_PORTS_MAX = 16 };
struct listening {
    uint64_t limit_ms;  /**< 0: not a number in the range of README */
    char *const *words; /**< ports, then addresses; ends with NULL */
};
/** Writes who opens connections to these ports, and which of them are the kubelet's HTTP probes. */
int listen_work(const void *argument);

#endif
