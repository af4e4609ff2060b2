#ifndef NSEXEC_MARKS_H
#define NSEXEC_MARKS_H

#include "undo/netlink.h"

#include <net/if.h>

/* What a fault of the network is known by, besides its handle and its names. */

/** What the kernel says of a link. */
struct link_facts {
    int index; /**< 0: nothing */
    char name[IFNAMSIZ];
    bool is_ifb;
    uint32_t queue; /**< its length, in packets */
};
/** False when the message tells of no link. */
bool marks_read_link(const struct nlmsghdr *message, struct link_facts *facts);

/** Whether the message tells of an ingress qdisc as we make them: a clsact qdisc has the same place and handle; filters of a shared block are another's. */
bool marks_is_ingress(const struct nlmsghdr *message);

/** Where the filters of an ingress qdisc lead. `links` are the ifb links that are ours. */
struct redirects {
    const int *links;
    size_t link_count;
    int to_ours;     /**< one of those; 0: to none */
    bool to_nowhere; /**< to a link that is gone */
    bool other;      /**< something that none of our filters does */
};
/** Follows the filters of this device's ingress qdisc. 0, or -errno. A device that is gone has none. */
int marks_follow(int route, int device, struct redirects *redirects);

#endif
