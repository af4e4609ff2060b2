#ifndef NSEXEC_STOPPED_H
#define NSEXEC_STOPPED_H

#include "target/processes.h"
#include "undo/undo.h"

/** Processes that are stopped by us, in memory that we, the guardian and our errands share: who is to be continued is known to all of them before he is stopped. */
struct stopped {
    size_t count;
    struct stopped_one {
        struct process process; /**< as it was when it was looked at last */
        uint64_t base_ticks;    /**< its cpu_ticks when it was seen stopped for the first time */
        enum { STOP_CHOSEN, STOP_SENT, STOP_SEEN, STOP_OVER } state; /**< the last: it has been continued, or has ended */
    } item[PROCESSES_MAX];
};

/** NULL where there is no memory. */
struct stopped *stopped_make(void);

/** How many are to be continued still. */
int stopped_present(const struct undo *undo);
/** Continues those that have been sent a stop, or the one that a record names; those that have ended are done. 0 or -errno. */
int stopped_continue(const struct undo *undo);

#endif
