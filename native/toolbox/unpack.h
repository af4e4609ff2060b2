#ifndef NSEXEC_UNPACK_H
#define NSEXEC_UNPACK_H

#include "toolbox/gzip.h"
#include "toolbox/tar.h"

/** A toolbox on its way from the memfd that it was received in to a file system of its own. On the heap: it is large. */
struct unpack {
    int from;           /**< the memfd */
    uint64_t taken;     /**< bytes of it that have been read; their memory is given back */
    uint64_t limit;     /**< bytes that the archive has */
    int mount_fd;       /**< the root of a tmpfs that is attached nowhere */
    int file;           /**< that is being written; -1: none */
    unsigned int mode;  /**< that it will have */
    struct tar tar;
    struct gzip gzip;
};

/**
 * Begins with what is in the memfd `from`, which it takes over, whatever it returns. `limit`: how many bytes the archive has, neither more nor less. NULL when it cannot;
 * free it with unpack_free.
 */
struct unpack *unpack_begin(int from, uint64_t limit, struct error *err);

/** Some milliseconds' worth: 1, and there is more; 0, and all of it is there; -1, and the error says what is wrong with the toolbox. */
int unpack_some(struct unpack *unpack, struct error *err);

/** With all that has been unpacked, unless somebody has taken `mount_fd` (and left -1). */
void unpack_free(struct unpack **unpack);

#endif
