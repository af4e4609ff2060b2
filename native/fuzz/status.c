#include "proc/proc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* /proc/PID/status, and the two other formats of key and number: cgroup files and uid_map. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct status status = {0};
    if (proc_parse_status(text, &status)) {
        struct span word;
        uint64_t group = 0;
        assert(status.groups.at >= text.at && status.groups.at + status.groups.length <= text.at + text.length);
        while (span_cut(&status.groups, ' ', &word)) {
            (void)span_number(word, &group);
        }
    }
    uint64_t value = 0;
    (void)proc_keyed(text, "oom_kill", &value);
    if (proc_map_outside(text, 0, &value)) {
        assert(value < UINT32_MAX);
    }
    char profile[PROFILE_BYTES];
    assert((proc_parse_label(text, profile) == LABEL_APPARMOR) == (profile[0] != '\0') || profile[0] == '\0');
    return 0;
}
