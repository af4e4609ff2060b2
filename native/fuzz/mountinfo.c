#include "proc.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span rest = {(const char *)data, size};
    struct mount_line line;
    while (proc_next_mount(&rest, &line)) {
        char point[64];
        (void)proc_list_holds(line.super_options, (struct span){"cpu,name=systemd", 16});
        if (proc_unescape(line.point, point, sizeof point)) {
            assert(strlen(point) <= line.point.length);
        }
    }
    return 0;
}
