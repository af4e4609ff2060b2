#ifndef NSEXEC_PATH_H
#define NSEXEC_PATH_H

#include "base/error.h"
#include "base/json.h"
#include "path/sight.h"
#include "proc/disk.h"

#include <stdbool.h>
#include <stdint.h>

struct run;
struct measure;

/** The directory of --path. All descriptors -1 at the beginning: PATH_NONE. */
struct path {
    int directory; /**< O_PATH: enough for the calls that take a directory; neither to hold nor to close it asks the file system */
    int file;      /**< the probe's, without a name, or -1: then it is one in `--directory` */
    int user;      /**< the target's user namespace, kept for the probes; -1: it is ours */
    char *mountinfo; /**< the target's */
    struct mount_line mount;
    struct sight sight; /**< its space is that of the last probe */
    bool may_use_reserved, on_node, read_only;
    char device[DEVICE_BYTES], disk[DEVICE_BYTES], disk_name[DISK_NAME_BYTES];
    struct measure *measure; /**< probe.c */
    size_t measure_bytes;
    int64_t next_probe; /**< clock_ms(); 0: there are no probes */
    bool due, probed;       /**< the next one; and whether there has been one */
    int lost; /**< pidfd of a probe that not even KILL has ended; -1: there is none */
};

#define PATH_NONE ((struct path){.directory = -1, .file = -1, .user = -1, .lost = -1})

/**
 * Opens --path and finds out what there is to know of it, in a second or two (README, "Paths"). 0 too when a reason to end came up meanwhile: then
 * `directory` is still -1.
 */
int path_open(struct run *run, struct error *err);
void path_close(struct path *path);

/** The object `path` of `resolved`. */
void path_write(const struct run *run, struct json *line);

#endif
