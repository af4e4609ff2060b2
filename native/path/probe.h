#ifndef NSEXEC_PROBE_H
#define NSEXEC_PROBE_H

#include "run.h"

/* The `path` events: how much space there is, and how long a small write and read take. */

/** Makes the memory that a probe shares with us, and the first probe due. */
int probe_prepare(struct run *run, struct error *err);
void probe_forget(struct path *path);

/** Does a probe if one is due, and emits its `path` event. False when none is; it may have heard of something to do meanwhile. */
bool path_serve(struct run *run);

/** As path_serve, but at once: once more after the revert. */
void path_report_last(struct run *run);

/** The six numbers, as members of an open object. */
void space_write(const struct space *space, struct json *line);

/**
 * In a child that has the target's credentials: makes the probe's file in this directory, which is `--directory`, where there can be none without a name. It is written while there still
 * is room; a probe that does not find it makes it. -errno on failure, of which the probe's own event will say more.
 */
int path_make_file(const struct run *run, int directory);

#endif
