#include "base/files.h"

#include "base/cleanup.h"
#include "base/format.h"
#include "base/sys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

ssize_t read_file_at(int directory, const char *path, char *buffer, size_t size) {
    cleanup_close int fd = openat(directory, path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t got = 0;
    do {
        got = read(fd, buffer, size);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : (size_t)got == size ? -EFBIG : got;
}

/** As read_file_at, until the end of the file. */
static ssize_t read_to_end(int directory, const char *path, char *buffer, size_t size) {
    cleanup_close int fd = openat(directory, path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, buffer + done, size - done);
        if (got == 0) {
            return (ssize_t)done;
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return -EFBIG;
}

int read_whole_at(int directory, const char *path, char **text, struct span *span) {
    for (size_t size = 4096; size <= (size_t)4 << 20; size *= 4) {
        cleanup_free char *buffer = malloc(size);
        if (buffer == NULL) {
            return -ENOMEM;
        }
        ssize_t got = read_to_end(directory, path, buffer, size);
        if (got >= 0) {
            *text = buffer;
            buffer = NULL;
            *span = (struct span){*text, (size_t)got};
            return 0;
        }
        if (got != -EFBIG) {
            return (int)got;
        }
    }
    return -EFBIG;
}

/** Opening a device or a FIFO can do anything, or wait for ever; a descriptor of O_PATH only names it. */
static int name_it(const char *path, struct stat *st) {
    cleanup_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || fstat(fd, st) < 0 ? -1 : steal_fd(&fd);
}

static int open_named(int named, int flags) {
    char path[32];
    format_text(path, sizeof path, "/proc/self/fd/%d", named);
    return open(path, flags | O_NOCTTY | O_CLOEXEC);
}

int open_null(int flags) {
    struct stat st;
    cleanup_close int named = name_it("/dev/null", &st);
    if (named >= 0 && (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))) {
        errno = ENODEV;
        return -1;
    }
    return named < 0 ? -1 : open_named(named, flags);
}

/** An older kernel does not tell: then it is taken for one. */
static bool is_mount_point(int fd) {
    enum { MOUNT_ROOT = 0x2000 /* STATX_ATTR_MOUNT_ROOT, Linux 5.8 */ };
    struct statx_facts facts = {0};
    long result = sys5(__NR_statx, fd, "", AT_EMPTY_PATH, 0, &facts);
    return result < 0 || (facts.attributes_mask & MOUNT_ROOT) == 0 || (facts.attributes & MOUNT_ROOT) != 0;
}

int open_regular(const char *path, bool mounted, int flags) {
    struct stat st;
    cleanup_close int named = name_it(path, &st);
    if (named >= 0 && !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    if (named >= 0 && mounted && !is_mount_point(named)) {
        errno = ENOENT;
        return -1;
    }
    return named < 0 ? -1 : open_named(named, flags);
}

int write_file_at(int directory, const char *path, const char *text) {
    cleanup_close int fd = openat(directory, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}
