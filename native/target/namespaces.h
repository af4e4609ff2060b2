#ifndef NSEXEC_NAMESPACES_H
#define NSEXEC_NAMESPACES_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/** In the order of the events; user is 0 and mnt 1 in message.h's STEP_SETNS too. */
enum namespace_index { NS_USER, NS_MNT, NS_PID, NS_NET, NS_IPC, NS_UTS, NS_CGROUP, NS_TIME, NS_COUNT };

struct namespace_kind {
    const char *name; /**< below /proc/PID/ns */
    int flag;         /**< for setns(2) */
};
extern const struct namespace_kind namespace_kinds[NS_COUNT];

/** One process's namespaces. A kind that the kernel lacks has inode 0 and no descriptor. */
struct namespaces {
    int fd[NS_COUNT];
    uint64_t inode[NS_COUNT];
};

#define NAMESPACES_NONE ((struct namespaces){{-1, -1, -1, -1, -1, -1, -1, -1}, {0}})

/** Opens (`open_them`) or only identifies the namespaces of the process whose /proc directory this is. -errno when one may not be read. */
int namespaces_read(struct namespaces *namespaces, int proc, bool open_them);
void namespaces_close(struct namespaces *namespaces);

#endif
