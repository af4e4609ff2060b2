#ifndef NSEXEC_GZIP_H
#define NSEXEC_GZIP_H

#include "base/error.h"
#include "toolbox/crc32.h"
#include "toolbox/inflate.h"

/** Decodes one member of gzip (RFC 1952), which must be all there is. Large: for the heap. */
struct gzip {
    struct inflate inflate;
    struct crc32 crc;
    uint64_t length; /**< of what has been decoded */
    bool begun;
};

/** `read` and `from` as in struct inflate. */
void gzip_begin(struct gzip *gzip, ssize_t (*read)(void *from, uint8_t *bytes, size_t size), void *from);

/**
 * One step of inflate_more: 1, and there is more to come; 0, and it has ended well, the sums at its end right and nothing behind it; -1. What it has decoded is not to be
 * used for anything that cannot be taken back before it has ended.
 */
int gzip_more(struct gzip *gzip, struct inflated *inflated, struct error *err);

#endif
