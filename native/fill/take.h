#ifndef NSEXEC_TAKE_H
#define NSEXEC_TAKE_H

#include "base/error.h"
#include "proc/space.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Percent in millionths of one: the decimals that a number of the plugin's can have. */
#define PERCENT INT64_C(1000000)

/** So many more, or until so much of what there is is in use; 0: not this one. */
struct amount {
    int64_t count;
    int64_t percent; /**< in millionths of a percent, up to 100 * PERCENT */
};

/* More than any file system needs; a limit on the size of files makes many of them. */
enum { FILES_MAX = 512 };

/** What is being taken of the file system of one directory, by this process. It comes back with its descriptors, except for the names of `made`. */
struct taking {
    int directory;
    int64_t leave;        /**< bytes that stay free */
    bool reserve_is_ours; /**< what is reserved for root counts as free */
    bool written;         /**< block by block: fallocate is not supported, or gives nothing */
    bool proven;          /**< fallocate does give something */
    struct {
        int fd;
        int64_t length;
    } file[FILES_MAX]; /**< without names; the last one grows */
    size_t files;
    int64_t asked, held; /**< bytes */
    int64_t asked_inodes, made;
};

/**
 * Takes space until the amount is reached, or only `leave` is left. `held` may be less than `asked` where others took what was free at the beginning. Fails when
 * there is not enough of it to begin with, and when it ends early by a quota or the like.
 */
int take_space(struct taking *taking, const struct amount *amount, struct error *err);

/** As take_space, by empty files called 0, 1, 2 … */
int take_inodes(struct taking *taking, const struct amount *amount, struct error *err);

#endif
