#ifndef NSEXEC_CONFINEMENT_H
#define NSEXEC_CONFINEMENT_H

#include "error.h"
#include "target.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What confines the target besides its namespaces and credentials, to be put over the workload as well (README, "Confinement"). */

enum { PROFILE_BYTES = 512, CONFINEMENT_WORDS = 320 };

struct confinement {
    struct sock_filter *filter; /**< the first seccomp filter that the target's process got: the runtime's. NULL: it has none, or it cannot be read */
    size_t filter_count;
    char profile[PROFILE_BYTES]; /**< the name of its AppArmor profile; "": none */
    /** In words, what it has and the workload will not have; "" where that is nothing. */
    char seccomp_missing[CONFINEMENT_WORDS], lsm_missing[CONFINEMENT_WORDS];
};

/** Reads it. Stops the target's process for a moment where it has a filter. Fails only for want of memory, or when the target has ended. */
int confinement_read(struct confinement *confinement, const struct target *target, struct error *err);
void confinement_free(struct confinement *confinement);

/** What a security module says of a process in its attr/current. */
enum label { LABEL_NONE, LABEL_APPARMOR, LABEL_OTHER };
/** `profile` gets the name of an AppArmor profile. Pure. */
enum label label_parse(struct span text, char profile[PROFILE_BYTES]);

#endif
