#ifndef NSEXEC_PIDFD_H
#define NSEXEC_PIDFD_H

#include <poll.h>
#include <stdbool.h>

/** Whether the process has ended within so many milliseconds: then it can never be taken for another again. False of a descriptor that there is not (-1). pidfd_open(2) */
static inline bool pidfd_ends_within(int pidfd, int ms) {
    struct pollfd process = {.fd = pidfd, .events = POLLIN};
    return pidfd >= 0 && poll(&process, 1, ms) == 1;
}

/** Whether it has ended. */
static inline bool pidfd_has_ended(int pidfd) { return pidfd_ends_within(pidfd, 0); }

#endif
