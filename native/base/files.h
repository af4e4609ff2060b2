#ifndef NSEXEC_FILES_H
#define NSEXEC_FILES_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * Reads a file of fewer than `size` bytes relative to a directory, with one read(2): for files of procfs and cgroupfs that the kernel writes in one piece
 * (single_open, seq_show of a cftype), not for lists. -errno on failure, -EFBIG when it is longer.
 */
ssize_t read_file_at(int directory, const char *path, char *buffer, size_t size);

/** The whole file in memory of its own (up to 4 MiB; free it), as a span. -errno on failure. */
int read_whole_at(int directory, const char *path, char **text, struct span *span);

/**
 * /dev/null, and nothing that an image has in its place: looked at before it is opened. -1 and errno on failure, ENODEV where it is something else.
 */
int open_null(int flags);

/** A regular file, looked at before it is opened, its last component not followed. -1 and errno on failure, EINVAL where it is something else, ENOENT too where `mounted` and it is no mount point. */
int open_regular(const char *path, bool mounted, int flags);

/** Writes a short text with one write(2), as the files of a cgroup want it. -errno on failure. */
int write_file_at(int directory, const char *path, const char *text);

#endif
