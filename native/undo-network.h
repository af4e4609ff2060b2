#ifndef NSEXEC_UNDO_NETWORK_H
#define NSEXEC_UNDO_NETWORK_H

#include "undo.h"

/** Whether it is in the caller's network namespace: 1 or 0, or -errno. `route` is a socket of NETLINK_ROUTE. */
int network_present(int route, const struct undo *undo);
/** Removes it from there; what is gone already is done. 0 or -errno. */
int network_take_back(int route, const struct undo *undo);

#endif
