#ifndef NSEXEC_SIGHT_H
#define NSEXEC_SIGHT_H

#include "path/entrance.h"
#include "proc/space.h"

#include <stdint.h>

/* What a child finds that goes to a directory of the target with the target's eyes. */

enum sight_step { SIGHT_OF_ALL, SIGHT_ENTER, SIGHT_OPEN, SIGHT_FACTS };

/** Ids are those of the target's user namespace. */
struct sight {
    int32_t step;   /**< enum sight_step: where it failed, or SIGHT_OF_ALL */
    int32_t number; /**< errno of that */
    struct space space;
    uint32_t owner_uid, owner_gid, mode;
    bool removed; /**< the directory itself is gone; what holds it is a descriptor or a mount */
    bool writable;
};

/** O_PATH of a directory, below `directory` as below a root: no symlink, `..` or magic link of /proc leads out of it. -errno. */
long open_in_root(int directory, const char *path);

/** An errand of `may_hang` with a struct look: its stdout is a struct sight, and its link gets the directory and, unless there can be none, the probe's file. */
struct look {
    const char *path;
    struct last_steps *steps;
    struct entrance entrance;
    int link;
    bool with_file;
};
int sight_work(const void *argument);

/* Paths of the node, for which symlinks count: the mount that each of them is in. */
enum { NODE_ROOT, NODE_KUBELET, NODE_UPPER, NODE_PATHS };
/** An errand of `may_hang` with an array of NODE_PATHS paths, or NULL: its stdout is an array of as many ids as in PID 1's mountinfo, 0 where it is not known. */
int node_work(const void *argument);

/** The id of the mount that a descriptor is in, from our own /proc: the file system is not asked. 0 when it is not told. */
uint64_t mount_id_of(int fd);

/**
 * The probe's file in this directory: without a name, so that it goes with its last descriptor. -1 where the file system has no such files, or where closing one can
 * wait for a server.
 */
int make_nameless(int directory);

#endif
