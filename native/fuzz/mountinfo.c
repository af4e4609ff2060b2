#include "proc/mountinfo.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct span rest = text;
    struct mount_line line;
    struct mount_line found;
    char names[48];
    uint64_t id = 0;
    while (proc_next_mount(&rest, &line)) {
        char point[64];
        char value[16];
        (void)proc_list_holds(line.super_options, (struct span){"cpu,name=systemd", 16});
        if (mountinfo_option(line.super_options, "upperdir", value, sizeof value)) {
            assert(strlen(value) <= line.super_options.length);
        }
        assert(mountinfo_find(text, line.id, &found));
        if (proc_unescape(line.point, point, sizeof point)) {
            assert(strlen(point) <= line.point.length);
            assert(point[0] != '/' || mountinfo_covering(text, point, &found));
        }
    }
    mountinfo_name_points(text, names, sizeof names);
    assert(strlen(names) < sizeof names);
    (void)mountinfo_covering(text, "/var/lib/kubelet", &found);
    (void)proc_mount_id(text, &id);
    return 0;
}
