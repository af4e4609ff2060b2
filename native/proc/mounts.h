#ifndef NSEXEC_MOUNTS_H
#define NSEXEC_MOUNTS_H

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>

/** The cgroup mounts of a node: the lines of PID 1's mountinfo and of ours that are about them. */
struct mounts {
    char *text;
    struct span of_first; /**< PID 1's */
    struct span of_own;
};

#define MOUNTS_NONE ((struct mounts){NULL, {"", 0}, {"", 0}})

/** Reads them, after the view has been entered: the roots of cgroup mounts are told from the reader's cgroup namespace. */
int mounts_read(struct mounts *mounts, struct error *err);
void mounts_free(struct mounts *mounts);

/** Whether PID 1 has this v1 hierarchy mounted anywhere: mounting one that nobody has would make a new hierarchy. */
bool mounts_have_v1(const struct mounts *mounts, const char *name);

/** Whether v2 is mounted anywhere, and the options that it has. */
bool mounts_have_v2(const struct mounts *mounts, struct span *super_options);

/**
 * The root directory of a hierarchy (`name` empty: v2) as an O_PATH descriptor: where PID 1 or we have the whole of it mounted and writable, else on a
 * detached mount of our own. -1 on failure.
 */
int mounts_open_root(const struct mounts *mounts, const char *name, struct error *err);

#endif
