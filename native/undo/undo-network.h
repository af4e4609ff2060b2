#ifndef NSEXEC_UNDO_NETWORK_H
#define NSEXEC_UNDO_NETWORK_H

#include "undo/undo.h"

/*
 * A device is found by its index, which stays when it is renamed. Of `undo`, one of `list`, only what bears our marks is ours: a root qdisc by its handle; an ingress qdisc
 * by its kind and by where its filters lead; a link by being an ifb. `route` is a socket of NETLINK_ROUTE in the caller's network namespace.
 */

/** Whether it is there, and ours: 1 or 0, or -errno. */
int network_present(int route, const struct undo_list *list, const struct undo *undo);
/** Whether anything is in its place, whosever it is. As above. */
int network_occupied(int route, const struct undo_list *list, const struct undo *undo);
/** Removes it; what is gone already, and what is somebody else's, is done. 0 or -errno. */
int network_take_back(int route, const struct undo_list *list, const struct undo *undo);

/** Whether it names a device that is there before and after the fault. */
bool network_names_device(const struct undo *undo);
/** For each of the list the index of the device that it names, as it is called now; 0 where there is none. */
void network_resolve(const struct undo_list *list, int index[UNDO_MAX]);

/** A socket that keeps, from now on, what the kernel tells of links; -1 when the list has no link, or it cannot be had: then their names alone count. */
int network_listen(const struct undo_list *list);
/** Takes from it (or from -1, nothing) the indexes of the links of the list, which they keep when they are renamed. */
void network_learn(int events, struct undo_list *list);

#endif
