#ifndef NSEXEC_LEASE_H
#define NSEXEC_LEASE_H

#include <stdint.h>
#include <sys/types.h>

/** A process that is at work on what a record tells of, by what never comes to mean another. */
struct lease {
    pid_t pid;
    uint64_t start_ticks;
    uint64_t pid_namespace; /**< inode of the one in which it has this pid */
};

enum lease_state { LEASE_OVER, LEASE_UNKNOWN, LEASE_HELD };

/** That of a process which is there. 0 or -errno. */
int lease_of(pid_t pid, struct lease *lease);
/** Whether that process is still at work; LEASE_UNKNOWN: its pid is one of another pid namespace than ours. */
enum lease_state lease_state(const struct lease *lease);

#endif
