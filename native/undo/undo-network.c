/*
 * By netlink and not by tc, ip and nft: it must work in a guardian whose container, and with it every program of the image, is gone. The callers are in the target's
 * network namespace already.
 */
#include "undo/undo-network.h"

#include "base/cleanup.h"
#include "undo/marks.h"
#include "undo/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum { FAMILY_INET = 1 /* NFPROTO_INET */ };

/* What a socket that listens to links keeps at most, and how much of it is read. */
enum { EVENTS_BYTES = 1 << 20, EVENTS_MAX = 8192 };

/** What a dump of qdiscs is searched for. */
struct search {
    int index;
    uint32_t parent, handle; /**< handle 0: any */
    bool as_ours;            /**< of an ingress qdisc: of the kind that we make */
    bool found;
};

static void look_at_qdisc(const struct nlmsghdr *message, void *context) {
    struct search *search = context;
    if (message == NULL) {
        search->found = false;
        return;
    }
    const struct tcmsg *qdisc = NLMSG_DATA(message);
    if (message->nlmsg_type == RTM_NEWQDISC && message->nlmsg_len >= NLMSG_LENGTH(sizeof *qdisc) && qdisc->tcm_ifindex == search->index && qdisc->tcm_parent == search->parent &&
        (search->handle == 0 || qdisc->tcm_handle == search->handle) && (!search->as_ours || marks_is_ingress(message))) {
        search->found = true;
    }
}

/** The device, whatever it is called now; 0: there is none. One that was not there when it was first looked for is the one that is called so now. */
static int device_of(const struct undo *undo) { return undo->index != 0 ? undo->index : (int)if_nametoindex(undo->name); }

static struct tcmsg *begin_qdisc(struct request *request, uint16_t type, uint16_t flags, int index) {
    struct tcmsg *qdisc = request_begin(request, type, flags, sizeof *qdisc);
    qdisc->tcm_family = AF_UNSPEC;
    qdisc->tcm_ifindex = index;
    return qdisc;
}

static int qdisc_search(int route, const struct undo *undo, bool as_ours) {
    struct search search = {
        .index = device_of(undo),
        .parent = undo->kind == UNDO_QDISC ? TC_H_ROOT : TC_H_INGRESS,
        .handle = undo->handle,
        .as_ours = as_ours,
    };
    if (search.index == 0) {
        return 0;
    }
    struct request request = {0};
    begin_qdisc(&request, RTM_GETQDISC, NLM_F_REQUEST | NLM_F_DUMP, search.index);
    int result = netlink_ask(route, &request, look_at_qdisc, &search);
    return result < 0 ? result : search.found;
}

static int qdisc_delete(int route, const struct undo *undo) {
    int index = device_of(undo);
    if (index == 0) {
        return 0;
    }
    struct request request = {0};
    struct tcmsg *qdisc = begin_qdisc(&request, RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK, index);
    qdisc->tcm_parent = undo->kind == UNDO_QDISC ? TC_H_ROOT : TC_H_INGRESS;
    qdisc->tcm_handle = undo->kind == UNDO_QDISC ? undo->handle : TC_H_MAJ(TC_H_INGRESS);
    if (undo->kind == UNDO_INGRESS) {
        request_text(&request, TCA_KIND, "ingress");
    }
    int result = netlink_ask(route, &request, NULL, NULL);
    /* tc_get_qdisc compares handle and kind: EINVAL is another's qdisc, or the default one. */
    return result == -ENOENT || result == -EINVAL || result == -ENODEV ? 0 : result;
}

static void look_at_link(const struct nlmsghdr *message, void *context) {
    struct link_facts *facts = context;
    struct link_facts link;
    if (message == NULL) {
        *facts = (struct link_facts){0};
    } else if (marks_read_link(message, &link)) {
        *facts = link;
    }
}

/** What there is of the link with this index or, where that is 0, with this name. 1, 0 when there is none, or -errno. */
static int link_look(int route, int index, const char *name, struct link_facts *facts) {
    struct request request = {0};
    struct ifinfomsg *of = request_begin(&request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof *of);
    of->ifi_index = index;
    if (index == 0) {
        request_text(&request, IFLA_IFNAME, name);
    }
    int result = netlink_ask(route, &request, look_at_link, facts);
    return result == -ENODEV ? 0 : result < 0 ? result : facts->index != 0;
}

