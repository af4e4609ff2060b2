#ifndef NSEXEC_TOOL_ROOT_H
#define NSEXEC_TOOL_ROOT_H

#include "run.h"

/**
 * Makes a mount namespace in which there is the toolbox as the root directory, procfs (of our own pid namespace) at /proc, a /dev with null, urandom and stdin, and nothing else,
 * all of it read-only but /proc for `run`. What joins it has the toolbox as its root, and can reach nothing of the image that we are started in.
 *
 * `toolbox` is the root of a tmpfs that is attached nowhere; it is attached in the new namespace alone, and stays what it is as a descriptor. 0 and run->tool_root, which lives as
 * long as somebody has it open or is in it; 0 without it when a reason to end came up meanwhile; -1 on failure.
 */
int tool_root_make(struct run *run, int toolbox, struct error *err);

/**
 * For an agent: a mount namespace with the toolbox as the root directory, read-only, and nothing else. A mount that is attached nowhere can be attached once only, and be copied only by who
 * is where it is: so each shim makes its root out of a copy of this namespace. Waits for it. -1 on failure.
 */
int tool_root_hold(int toolbox, struct error *err);
/** Hands the toolbox over to a shim. */
void tool_root_give(int link, int toolbox, int holder);
/** In the shim: takes it, if it has been handed over. */
void tool_root_hear(struct run *run);

/** For a child: joins it; system calls only. 0 or -errno. */
int tool_root_enter(int tool_root);

#endif
