#ifndef NSEXEC_LINK_H
#define NSEXEC_LINK_H

#include "base/error.h"
#include "enter/message.h"

#include <sys/types.h>

/** A pair of SOCK_SEQPACKET ends; the supervisor's learns the sender's pid with every message. */
int link_make(int *ours, int *theirs, struct error *err);

/** Sends from a child, with up to two descriptors; system calls only. 0 or -errno. */
int link_send(int fd, const struct message *message, const int *fds, int count);

/** What arrived. */
struct arrival {
    struct message message;
    pid_t sender; /**< in the supervisor's pid namespace; 0 at the children's end */
    int fds[2];   /**< received descriptors, or -1; the caller closes them */
};

/** As link_receive, but waits; for children. */
int link_wait(int fd, struct arrival *arrival);

/** 1 and an arrival, 0 when every other end is closed, -EAGAIN when nothing has come, another -errno on failure. Never blocks. */
int link_receive(int fd, struct arrival *arrival);

#endif
