#ifndef NSEXEC_TOOLBOX_H
#define NSEXEC_TOOLBOX_H

#include "base/events.h"
#include "toolbox/toolbox-line.h"

struct unpack; /**< unpack.h */

/** The tools that come through stdin (README, "The toolbox"): received, verified, unpacked. TOOLBOX_NONE at the beginning; toolbox_free at the end. */
struct toolbox {
    /**
     * The root directory of a tmpfs that is attached nowhere, with the files of the archive as they are laid out in it, each of them whole, root's, 0755 or 0644: for openat and
     * move_mount. It goes with its last descriptor. -1 until `ready`. Who takes it over leaves -1.
     */
    int mount_fd;
    bool ready;  /**< all of it is there */
    bool in_use; /**< set by who has built on `mount_fd`: another toolbox is not taken any more */
    bool promised; /**< one has been announced: nothing may begin before it is ready */
    bool spoiled;  /**< the last `tools` line could not be taken */
    struct toolbox_promise promise;
    int received;    /**< memfd with what has come; -1 before the first chunk and from unpacking on */
    uint64_t offset; /**< how much has come */
    struct sha256 sum; /**< of what has come */
    struct unpack *unpack; /**< while it is unpacked */
    int64_t unpack_since, unpack_ms; /**< when that began; how long it took */
    bool due;           /**< something has happened that is to be said */
    char problem[256];  /**< why what has come is of no use; it has been thrown away. "": nothing is wrong */
};

#define TOOLBOX_NONE ((struct toolbox){.mount_fd = -1, .received = -1})

/** Takes a line that is one of these (toolbox_line_of). `before_start`: `start` has not been said. NULL, or why it is not taken. */
const char *toolbox_take_line(struct toolbox *toolbox, const char *text, size_t length, bool before_start);

/** Whether there is something to do that needs no more input: then call toolbox_go_on until there is not. */
bool toolbox_is_busy(const struct toolbox *toolbox);
/** Unpacks for some milliseconds. */
void toolbox_go_on(struct toolbox *toolbox);

/** What is ready is of no use: throws it away, and says why. */
void toolbox_refuse(struct toolbox *toolbox, const struct error *err);

/** NULL, or why nothing may begin: what was promised is not there. */
const char *toolbox_missing(const struct toolbox *toolbox);

/**
 * Says how far it has come, if something has happened since it was said last and all that was said before has been written: so it is never lost, and never piles up where
 * nobody reads.
 */
void toolbox_report(struct toolbox *toolbox, struct events *events);

void toolbox_free(struct toolbox *toolbox);

#endif
