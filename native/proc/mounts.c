#include "proc/mounts.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "proc/mount.h"
#include "proc/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

/* A node's mountinfo can have ten thousand lines: it is read in pieces, and only what is about cgroups is kept. */
enum { PIECE_BYTES = 16384, KEPT_BYTES = 65536 };

static bool is_cgroup_line(struct span line) {
    struct mount_line mount;
    return proc_next_mount(&line, &mount) && (span_equal(mount.type, "cgroup") || span_equal(mount.type, "cgroup2"));
}

/** Appends the cgroup lines of one mountinfo to `kept`; a line longer than a piece is none of them. */
static int keep_lines(const char *path, char *kept, size_t *used) {
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    char piece[PIECE_BYTES];
    size_t filled = 0;
    if (fd < 0) {
        return -errno;
    }
    for (;;) {
        ssize_t got = read(fd, piece + filled, sizeof piece - filled);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 0;
        }
        filled += (size_t)got;
        size_t start = 0;
        for (const char *end = memchr(piece, '\n', filled); end != NULL; end = memchr(piece + start, '\n', filled - start)) {
            size_t length = (size_t)(end - piece) + 1 - start;
            if (is_cgroup_line((struct span){piece + start, length}) && length <= KEPT_BYTES - *used) {
                memcpy(kept + *used, piece + start, length);
                *used += length;
            }
            start += length;
        }
        filled = start == 0 && filled == sizeof piece ? 0 : filled - start;
        memmove(piece, piece + start, filled);
    }
}

int mounts_read(struct mounts *mounts, struct error *err) {
    size_t used = 0;
    mounts->text = malloc(KEPT_BYTES);
    if (mounts->text == NULL) {
        return fail(err, "internal", ENOMEM, "remember the cgroup mounts");
    }
    int result = keep_lines("/proc/1/mountinfo", mounts->text, &used);
    if (result < 0) {
        return fail(err, "permission", -result, "read `/proc/1/mountinfo`");
    }
    mounts->of_first = (struct span){mounts->text, used};
    result = keep_lines("/proc/self/mountinfo", mounts->text, &used);
    if (result < 0) {
        return fail(err, "internal", -result, "read `/proc/self/mountinfo`");
    }
    mounts->of_own = (struct span){mounts->text + mounts->of_first.length, used - mounts->of_first.length};
    return 0;
}

void mounts_free(struct mounts *mounts) {
    free_pointer(&mounts->text);
    *mounts = MOUNTS_NONE;
}

static bool is_hierarchy(const struct mount_line *mount, const char *name) {
    if (name[0] == '\0') {
        return span_equal(mount->type, "cgroup2");
    }
    return span_equal(mount->type, "cgroup") && proc_list_holds(mount->super_options, (struct span){name, strlen(name)});
}

/** The first line about this hierarchy at or after `rest`. */
static bool next_of(struct span *rest, const char *name, struct mount_line *mount) {
    while (proc_next_mount(rest, mount)) {
        if (is_hierarchy(mount, name)) {
            return true;
        }
    }
    return false;
}

bool mounts_have_v1(const struct mounts *mounts, const char *name) {
    struct span rest = mounts->of_first;
    struct mount_line mount;
    return next_of(&rest, name, &mount);
}

bool mounts_have_v2(const struct mounts *mounts, struct span *super_options) {
    struct span first = mounts->of_first;
    struct span own = mounts->of_own;
    struct mount_line mount;
    if (!next_of(&first, "", &mount) && !next_of(&own, "", &mount)) {
        return false;
    }
    *super_options = mount.super_options;
    return true;
}

/** Something else may be mounted over it: the device tells. */
static bool is_device(int fd, struct span device) {
    struct stat st;
    struct span part;
    uint64_t major_number = 0;
    uint64_t minor_number = 0;
    return fstat(fd, &st) == 0 && span_cut(&device, ':', &part) && span_number(part, &major_number) && span_number(device, &minor_number) &&
           major(st.st_dev) == major_number && minor(st.st_dev) == minor_number;
}

/** A mount of the whole hierarchy, writable, seen through `root` ("" or "/proc/1/root"). -1 when there is none: that is no error. */
static int open_existing(struct span rest, const char *name, const char *root) {
    struct mount_line mount;
    while (next_of(&rest, name, &mount)) {
        char point[1024];
        char path[sizeof point + 16];
        if (!span_equal(mount.root, "/") || !proc_list_holds(mount.options, (struct span){"rw", 2}) || !proc_list_holds(mount.super_options, (struct span){"rw", 2}) ||
            !proc_unescape(mount.point, point, sizeof point)) {
            continue;
        }
        format_text(path, sizeof path, "%s%s", root, point);
        cleanup_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && is_device(fd, mount.device)) {
            return steal_fd(&fd);
        }
    }
    return -1;
}

int mounts_open_root(const struct mounts *mounts, const char *name, struct error *err) {
    int fd = open_existing(mounts->of_own, name, "");
    if (fd < 0) {
        fd = open_existing(mounts->of_first, name, "/proc/1/root");
    }
    if (fd >= 0) {
        return fd;
    }
    struct span options = {"", 0};
    if (name[0] != '\0') {
        return mount_v1(name, err);
    }
    return mounts_have_v2(mounts, &options) ? mount_v2(options, err) : fail(err, "cgroup-unmounted", 0, "v2 is mounted nowhere");
}
