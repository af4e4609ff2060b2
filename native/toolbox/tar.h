#ifndef NSEXEC_TAR_H
#define NSEXEC_TAR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 100, TAR_FILES_MAX = 1024 };

/** Who gets the files, one after the other. Each returns 0, or -1, which ends the reading. */
struct tar_reader {
    /** `name` is relative, of `[A-Za-z0-9._+/-]`, without an empty component, `.` or `..`; `mode` 0755 or 0644. */
    int (*begin)(void *to, const char *name, unsigned int mode, struct error *err);
    int (*add)(void *to, const uint8_t *bytes, size_t length, struct error *err);
    int (*end)(void *to, struct error *err);
    void *to;
};

/** Reads an archive in the format ustar (POSIX.1-1988, `tar --format=ustar`) of regular files and nothing else, piece by piece. All zero at the beginning, but for `reader`. */
struct tar {
    struct tar_reader reader;
    uint8_t header[TAR_BLOCK];
    size_t filled;    /**< of it */
    uint64_t left;    /**< bytes of the file that have not come yet */
    uint64_t padding; /**< bytes behind it up to a whole block */
    bool in_file;
    size_t files;
    int zero_blocks; /**< the two at its end; behind them there are only zeros */
};

int tar_take(struct tar *tar, const uint8_t *bytes, size_t length, struct error *err);
/** Nothing comes any more: was it whole? */
int tar_end(const struct tar *tar, struct error *err);

#endif
