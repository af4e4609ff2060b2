#ifndef NSEXEC_DISK_H
#define NSEXEC_DISK_H

#include "proc/proc.h"

#include <stddef.h>

enum { DEVICE_BYTES = 24, DISK_NAME_BYTES = 64 };

/**
 * The block device, `MAJOR:MINOR`, that a mount is of: its own number or, where it has none (btrfs), that of the node's device that is its source. Empty when it is of none.
 */
void disk_device(const struct mount_line *mount, char device[DEVICE_BYTES]);

/** The whole disk of a block device, since a cgroup's limits take no partition: the same for a loop device or device-mapper's. `name` as `sda`. Both empty when it is unknown. */
void disk_whole(const char *device, char disk[DEVICE_BYTES], char name[DISK_NAME_BYTES]);

/** What the disk has done, whoever asked for it. False: there is none, or the kernel does not tell. */
bool disk_count(const char *disk, struct disk_counts *counts);

#endif
