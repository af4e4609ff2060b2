#ifndef NSEXEC_RESIDUE_H
#define NSEXEC_RESIDUE_H

#include "undo/undo.h"

/**
 * Looks through the caller's network namespace for what only a net fault of ours puts there. In the order in which it is to be removed: what comes in stops going through an
 * ifb link before that goes. At most UNDO_MAX at once; what is beyond is found when these are gone. -1 when it could not be looked at.
 */
int residue_find(struct undo_list *found, struct error *err);

#endif
