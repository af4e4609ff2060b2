#include "toolbox/unpack.h"

#include "base/cleanup.h"
#include "base/sys.h"
#include "proc/mount.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A file takes whole pages, and up to a handful of directories of its own. */
enum { INODES_MAX = TAR_FILES_MAX * 8 };

static ssize_t read_received(void *from, uint8_t *bytes, size_t size) {
    struct unpack *unpack = from;
    ssize_t got = 0;
    do {
        got = pread(unpack->from, bytes, size, (off_t)unpack->taken);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        unpack->taken += (uint64_t)got;
        /* Where that is not to be had, all of it goes at the end. */
        (void)fallocate(unpack->from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)unpack->taken);
    }
    return got;
}

static int write_failed(const char *what, struct error *err) {
    return fail(err, "tools", errno, "%s", what);
}

/** The directories that a file lies in; those that are there already have been made for another. */
static int make_directories(const struct unpack *unpack, const char *name, struct error *err) {
    char path[TAR_NAME_MAX + 1];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(path, name, (size_t)(slash - name));
        path[slash - name] = '\0';
        if (mkdirat(unpack->mount_fd, path, 0755) == 0) {
            /* Whatever the umask is. */
            long result = sys3(__NR_fchmodat, unpack->mount_fd, path, 0755);
            if (result < 0) {
                return fail(err, "tools", (int)-result, "change the mode of a directory");
            }
        } else if (errno != EEXIST) {
            return fail(err, "tools", errno, "make the directory `%s`", path);
        }
    }
    return 0;
}

static int begin_file(void *to, const char *name, unsigned int mode, struct error *err) {
    struct unpack *unpack = to;
    if (make_directories(unpack, name, err) < 0) {
        return -1;
    }
    unpack->mode = mode;
    unpack->file = openat(unpack->mount_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return unpack->file < 0 ? fail(err, "tools", errno, "make the file `%s`", name) : 0;
}

static int add_to_file(void *to, const uint8_t *bytes, size_t length, struct error *err) {
    const struct unpack *unpack = to;
    while (length > 0) {
        ssize_t written = write(unpack->file, bytes, length);
        if (written < 0 && errno != EINTR) {
            return write_failed("write a file", err);
        }
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/** It can be executed only now that it is whole; who had it open for writing could not execute it anyway. */
static int end_file(void *to, struct error *err) {
    struct unpack *unpack = to;
    int result = fchmod(unpack->file, unpack->mode) < 0 ? write_failed("change the mode of a file", err) : 0;
    close_fd(&unpack->file);
    return result;
}

struct unpack *unpack_begin(int from, uint64_t limit, struct error *err) {
    struct unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack == NULL) {
        close_fd(&from);
        (void)fail(err, "tools", ENOMEM, "unpack it");
        return NULL;
    }
    unpack->from = from;
    unpack->limit = limit;
    unpack->file = -1;
    unpack->tar.reader = (struct tar_reader){begin_file, add_to_file, end_file, unpack};
    gzip_begin(&unpack->gzip, read_received, unpack);
    unpack->mount_fd = mount_programs(limit + (uint64_t)TAR_FILES_MAX * (uint64_t)getpagesize(), INODES_MAX, err);
    if (unpack->mount_fd < 0) {
        unpack_free(&unpack);
    }
    return unpack;
}

int unpack_some(struct unpack *unpack, struct error *err) {
    struct inflated inflated;
    int more = gzip_more(&unpack->gzip, &inflated, err);
    if (more < 0) {
        return -1;
    }
    if (unpack->gzip.length > unpack->limit || (more == 0 && unpack->gzip.length != unpack->limit)) {
        return fail(err, "tools", 0, "its archive has not the %llu bytes that were announced", (unsigned long long)unpack->limit);
    }
    if (tar_take(&unpack->tar, inflated.at, inflated.length, err) < 0) {
        return -1;
    }
    return more == 0 && tar_end(&unpack->tar, err) < 0 ? -1 : more;
}

void unpack_free(struct unpack **unpack) {
    if (*unpack != NULL) {
        close_fd(&(*unpack)->from);
        close_fd(&(*unpack)->file);
        close_fd(&(*unpack)->mount_fd);
        free(*unpack);
        *unpack = NULL;
    }
}
