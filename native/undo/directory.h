#ifndef NSEXEC_DIRECTORY_H
#define NSEXEC_DIRECTORY_H

#include "undo/undo.h"

#include <stdint.h>

/*
 * The directory that a workload works in, made in a directory of the target. All of these are for children alone: the file system may never answer. None of them looks up a path.
 */

/**
 * Makes it in `at`, with the caller's credentials and for nobody else. An O_PATH descriptor of it; -errno: -EEXIST too where somebody put something else into its place
 * at once.
 */
int directory_make(int at, const char *name);

/** O_PATH of one that is there, if nothing is mounted on it; -errno. */
int directory_open(int at, const char *name);

/** 1, 0 or -errno. One that was made and moved away is there still. */
int directory_present(const struct undo *undo);

/**
 * Removes it and all that is in it, by its descriptor and never across a mount: as its owner, and then, where that was refused, as root, but nothing that
 * belongs to others. One that is not known by its descriptor goes only when it is empty. 0 or -errno: -ESTALE when there is something else in its place. May leave the caller with other groups.
 */
int directory_remove(const struct undo *undo);

/** What a number of directory_remove means where it means something of its own; else NULL. */
const char *directory_why(int number);

#endif
