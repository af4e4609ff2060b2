/*
 * By netlink and not by tc, ip and nft: it must work in a guardian whose container, and with it every program of the image, is gone. The callers are in the target's
 * network namespace already.
 */
#include "undo-network.h"

#include "cleanup.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { FAMILY_INET = 1 /* NFPROTO_INET */ };

/** What a dump of qdiscs is searched for. */
struct search {
    int index;
    uint32_t parent, handle; /**< handle 0: any */
    bool found;
};

static void look_at_qdisc(const struct nlmsghdr *message, void *context) {
    struct search *search = context;
    const struct tcmsg *qdisc = NLMSG_DATA(message);
    if (message->nlmsg_type == RTM_NEWQDISC && message->nlmsg_len >= NLMSG_LENGTH(sizeof *qdisc) && qdisc->tcm_ifindex == search->index && qdisc->tcm_parent == search->parent &&
        (search->handle == 0 || qdisc->tcm_handle == search->handle)) {
        search->found = true;
    }
}

static struct tcmsg *begin_qdisc(struct request *request, uint16_t type, uint16_t flags, int index) {
    struct tcmsg *qdisc = request_begin(request, type, flags, sizeof *qdisc);
    qdisc->tcm_family = AF_UNSPEC;
    qdisc->tcm_ifindex = index;
    return qdisc;
}

static int qdisc_present(int route, const struct undo *undo) {
    struct search search = {
        .index = (int)if_nametoindex(undo->name),
        .parent = undo->kind == UNDO_QDISC ? TC_H_ROOT : TC_H_INGRESS,
        .handle = undo->handle,
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
    int index = (int)if_nametoindex(undo->name);
    if (index == 0) {
        return 0;
    }
    struct request request = {0};
    struct tcmsg *qdisc = begin_qdisc(&request, RTM_DELQDISC, NLM_F_REQUEST | NLM_F_ACK, index);
    qdisc->tcm_parent = undo->kind == UNDO_QDISC ? TC_H_ROOT : TC_H_INGRESS;
    qdisc->tcm_handle = undo->handle;
    int result = netlink_ask(route, &request, NULL, NULL);
    /* tc_get_qdisc compares the handle: EINVAL is another's qdisc, or the default one. */
    return result == -ENOENT || (result == -EINVAL && undo->kind == UNDO_QDISC) ? 0 : result;
}

static int link_delete(int route, const struct undo *undo) {
    int index = (int)if_nametoindex(undo->name);
    if (index == 0) {
        return 0;
    }
    struct request request = {0};
    struct ifinfomsg *link = request_begin(&request, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, sizeof *link);
    link->ifi_index = index;
    int result = netlink_ask(route, &request, NULL, NULL);
    return result == -ENODEV ? 0 : result;
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

/** The length of a device's queue, read or set; -errno. */
static int queue_length(const struct undo *undo, unsigned long what, int length) {
    cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_qlen = length};
    memcpy(request.ifr_name, undo->name, strnlen(undo->name, sizeof request.ifr_name - 1));
    return fd < 0 || ioctl(fd, (int)what, &request) < 0 ? -errno : request.ifr_qlen;
}

/** qdisc_create gives a device without a queue one of 1000 packets; nothing takes that back when the qdisc goes. */
static int queue_differs(const struct undo *undo) {
    int length = queue_length(undo, SIOCGIFTXQLEN, 0);
    return length == -ENODEV ? 0 : length < 0 ? length : length != undo->length;
}

static int queue_restore(const struct undo *undo) {
    int differs = queue_differs(undo);
    int result = differs == 1 ? queue_length(undo, SIOCSIFTXQLEN, undo->length) : differs;
    return result == -ENODEV || result > 0 ? 0 : result;
}

int network_present(int route, const struct undo *undo) {
    switch (undo->kind) {
    case UNDO_QDISC:
    case UNDO_INGRESS:
        return qdisc_present(route, undo);
    case UNDO_LINK:
        return if_nametoindex(undo->name) != 0;
    case UNDO_TABLE:
        return table_present(undo);
    case UNDO_QUEUE:
        return queue_differs(undo);
    default:
        return 0;
    }
}

int network_take_back(int route, const struct undo *undo) {
    switch (undo->kind) {
    case UNDO_QDISC:
    case UNDO_INGRESS:
        return qdisc_delete(route, undo);
    case UNDO_LINK:
        return link_delete(route, undo);
    case UNDO_TABLE:
        return table_delete(undo);
    case UNDO_QUEUE:
        return queue_restore(undo);
    default:
        return 0;
    }
}
