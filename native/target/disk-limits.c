/* What cgroups may do to a disk: limits of the target's own cgroup, and those of its pod or of the node's that hold for it as well. */
#include "target/disk-limits.h"

#include "base/cleanup.h"
#include "proc/proc.h"
#include "target/levels.h"

static bool read_v2(const struct level *level, const char *disk, struct io_limits *limits) {
    cleanup_free char *text = NULL;
    struct span span;
    return level_text(level, "io.max", &text, &span) && proc_parse_io_max(span, disk, limits);
}

static bool read_v1(const struct level *level, const char *disk, struct io_limits *limits) {
    const struct {
        const char *file;
        int64_t *limit;
    } files[] = {{"blkio.throttle.read_bps_device", &limits->read_bytes},
                 {"blkio.throttle.write_bps_device", &limits->write_bytes},
                 {"blkio.throttle.read_iops_device", &limits->read_ops},
                 {"blkio.throttle.write_iops_device", &limits->write_ops}};
    bool limited = false;
    *limits = IO_LIMITS_NONE;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_free char *text = NULL;
        struct span span;
        if (level_text(level, files[i].file, &text, &span) && proc_parse_device_limit(span, disk, files[i].limit)) {
            limited = true;
        }
    }
    return limited;
}

static void write_limits(const struct level *level, const struct io_limits *limits, struct json *json) {
    json_open(json, NULL, '{');
    json_string(json, "cgroup", level->path);
    json_bool(json, "own", level->above == 0);
    json_number(json, "read_bytes_per_s", limits->read_bytes);
    json_number(json, "write_bytes_per_s", limits->write_bytes);
    json_number(json, "read_ops_per_s", limits->read_ops);
    json_number(json, "write_ops_per_s", limits->write_ops);
    json_close(json, '}');
}

void disk_limits_write(const struct hierarchies *hierarchies, const char *disk, struct json *json) {
    const struct hierarchy *io = hierarchy_with(hierarchies, "blkio");
    struct level level;
    if (io == NULL || disk[0] == '\0' || !level_own(&level, io)) {
        return;
    }
    json_open(json, "io_limits", '[');
    bool more = true;
    while (more) {
        struct io_limits limits;
        if (io->version == 2 ? read_v2(&level, disk, &limits) : read_v1(&level, disk, &limits)) {
            write_limits(&level, &limits, json);
        }
        /* A limit of v1 holds for the cgroup that has it and for none below it (throtl_pd_init of block/blk-throttle.c). */
        more = io->version == 2 && level_up(&level);
    }
    json_close(json, ']');
}
