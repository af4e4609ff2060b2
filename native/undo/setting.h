#ifndef NSEXEC_SETTING_H
#define NSEXEC_SETTING_H

#include "target/hierarchy.h"
#include "undo/undo.h"

/** The target's cgroup that has such a file, or should; NULL when it is in no such hierarchy, or that is mounted nowhere. */
const struct hierarchy *setting_hierarchy(const struct hierarchies *hierarchies, const char *file);

/** What stands in the file for the device, in the words of the file. 0 or -errno. */
int setting_read(const struct undo *setting, char value[UNDO_VALUE_BYTES]);
/** Writes its value for the device. 0 or -errno. */
int setting_write(const struct undo *setting);
/** Whether what was read says all that `wanted` does, which may leave words out. */
bool setting_holds(const char *value, const char *wanted);

/** Whether something stands there that the fault has written in another's place: 1, 0 or -errno. In a cgroup that is gone nothing does. */
int setting_present(const struct undo *setting);
/** Writes what stood there before, word by word, where the fault's still stands: what somebody else has written since is left. 0 or -errno. */
int setting_restore(const struct undo *setting);
/** Whether not all that the fault has written stands there any more; `value` gets what does. What cannot be read has not been seen to be otherwise. */
bool setting_overwritten(const struct undo *setting, char value[UNDO_VALUE_BYTES]);

#endif
