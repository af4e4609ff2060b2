#ifndef NSEXEC_PROC_H
#define NSEXEC_PROC_H

/*
 * Parsers of /proc/PID/cgroup, mountinfo, status and stat, and of the small files of a cgroup: pure functions over a buffer that need not be
 * terminated. What they read is in part written by others (comm, cgroup names, mount sources): nothing is assumed of it.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One line of /proc/PID/cgroup, `4:cpu,cpuacct:/path`: `name` is "cpu,cpuacct", "name=systemd", or empty for v2. */
struct cgroup_line {
    struct span name;
    struct span path;
};
/** The next well-formed line; anything else is passed over. cgroups(7) */
bool proc_next_cgroup(struct span *rest, struct cgroup_line *line);

/** True when one component of a cgroup path names this container (README, step 4). `prefix` gets the path up to and with it. */
bool proc_path_names_container(struct span path, const char *id, struct span *prefix);

/** One line of /proc/PID/mountinfo. proc(5) */
struct mount_line {
    uint64_t id;         /**< as in /proc/PID/fdinfo */
    struct span device;  /**< "major:minor" */
    struct span root;    /**< which part of the file system; of a cgroup's: as seen from the reader's cgroup namespace */
    struct span point;   /**< where, from the process's root; blanks and the like are written \040 */
    struct span options; /**< of this mount */
    struct span type;
    struct span source;  /**< a device, an address, or any name; escaped as `point` is */
    struct span super_options;
};
bool proc_next_mount(struct span *rest, struct mount_line *line);
/** Undoes the \ooo of mountinfo; false when `out` is too small. */
bool proc_unescape(struct span text, char *out, size_t size);
/** Of /proc/PID/fdinfo/FD: the id of the mount that it is in. */
bool proc_mount_id(struct span text, uint64_t *id);
/** True when a comma-separated list holds every item of the comma-separated `items`. */
bool proc_list_holds(struct span list, struct span items);

/** What we want of /proc/PID/status. Ids are those of the reader's user namespace. */
struct status {
    uint32_t uid[3], gid[3]; /**< real, effective, saved */
    struct span groups;      /**< decimal numbers between blanks */
    uint64_t inheritable, permitted, effective, bounding, ambient;
    uint64_t pending; /**< signals that wait for the process; bit n-1 */
    bool no_new_privs;
    uint32_t seccomp;         /**< 0 none, 1 strict, 2 by filters */
    int64_t seccomp_filters; /**< how many; -1 before Linux 5.9, which does not say */
};
/** False when a field that we need is missing or not a number. */
bool proc_parse_status(struct span text, struct status *status);

/** What a security module says of a process in its attr/current. */
enum label { LABEL_NONE, LABEL_APPARMOR, LABEL_OTHER };
enum { PROFILE_BYTES = 512 };
/** `profile` gets the name of an AppArmor profile: `NAME (enforce)`; else it is empty. */
enum label proc_parse_label(struct span text, char profile[PROFILE_BYTES]);

/** What we want of /proc/PID/stat: comm may hold anything, parentheses and blanks included. */
struct stat_line {
    struct span comm;
    char state;
    bool exiting; /**< on its way out, though no zombie yet (PF_EXITING) */
    uint32_t parent;
    uint64_t threads; /**< how many it has, its first one with them until it is waited for */
    uint64_t cpu_ticks;   /**< of all its threads, in user and system mode, in clock ticks */
    uint64_t start_ticks; /**< since boot, in clock ticks */
};
bool proc_parse_stat(struct span text, struct stat_line *line);

/** The value of `key VALUE` on a line of its own, as in memory.stat or cgroup.events. */
bool proc_keyed(struct span text, const char *key, uint64_t *value);

/** What a disk has done since it is there. */
struct disk_counts {
    int64_t read_bytes, write_bytes, read_ops, write_ops;
};
/** /sys/dev/block/MAJOR:MINOR/stat: one line. False when there are too few numbers in it, or too large ones. */
bool proc_parse_disk_counts(struct span text, struct disk_counts *counts);

/** How many CPUs a list such as `0-3,8` names; an empty one names none. False when it is no such list, or has more than 65536. */
bool proc_count_cpus(struct span list, int64_t *count);

/** What a cgroup may do to one disk in a second; -1: as much as it likes. */
struct io_limits {
    int64_t read_bytes, write_bytes, read_ops, write_ops;
};
#define IO_LIMITS_NONE ((struct io_limits){-1, -1, -1, -1})
/** Of io.max: `8:16 rbps=2097152 wbps=max riops=max wiops=120`, a line for each device that has a limit. False when this one has none. */
bool proc_parse_io_max(struct span text, const char *device, struct io_limits *limits);
/** Of a file of v1's blkio.throttle: `8:16 2097152`. False when this device has no limit. */
bool proc_parse_device_limit(struct span text, const char *device, int64_t *limit);

/** The numbers, without their signs, at the beginning of the next line of /proc/sysvipc that has so many; any other, as the heading, is passed over. */
bool proc_next_numbers(struct span *rest, uint64_t *numbers, size_t count);

/** Where an id of the reader's user namespace lies in /proc/PID/uid_map, the other way round: inside → outside. */
bool proc_map_outside(struct span map, uint64_t inside, uint64_t *outside);

#endif
