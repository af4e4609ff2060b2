#include "proc/modules.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span list = {(const char *)data, size};
    if (proc_lists_module(list, "ifb")) {
        assert(span_find(list, "ifb.ko") != NULL);
    }
    return 0;
}
