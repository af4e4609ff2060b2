#include "base/files.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <string.h>

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

int write_file_at(int directory, const char *path, const char *text) {
    cleanup_close int fd = openat(directory, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}
