#include "undo/record.h"

#include "base/clock.h"
#include "undo/undo-words.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>

enum { LOCK_LIMIT_MS = 1000, LOCK_AGAIN_MS = 20 };

const char record_prefix[] = "trusted.kubectl-chaos.";

const struct hierarchy *record_hierarchy(const struct hierarchies *hierarchies) {
    const struct hierarchy *found = hierarchy_with(hierarchies, "blkio");
    for (size_t i = 0; found == NULL && i < hierarchies->count; i++) {
        found = hierarchies->item[i].directory < 0 ? NULL : &hierarchies->item[i];
    }
    return found;
}

int record_create(const struct undo *record, const char *text) { return fsetxattr(record->cgroup, record->name, text, strlen(text), XATTR_CREATE) < 0 ? -errno : 0; }

int record_replace(const struct undo *record, const char *text) { return fsetxattr(record->cgroup, record->name, text, strlen(text), XATTR_REPLACE) < 0 ? -errno : 0; }

static bool means_gone(int number) { return number == ENODATA || number == ENOENT || number == ENODEV; }

int record_present(const struct undo *record) { return fgetxattr(record->cgroup, record->name, NULL, 0) >= 0 ? 1 : means_gone(errno) ? 0 : -errno; }

int record_remove(const struct undo *record) { return fremovexattr(record->cgroup, record->name) == 0 || means_gone(errno) ? 0 : -errno; }

enum lease_state record_state(const char *text, size_t length, size_t *used) {
    struct span rest = {text, length};
    struct span line;
    struct lease lease;
    enum lease_state state = LEASE_OVER;
    *used = 0;
    while (span_cut(&rest, '\n', &line) && lease_read(line, &lease)) {
        enum lease_state one = lease_state(&lease);
        state = one > state ? one : state;
        *used = length - rest.length;
    }
    return state;
}

enum lease_state record_state_at(const struct undo *record) {
    char text[RECORD_MAX_BYTES];
    size_t used = 0;
    ssize_t got = fgetxattr(record->cgroup, record->name, text, sizeof text);
    return got < 0 ? LEASE_OVER : record_state(text, (size_t)got, &used);
}

void record_lock(struct run *run, int cgroup, int operation) {
    int64_t until = clock_ms() + LOCK_LIMIT_MS;
    while (flock(cgroup, operation | LOCK_NB) < 0 && errno == EWOULDBLOCK && clock_ms() < until && run->reason == REASON_NONE) {
        pump(run, -1, clock_ms() + LOCK_AGAIN_MS);
    }
}

void record_unlock(int cgroup) { (void)flock(cgroup, LOCK_UN); }
