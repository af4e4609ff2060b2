#include "undo/freeze.h"

#include "base/files.h"
#include "proc/proc.h"

#include <errno.h>
#include <string.h>

static bool is_v2(const struct undo *freeze) { return freeze->cgroup_version == 2; }

static int unless_gone(int result) { return result == -ENOENT || result == -ENODEV ? 0 : result; }

int freeze_present(const struct undo *freeze) {
    char bytes[64];
    ssize_t got = read_file_at(freeze->cgroup, is_v2(freeze) ? "cgroup.freeze" : "freezer.self_freezing", bytes, sizeof bytes);
    return got < 0 ? unless_gone((int)got) : got > 0 && bytes[0] == '1';
}

int freeze_set(const struct undo *freeze, bool frozen) { return is_v2(freeze) ? write_file_at(freeze->cgroup, "cgroup.freeze", frozen ? "1" : "0") : write_file_at(freeze->cgroup, "freezer.state", frozen ? "FROZEN" : "THAWED"); }

int freeze_restore(const struct undo *freeze) {
    int result = freeze_present(freeze);
    return result == 1 ? unless_gone(freeze_set(freeze, false)) : result;
}

bool freeze_is_whole(const struct undo *freeze) {
    char bytes[512];
    uint64_t frozen = 0;
    /* v1 finds out when it is asked. */
    ssize_t got = read_file_at(freeze->cgroup, is_v2(freeze) ? "cgroup.events" : "freezer.state", bytes, sizeof bytes);
    struct span text = {bytes, got < 0 ? 0 : (size_t)got};
    return is_v2(freeze) ? proc_keyed(text, "frozen", &frozen) && frozen != 0 : span_starts(text, "FROZEN");
}