enum { LINKS_OF_ONE = 2 };

/**
 * Our ifb: the one that was seen when it was made, whatever it is called now, and the one that has its name. Links of another kind, and those that have the name only as
 * another name of theirs, are somebody else's. How many, or -errno.
 */
static int link_find(int route, const struct undo *undo, int found[LINKS_OF_ONE]) {
    struct link_facts facts;
    int count = 0;
    int result = undo->index == 0 ? 0 : link_look(route, undo->index, NULL, &facts);
    if (result == 1 && facts.is_ifb) {
        found[count++] = facts.index;
    }
    result = result < 0 ? result : link_look(route, 0, undo->name, &facts);
    if (result == 1 && facts.is_ifb && strcmp(facts.name, undo->name) == 0 && facts.index != undo->index) {
        found[count++] = facts.index;
    }
    return result < 0 ? result : count;
}

static int link_present(int route, const struct undo *undo) {
    int found[LINKS_OF_ONE];
    int count = link_find(route, undo, found);
    return count > 0 ? 1 : count;
}

static int link_delete(int route, const struct undo *undo) {
    int found[LINKS_OF_ONE];
    int count = link_find(route, undo, found);
    int status = count < 0 ? count : 0;
    for (int i = 0; i < count; i++) {
        struct request request = {0};
        struct ifinfomsg *link = request_begin(&request, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof *link);
        link->ifi_index = found[i];
        int result = netlink_ask(route, &request, NULL, NULL);
        status = result == 0 || result == -ENODEV ? status : result;
    }
    return status;
}

/** Whether the ingress qdisc is ours: it leads to a link of ours, or does nothing (yet) that ours do not. 1, 0 or -errno. */
static int ingress_present(int route, const struct undo_list *list, const struct undo *undo) {
    int links[UNDO_MAX * LINKS_OF_ONE];
    struct redirects redirects = {.links = links};
    int result = qdisc_search(route, undo, true);
    if (result != 1) {
        return result;
    }
    if (undo->link > 0) {
        links[redirects.link_count++] = undo->link;
    }
    for (size_t i = 0; i < list->count && undo->link == 0; i++) {
        int count = list->item[i].kind != UNDO_LINK ? 0 : link_find(route, &list->item[i], links + redirects.link_count);
        if (count < 0) {
            return count;
        }
        redirects.link_count += (size_t)count;
    }
    result = marks_follow(route, device_of(undo), &redirects);
    bool made_by_us = redirects.to_ours != 0 || (!redirects.other && (undo->link == 0 || redirects.to_nowhere));
    return result < 0 ? result : made_by_us;
}

static int ingress_delete(int route, const struct undo_list *list, const struct undo *undo) {
    int present = ingress_present(route, list, undo);
    return present == 1 ? qdisc_delete(route, undo) : present;
}

static void begin_netfilter(struct request *request, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
    struct nfgenmsg *message = request_begin(request, type, flags, sizeof *message);
    message->nfgen_family = family;
    message->version = NFNETLINK_V0;
    message->res_id = htons(resource);
}

enum { SUBSYSTEM = NFNL_SUBSYS_NFTABLES << 8 };

/** No such table; or a kernel that has no nftables at all, in which there is none either. */
static bool means_no_table(int result) { return result == -ENOENT || result == -EPROTONOSUPPORT || result == -EOPNOTSUPP || result == -EAFNOSUPPORT; }

static int table_present(const struct undo *undo) {
    cleanup_close int fd = netlink_open(NETLINK_NETFILTER);
    if (fd < 0) {
        return means_no_table(fd) ? 0 : fd;
    }
    struct request request = {0};
    begin_netfilter(&request, SUBSYSTEM | NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_ACK, FAMILY_INET, 0);
    request_text(&request, NFTA_TABLE_NAME, undo->name);
    int result = netlink_ask(fd, &request, NULL, NULL);
    /* A kernel without nf_tables answers EINVAL to its subsystem. */
    return result == 0 ? 1 : means_no_table(result) || result == -EINVAL ? 0 : result;
}

