#ifndef NSEXEC_SPACE_H
#define NSEXEC_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/** What a file system has, as statfs(2) tells it. A file system that does not count its inodes has 0 of them. */
struct space {
    int64_t block_bytes; /**< what space is given out in, ≥ 1 */
    int64_t size_bytes, free_bytes;
    int64_t available_bytes; /**< free, without what is reserved for root */
    int64_t inodes, inodes_free, inodes_available;
};

/** Of the file system that the descriptor is in. -errno on failure. */
int space_of(int fd, struct space *space);

/** Whether the calling process may use what is reserved for root. False where its /proc, which could tell whose root it is, is not there. */
bool space_reserve_is_ours(void);

/** The file system with the reserve counted as available. */
struct space space_with_reserve(struct space space);

/** Text for people, with a binary unit and at most three digits, as the plugin's own: `41 MiB`, `1.5 GiB`. */
enum { SPACE_TEXT = 16 };
const char *space_text(int64_t bytes, char out[SPACE_TEXT]);

#endif
