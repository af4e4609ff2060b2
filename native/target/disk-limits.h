#ifndef NSEXEC_DISK_LIMITS_H
#define NSEXEC_DISK_LIMITS_H

#include "base/json.h"
#include "target/hierarchy.h"

/** The array `io_limits`: the limits of this disk (`MAJOR:MINOR`) that hold for the target, one object for each cgroup that has any. Nothing where no cgroup can tell. */
void disk_limits_write(const struct hierarchies *hierarchies, const char *disk, struct json *json);

#endif
