#ifndef NSEXEC_CLEANUP_H
#define NSEXEC_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/** Closes and forgets a descriptor; -1 means there is none. errno is kept, so that it can be called on the way out. */
static inline void close_fd(int *fd) {
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        *fd = -1;
        errno = saved;
    }
}

static inline void free_pointer(void *pointer) {
    void **target = pointer;
    free(*target);
    *target = NULL;
}

static inline void close_directory(DIR **directory) {
    if (*directory != NULL) {
        closedir(*directory);
        *directory = NULL;
    }
}

/** Hands a descriptor over: the caller owns the result, the variable no longer closes it. */
static inline int steal_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

/** `cleanup_close int fd = -1;` closes at the end of the scope. */
#define cleanup_close __attribute__((cleanup(close_fd)))
#define cleanup_free __attribute__((cleanup(free_pointer)))
#define cleanup_dir __attribute__((cleanup(close_directory)))

#endif
