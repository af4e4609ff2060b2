#ifndef NSEXEC_LEVELS_H
#define NSEXEC_LEVELS_H

#include "base/span.h"
#include "target/hierarchy.h"

#include <stdint.h>

enum { LEVEL_PATH_BYTES = 4096, NO_LIMIT = -1 };

/** The target's cgroup, or one above it, whose limits hold for the target as well. */
struct level {
    int mount;   /**< the hierarchy's root */
    int version; /**< 1 or 2 */
    int above;   /**< so many levels above the target's own; not told of the container's */
    char path[LEVEL_PATH_BYTES];
};

/** Begins with the target's own cgroup. False when its path is too long to be looked at. */
bool level_own(struct level *level, const struct hierarchy *hierarchy);
/** Goes up one level; false above the root, and 64 levels above the target's own. */
bool level_up(struct level *level);
/** The cgroup that the runtime made for the container: below it the container may have made the target's own. The target's own where that is not known. */
bool level_of_container(struct level *level, const struct hierarchy *hierarchy);

/** A file of this level; free the text. False when there is none. */
bool level_text(const struct level *level, const char *file, char **text, struct span *span);
/** A file with one number, or "max"; v1 writes no limit as a number near 2^63. */
bool level_number(const struct level *level, const char *file, int64_t *value);
/** The value of KEY in a file of `KEY VALUE` lines. */
bool level_keyed(const struct level *level, const char *file, const char *key, int64_t *value);

#endif
