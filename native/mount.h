#ifndef NSEXEC_MOUNT_H
#define NSEXEC_MOUNT_H

#include "error.h"

#include <stdint.h>

/**
 * Mounts that are attached nowhere (fsopen, fsmount; Linux 5.2): a directory descriptor and nothing to unmount. They are gone with the last
 * descriptor. Each returns the descriptor, or -1.
 */
int mount_hierarchy(const char *name, int version, struct error *err);
int mount_scratch(uint64_t bytes, uint32_t uid, uint32_t gid, struct error *err);

#endif