static int table_delete(const struct undo *undo) {
    cleanup_close int fd = netlink_open(NETLINK_NETFILTER);
    if (fd < 0) {
        return means_no_table(fd) ? 0 : fd;
    }
    struct request request = {0};
    begin_netfilter(&request, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    begin_netfilter(&request, SUBSYSTEM | NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, FAMILY_INET, 0);
    request_text(&request, NFTA_TABLE_NAME, undo->name);
    begin_netfilter(&request, NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    int result = netlink_ask(fd, &request, NULL, NULL);
    return means_no_table(result) ? 0 : result;
}

/** qdisc_create gives a device without a queue one of 1000 packets; nothing takes that back when the qdisc goes. */
static int queue_differs(int route, const struct undo *undo) {
    struct link_facts facts;
    int index = device_of(undo);
    int result = index == 0 ? 0 : link_look(route, index, NULL, &facts);
    return result == 1 ? facts.queue != (uint32_t)undo->queue_length : result;
}

static int queue_restore(int route, const struct undo *undo) {
    const uint32_t length = (uint32_t)undo->queue_length;
    int differs = queue_differs(route, undo);
    if (differs != 1) {
        return differs;
    }
    struct request request = {0};
    struct ifinfomsg *link = request_begin(&request, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof *link);
    link->ifi_index = device_of(undo);
    request_bytes(&request, IFLA_TXQLEN, &length, sizeof length);
    int result = netlink_ask(route, &request, NULL, NULL);
    return result == -ENODEV ? 0 : result;
}

int network_present(int route, const struct undo_list *list, const struct undo *undo) {
    switch (undo->kind) {
    case UNDO_QDISC:
        return qdisc_search(route, undo, false);
    case UNDO_INGRESS:
        return ingress_present(route, list, undo);
    case UNDO_LINK:
        return link_present(route, undo);
    case UNDO_TABLE:
        return table_present(undo);
    case UNDO_QUEUE:
        return queue_differs(route, undo);
    default:
        return 0;
    }
}

int network_occupied(int route, const struct undo_list *list, const struct undo *undo) {
    switch (undo->kind) {
    case UNDO_INGRESS:
        return qdisc_search(route, undo, false);
    case UNDO_LINK:
        return if_nametoindex(undo->name) != 0;
    default:
        return network_present(route, list, undo);
    }
}

int network_take_back(int route, const struct undo_list *list, const struct undo *undo) {
    switch (undo->kind) {
    case UNDO_QDISC:
        return qdisc_delete(route, undo);
    case UNDO_INGRESS:
        return ingress_delete(route, list, undo);
    case UNDO_LINK:
        return link_delete(route, undo);
    case UNDO_TABLE:
        return table_delete(undo);
    case UNDO_QUEUE:
        return queue_restore(route, undo);
    default:
        return 0;
    }
}

bool network_names_device(const struct undo *undo) { return undo->kind == UNDO_QDISC || undo->kind == UNDO_INGRESS || undo->kind == UNDO_QUEUE; }

void network_resolve(const struct undo_list *list, int index[UNDO_MAX]) {
    for (size_t i = 0; i < list->count; i++) {
        index[i] = network_names_device(&list->item[i]) ? (int)if_nametoindex(list->item[i].name) : 0;
    }
}

/* --- links of ours, as they are made */

int network_listen(const struct undo_list *list) {
    bool needed = false;
    for (size_t i = 0; i < list->count; i++) {
        needed = needed || list->item[i].kind == UNDO_LINK;
    }
    if (!needed) {
        return -1;
    }
    cleanup_close int fd = netlink_open(NETLINK_ROUTE);
    const int size = EVENTS_BYTES;
    const int group = RTNLGRP_LINK;
    if (fd < 0) {
        return -1;
    }
    /* When it is full the newest are lost, and ours is among the first. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 ? -1 : steal_fd(&fd);
}

static void note_link(const struct nlmsghdr *message, void *context) {
    struct undo_list *list = context;
    struct link_facts link;
    if (!marks_read_link(message, &link) || !link.is_ifb) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct undo *undo = &list->item[i];
        if (undo->kind == UNDO_LINK && undo->index == 0 && strcmp(undo->name, link.name) == 0) {
            undo->index = link.index;
        }
    }
}

void network_learn(int events, struct undo_list *list) {
    for (int i = 0; events >= 0 && i < EVENTS_MAX && netlink_hear(events, note_link, list); i++) {
    }
}
