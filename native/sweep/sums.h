#ifndef NSEXEC_SUMS_H
#define NSEXEC_SUMS_H

#include "run.h"

/* What a sweep says. */

enum { UNSEEN_NAMED_MAX = 16 };

/** A network that could not be looked at, or a process whose network is not known; all zero: a record that could not be read, or cgroups that lie too deep. */
struct unseen {
    uint64_t inode; /**< 0: not known */
    pid_t pid;
};

struct sums {
    int64_t found, in_use, removed, left;
    struct unseen unseen[UNSEEN_NAMED_MAX];
    size_t unseen_count;
};

void sums_add_unseen(struct sums *sums, uint64_t inode, pid_t pid);
/** Adds one finding. */
void sums_add(struct sums *sums, bool in_use, bool removed);
/** The last event. */
void sums_report(struct run *run, const struct sums *sums, size_t namespaces, int64_t since);

/** A `residue` event: `inode` of its network namespace, or 0; then what is said of its kind; then how it went. */
void residue_begin(struct json *line, uint64_t inode, pid_t pid, const char *cgroup);
void residue_end(struct run *run, struct json *line, bool in_use, bool removed);

/** Goes through the records on this node's cgroups (README, "Records"). -1 when the sweep is over. */
int sweep_records(struct run *run, const char **state, struct sums *sums, struct error *err);

#endif
