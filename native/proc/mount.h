#ifndef NSEXEC_MOUNT_H
#define NSEXEC_MOUNT_H

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * Mounts that are attached nowhere (fsopen, fsmount; Linux 5.2): a directory descriptor and nothing to unmount. They are gone with the last
 * descriptor. Each returns the descriptor, or -1.
 */
int mount_v1(const char *name, struct error *err);

/**
 * v2 takes its options from whoever mounted it last in the initial cgroup namespace (apply_cgroup_root_flags): a mount without them would
 * take nsdelegate and memory_recursiveprot from the whole node. `super_options` are those it has.
 */
int mount_v2(struct span super_options, struct error *err);

/** A tmpfs of so many bytes, owned by these ids, mode 0700. */
int mount_scratch(uint64_t bytes, uint32_t uid, uint32_t gid, struct error *err);

/** procfs of the caller's pid namespace. */
int mount_proc(bool read_only, struct error *err);

/** An empty tmpfs in which device nodes can be made, and opened. */
int mount_dev(struct error *err);

/** A tmpfs for programs of ours, of so many bytes and inodes, owned by root, mode 0755: executable, but without device files and setuid. */
int mount_programs(uint64_t bytes, uint64_t inodes, struct error *err);

/** The POSIX message queues of the caller's IPC namespace. */
int mount_queues(struct error *err);

#endif
