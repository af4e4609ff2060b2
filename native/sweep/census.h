#ifndef NSEXEC_CENSUS_H
#define NSEXEC_CENSUS_H

#include "target/hierarchy.h"
#include "target/processes.h"

#include <stdint.h>

/** A network namespace that a process of this node has. */
struct network {
    uint64_t inode;
    uint64_t mark; /**< inode of its /proc/PID/net/dev, which may be looked at even where the namespace may not be opened */
    int fd;
    pid_t pid;    /**< the first process in it that is no guardian */
    char *cgroup; /**< of that process: the longest of its paths, or NULL */
    bool in_use;  /**< a guardian lives in it */
};

/** A process that may not be looked into. */
struct unknown {
    pid_t pid;
    uint64_t mark; /**< as of a network; 0: not even that */
};

/** A process of ours whose shim is gone. */
struct lost {
    struct process process; /**< who it is, and what it is called */
    char *cgroup;
};

struct census {
    struct network *networks;
    size_t network_count, network_room;
    struct unknown *unknown;
    size_t unknown_count, unknown_room;
    struct lost *lost;
    size_t lost_count, lost_room;
    bool blind; /**< a guardian lives somewhere, and may not be looked into */
};

/** Goes through /proc. */
int census_take(struct census *census, const struct hierarchies *hierarchies, struct error *err);
/** Goes through /proc once more for guardians alone: `in_use` of a network and `blind` may become true; nothing is added. */
int census_look_for_guardians(struct census *census, const struct hierarchies *hierarchies, struct error *err);
/** Whether this process is known to be in one of the networks. */
bool census_covers(const struct census *census, const struct unknown *unknown);
void census_free(struct census *census);
#define cleanup_census __attribute__((cleanup(census_free)))

#endif
