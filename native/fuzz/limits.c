#include "proc/proc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list of CPUs, and the limits of a disk. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct io_limits limits;
    int64_t number = 0;
    if (proc_count_cpus(text, &number)) {
        assert(number >= 0 && number <= 65536);
    }
    if (proc_parse_io_max(text, "8:16", &limits)) {
        assert(limits.read_bytes >= -1 && limits.write_bytes >= -1 && limits.read_ops >= -1 && limits.write_ops >= -1);
    }
    if (proc_parse_device_limit(text, "8:16", &number)) {
        assert(number >= 0);
    }
    return 0;
}
