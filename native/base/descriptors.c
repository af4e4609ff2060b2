#include "base/descriptors.h"

#include "base/sys.h"

void close_all_but(int from, const int *kept, size_t count) {
    for (;;) {
        int next = -1;
        for (size_t i = 0; i < count; i++) {
            next = kept[i] >= from && (next < 0 || kept[i] < next) ? kept[i] : next;
        }
        if (next < 0) {
            sys_close_from((unsigned int)from, ~0U);
            return;
        }
        if (next > from) {
            sys_close_from((unsigned int)from, (unsigned int)next - 1);
        }
        from = next + 1;
    }
}
