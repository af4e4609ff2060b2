#include "record.h"


#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

const char record_prefix[] = "trusted.kubectl-chaos.";

const struct hierarchy *record_hierarchy(const struct hierarchies *hierarchies) {
    const struct hierarchy *found = hierarchy_with(hierarchies, "blkio");
    for (size_t i = 0; found == NULL && i < hierarchies->count; i++) {
        found = hierarchies->item[i].directory < 0 ? NULL : &hierarchies->item[i];
    }
    return found;
}

int record_create(const struct undo *record, const char *text) { return fsetxattr(record->at, record->name, text, strlen(text), XATTR_CREATE) < 0 ? -errno : 0; }

int record_replace(const struct undo *record, const char *text) { return fsetxattr(record->at, record->name, text, strlen(text), XATTR_REPLACE) < 0 ? -errno : 0; }

static bool means_gone(int number) { return number == ENODATA || number == ENOENT || number == ENODEV; }

int record_present(const struct undo *record) { return fgetxattr(record->at, record->name, NULL, 0) >= 0 ? 1 : means_gone(errno) ? 0 : -errno; }

int record_remove(const struct undo *record) { return fremovexattr(record->at, record->name) == 0 || means_gone(errno) ? 0 : -errno; }
