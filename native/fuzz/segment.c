#include "hold/segment.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct segment segment;
    if (segment_parse(&segment, data, size)) {
        const uint8_t *end = data + size;
        assert(segment.source >= data && segment.source + (segment.six ? 16 : 4) <= end);
        assert(segment.data > segment.source && segment.data <= end && segment.length <= (size_t)(end - segment.data));
        segment_is_kube_probe(&segment);
    }
    return 0;
}
