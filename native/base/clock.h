#ifndef NSEXEC_CLOCK_H
#define NSEXEC_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(clockid_t clock) {
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/** Milliseconds since boot, time asleep included: a deadline holds over a suspended node. */
static inline int64_t clock_ms(void) { return clock_us(CLOCK_BOOTTIME) / 1000; }

/** Milliseconds since 1970. */
static inline int64_t clock_real_ms(void) { return clock_us(CLOCK_REALTIME) / 1000; }

#endif
