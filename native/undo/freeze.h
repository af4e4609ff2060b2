#ifndef NSEXEC_FREEZE_H
#define NSEXEC_FREEZE_H

#include "undo/undo.h"

/*
 * A cgroup that stands still with all below it: `cgroup.freeze` of v2, `freezer.state` of v1 (cgroup-v2.rst, freezer-subsystem.rst). It has a switch of its own, and stands
 * still as well where one above it is frozen: that is somebody else's.
 */

/** Its own switch: 1, 0 or -errno. Of a cgroup that is gone it is 0. */
int freeze_present(const struct undo *freeze);
/** 0 or -errno. */
int freeze_set(const struct undo *freeze, bool frozen);
/** Takes it back, if it is there. 0 or -errno. */
int freeze_restore(const struct undo *freeze);
/** Whether all that is in it does stand still, whoever has seen to that. What is under way is not yet. */
bool freeze_is_whole(const struct undo *freeze);

#endif
