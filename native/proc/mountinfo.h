#ifndef NSEXEC_MOUNTINFO_H
#define NSEXEC_MOUNTINFO_H

#include "proc/proc.h"

/* Questions about the text of a /proc/PID/mountinfo: pure. */

/** The mount of this id. */
bool mountinfo_find(struct span text, uint64_t id, struct mount_line *line);

/** The mount that an absolute path, without symlinks in it, is in: what is mounted later hides what was there before. */
bool mountinfo_covering(struct span text, const char *path, struct mount_line *line);

/** The value of `KEY=` in a list of options, unescaped; false when it is not there or does not fit. */
bool mountinfo_option(struct span options, const char *key, char *out, size_t size);

/** The mount points that a user may mean, separated by commas and without the kernel's own; cut off with `…` where they do not fit. */
void mountinfo_name_points(struct span text, char *out, size_t size);

#endif
