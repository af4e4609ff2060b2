#ifndef NSEXEC_CONFINEMENT_H
#define NSEXEC_CONFINEMENT_H

#include "base/error.h"
#include "target/target.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What confines the target besides its namespaces and credentials, to be put over the workload as well (README, "Confinement"). */

enum { CONFINEMENT_WORDS = 320 };

struct confinement {
    struct sock_filter *filter; /**< the first seccomp filter that the target's process got: the runtime's. NULL: it has none, or it cannot be read */
    size_t filter_count;
    char profile[PROFILE_BYTES]; /**< the name of its AppArmor profile; "": none */
    /** In words, what it has and the workload will not have; "" where that is nothing. */
    char seccomp_missing[CONFINEMENT_WORDS], lsm_missing[CONFINEMENT_WORDS];
};

/** Reads it. Stops the target's process for a moment where it has a filter. Fails only for want of memory, or when the target has ended. */
int confinement_read(struct confinement *confinement, const struct target *target, struct error *err);
/** The part of it that security modules say, of the process of this directory of /proc; nothing where that is what they say of us. */
void confinement_read_profile(struct confinement *confinement, int proc);
void confinement_free(struct confinement *confinement);

#endif
