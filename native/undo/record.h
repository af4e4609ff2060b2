#ifndef NSEXEC_RECORD_H
#define NSEXEC_RECORD_H

#include "run.h"
#include "undo/lease.h"
#include "undo/undo.h"

/*
 * What a directory or a setting is found by when shim and guardian are gone: an extended attribute of the target's cgroup that says in words how it is undone
 * (README, "Records"), and who is at work on that: a target can neither write nor read it.
 */

/** The prefix of the attributes' names. */
extern const char record_prefix[];
/** The cgroup hierarchy that records are in, on this node: the same one for everybody. NULL: none is mounted. */
const struct hierarchy *record_hierarchy(const struct hierarchies *hierarchies);

/** Puts it there, where there is none of that name; and another in its place. 0 or -errno. */
int record_create(const struct undo *record, const char *text);
int record_replace(const struct undo *record, const char *text);
/** 1, 0 or -errno. */
int record_present(const struct undo *record);
int record_remove(const struct undo *record);

/** Whether somebody is at work on what this text of a record tells of. `used` gets how long the lines are that say so: the first ones. */
enum lease_state record_state(const char *text, size_t length, size_t *used);
/** The same of one that is there; what cannot be read names nobody. */
enum lease_state record_state_at(const struct undo *record);

/**
 * Waits until none of ours is busy with the records of this cgroup: who makes one has it shared, who sweeps has it alone. Anybody may lock that directory, and
 * its target as well: so this decides nothing, and after a second it is gone on without it. Unlock with record_unlock.
 */
void record_lock(struct run *run, int cgroup, int operation);
void record_unlock(int cgroup);

#endif
