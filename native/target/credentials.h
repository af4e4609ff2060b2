#ifndef NSEXEC_CREDENTIALS_H
#define NSEXEC_CREDENTIALS_H

#include "base/error.h"
#include "enter/last-steps.h"
#include "target/target.h"

/** What decides about the workload's credentials besides the target. */
struct credentials_choice {
    bool as_root;       /**< --as root */
    bool executed_last; /**< a static program: the credentials are taken before execve, which changes capabilities once more */
    bool own_user;      /**< the target has a user namespace other than ours */
    uint64_t available; /**< our own permitted and bounding sets, which bind within our own user namespace */
    uint32_t last_cap;
};

/**
 * The last steps' credentials: those of the target, or with `as_root` those of a root with its bounding set; never more. `lost` gets the capabilities that the target has and we cannot give. Pure, but
 * for the memory it allocates: NULL on failure, else to be freed.
 */
struct last_steps *credentials_decide(const struct target *target, const struct credentials_choice *choice, uint64_t *lost, struct error *err);

/** Compares the workload's credentials with what was decided; the text of the failure names the first that differs. */
int credentials_compare(const struct last_steps *wanted, const struct status *found, struct error *err);

#endif
