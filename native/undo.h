#ifndef NSEXEC_UNDO_H
#define NSEXEC_UNDO_H

#include "error.h"
#include "words.h"

#include <stdbool.h>
#include <stdint.h>

/** What a net fault puts into a network namespace, and takes out of it again. */
enum undo_kind { UNDO_QDISC, UNDO_INGRESS, UNDO_LINK, UNDO_TABLE, UNDO_QUEUE };

enum { UNDO_MAX = 64, UNDO_NAME_BYTES = 64 };

struct undo {
    enum undo_kind kind;
    char name[UNDO_NAME_BYTES]; /**< of the device, or of the table */
    uint32_t handle;            /**< of a root qdisc, major number in the upper half */
    int32_t length;             /**< of a device's queue, in packets */
};

/** In the order in which it was said, which is that of undoing. Nothing in it points anywhere: a guardian has it by having been forked. */
struct undo_list {
    struct undo item[UNDO_MAX];
    size_t count;
};

/** Adds what the words behind `undo` say. False when they say nothing of the contract, or there are too many. */
bool undo_add(struct undo_list *list, const struct words *words);

/**
 * How many of the list are there, in the caller's network namespace; `first` (or NULL) gets one of them in words. -1 when that could not be found out.
 */
int undo_present(const struct undo_list *list, char *first, size_t size, struct error *err);

/** Removes all of it from the caller's network namespace; what is gone already is done. -1 when something of it was refused. */
int undo_run(const struct undo_list *list, struct error *err);

#endif
