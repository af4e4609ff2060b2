#ifndef NSEXEC_UNDO_H
#define NSEXEC_UNDO_H

#include "base/error.h"
#include "base/words.h"
#include "enter/last-steps.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct stopped;

/** What a fault puts into a network namespace, a file system or a cgroup, and takes out of it again. */
enum undo_kind { UNDO_QDISC, UNDO_INGRESS, UNDO_LINK, UNDO_TABLE, UNDO_QUEUE, UNDO_DIRECTORY, UNDO_SETTING, UNDO_FREEZE, UNDO_STOPPED, UNDO_RECORD };

enum { UNDO_MAX = 64, UNDO_NAME_BYTES = 96, UNDO_DEVICE_BYTES = 24, UNDO_VALUE_BYTES = 128 };
/* What undo_describe writes at most. */
enum { UNDO_TEXT_BYTES = 384, UNDO_LINK_GONE = -1 };

struct undo {
    enum undo_kind kind;
    char name[UNDO_NAME_BYTES]; /**< of the device, the table, the directory, the setting's file, or the record's attribute */
    uint32_t handle;            /**< of a root qdisc, major number in the upper half */
    int32_t queue_length;       /**< of a device, in packets */
    int index;                  /**< of the device, or of our link; it stays when the name changes. 0: not known, then the name counts */
    int link;                   /**< of an ingress qdisc that was found: the link to which its filters lead, or UNDO_LINK_GONE. 0: that of the list */
    /* From here on only of what is no network's. */
    int at;             /**< what the directory is in */
    int directory;      /**< itself; -1: it has not been made, or not by us */
    uint64_t inode;     /**< of the directory; 0: as -1 */
    const char *path;   /**< what the directory is in, in words */
    const struct last_steps *owner; /**< of the directory, who removes it first; NULL: root alone does */
    int cgroup;         /**< of a setting, a freeze, a stop or a record: the cgroup's directory */
    int cgroup_version; /**< of a freeze: 1 or 2 */
    struct stopped *stopped; /**< stopped.h; not owned. NULL: a record names one, */
    pid_t pid;               /**< which is this, */
    uint64_t start_ticks;    /**< with its start */
    char device[UNDO_DEVICE_BYTES]; /**< of a setting, `8:16` */
    char value[UNDO_VALUE_BYTES];   /**< of a setting: what stood there, in the words of its file */
    char wanted[UNDO_VALUE_BYTES];  /**< of a setting: what the fault writes there, which alone is taken back */
};

/** In the order in which it was said, which is that of undoing. A guardian has it, and what it points to, by having been forked. */
struct undo_list {
    struct undo item[UNDO_MAX];
    size_t count;
};

/** False when there are too many. */
bool undo_push(struct undo_list *list, const struct undo *undo);
/** Takes the first out: it turned out not to be ours. */
void undo_shift(struct undo_list *list);
/** Puts one before all others. False when there are too many. */
bool undo_unshift(struct undo_list *list, const struct undo *undo);
/** The descriptors of one; those that there are not are -1. How many it can have. */
enum { UNDO_FDS = 2 };
size_t undo_descriptors(struct undo *undo, int *fds[UNDO_FDS]);
/** Whether something of it is in a network namespace: then the callers of the two below are to be in it. */
bool undo_needs_network(const struct undo_list *list);

/** One in words, as `link NAME`. */
void undo_describe(const struct undo *undo, char *out, size_t size);

/** How many of the list are there and ours; `first` (or NULL) gets one of them in words. -1 when that could not be found out. */
int undo_present(const struct undo_list *list, char *first, size_t size, struct error *err);
/** As undo_present, of what stands in their places, whosever it is. */
int undo_occupied(const struct undo_list *list, char *first, size_t size, struct error *err);

/**
 * Takes back all of it; what is gone already is done. -1 when something of it was refused: a record stays then. `sees_pids`: whoever calls is in the pid namespace in which the
 * processes that are to go on were found; elsewhere their pids are nobody's.
 */
int undo_run(const struct undo_list *list, bool sees_pids, struct error *err);

/** What is to be said of the target when something of the list may be left: a `state` of README. */
const char *undo_unknown(const struct undo_list *list);

#endif
