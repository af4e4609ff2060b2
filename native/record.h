#ifndef NSEXEC_RECORD_H
#define NSEXEC_RECORD_H

#include "hierarchy.h"
#include "undo.h"

/*
 * What a directory or a setting is found by when shim and guardian are gone: an extended attribute of the target's cgroup that says in words how it is undone
 * (README, "Records"). Whoever has something to undo holds a shared lock on that cgroup's directory.
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

#endif
