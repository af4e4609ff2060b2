/* What a net fault leaves when shim and guardian are killed at once: recognised by its handle, its names and how it hangs together, since no record of it is left. */
#include "sweep/residue.h"

#include "base/cleanup.h"
#include "undo/marks.h"
#include "undo/netlink.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

/* The plugin's words for its own: faults/net/filters.ts and plan.ts. */
static const char link_prefix[] = "chaos";
static const char table_prefix[] = "kubectl_chaos_";
enum { OUR_HANDLE = 0xc4a0, LINK_RANDOM = 5, FAMILY_INET = 1 /* NFPROTO_INET */ };

/* On a node with a device for each pod, each may have an ingress qdisc of somebody's. */
enum { INGRESS_MAX = 4096 };

/** Devices by index, as they are found. */
struct devices {
    int index[INGRESS_MAX];
    size_t count;
    bool more;
};

static struct {
    struct devices links, shaped, ingress;
    struct undo_list *found;
    size_t before_tables; /**< so many were found before the tables */
} look;

static void remember(struct devices *devices, size_t limit, int index) {
    if (devices->count < limit) {
        devices->index[devices->count++] = index;
    } else {
        devices->more = true;
    }
}

static bool has(const struct devices *devices, int index) {
    for (size_t i = 0; i < devices->count; i++) {
        if (devices->index[i] == index) {
            return true;
        }
    }
    return false;
}

/** `chaos7f3k20`: the prefix, five of [a-z0-9], and the number of the device. */
static bool is_link_name(const char *text) {
    struct span name = {text, strlen(text)};
    size_t head = strlen(link_prefix);
    if (!span_starts(name, link_prefix) || name.length <= head + LINK_RANDOM) {
        return false;
    }
    for (size_t i = head; i < name.length; i++) {
        bool digit = name.at[i] >= '0' && name.at[i] <= '9';
        if (!digit && (i >= head + LINK_RANDOM || name.at[i] < 'a' || name.at[i] > 'z')) {
            return false;
        }
    }
    return true;
}

static void look_at_link(const struct nlmsghdr *message, void *context) {
    (void)context;
    struct link_facts link;
    if (message == NULL) {
        look.links = (struct devices){.count = 0};
    } else if (marks_read_link(message, &link) && link.is_ifb && is_link_name(link.name)) {
        remember(&look.links, UNDO_MAX, link.index);
    }
}

static void look_at_qdisc(const struct nlmsghdr *message, void *context) {
    (void)context;
    if (message == NULL) {
        look.ingress = (struct devices){.count = 0};
        look.shaped = (struct devices){.count = 0};
        return;
    }
    const struct tcmsg *qdisc = NLMSG_DATA(message);
    if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof *qdisc)) {
        return;
    }
    /* The ingress qdisc of our link goes with it. */
    if (marks_is_ingress(message)) {
        remember(&look.ingress, INGRESS_MAX, qdisc->tcm_ifindex);
    } else if (qdisc->tcm_parent == TC_H_ROOT && qdisc->tcm_handle >> 16 == OUR_HANDLE && !has(&look.links, qdisc->tcm_ifindex)) {
        remember(&look.shaped, UNDO_MAX, qdisc->tcm_ifindex);
    }
}

static void look_at_table(const struct nlmsghdr *message, void *context) {
    (void)context;
    if (message == NULL) {
        look.found->count = look.before_tables;
        return;
    }
    const struct nfgenmsg *table = NLMSG_DATA(message);
    struct span name;
    if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE) || !attribute_find(message_attributes(message, sizeof *table), NFTA_TABLE_NAME, &name) || table->nfgen_family != FAMILY_INET) {
        return;
    }
    name.length = strnlen(name.at, name.length);
    struct undo undo = {.kind = UNDO_TABLE};
    if (span_starts(name, table_prefix) && name.length < sizeof undo.name && look.found->count < UNDO_MAX) {
        memcpy(undo.name, name.at, name.length);
        look.found->item[look.found->count++] = undo;
    }
}

static int ask(int fd, uint16_t type, const void *fixed, size_t size, netlink_visit *visit, void *context) {
    struct request request = {0};
    memcpy(request_begin(&request, type, NLM_F_REQUEST | NLM_F_DUMP, size), fixed, size);
    return netlink_ask(fd, &request, visit, context);
}

/** One that is gone by now needs no removal. `link`: where the filters of an ingress qdisc lead. */
static void add(enum undo_kind kind, int index, int link) {
    struct undo undo = {.kind = kind, .handle = kind == UNDO_QDISC ? (uint32_t)OUR_HANDLE << 16 : 0, .index = index, .link = link};
    if (look.found->count < UNDO_MAX && if_indextoname((unsigned int)index, undo.name) != NULL) {
        look.found->item[look.found->count++] = undo;
    }
}

/** Its filter redirects to our link; or, our link being gone, it is exactly what we make and redirects to nowhere: then all that comes in is dropped. */
static int add_ingress(int route, int index) {
    struct redirects redirects = {.links = look.links.index, .link_count = look.links.count};
    int result = marks_follow(route, index, &redirects);
    if (redirects.to_ours != 0 || (redirects.to_nowhere && !redirects.other)) {
        add(UNDO_INGRESS, index, redirects.to_ours != 0 ? redirects.to_ours : UNDO_LINK_GONE);
    }
    return result;
}

static int find_tables(void) {
    look.before_tables = look.found->count;
    cleanup_close int fd = netlink_open(NETLINK_NETFILTER);
    const struct nfgenmsg of = {.nfgen_family = FAMILY_INET, .version = NFNETLINK_V0};
    int result = fd < 0 ? fd : ask(fd, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, &of, sizeof of, look_at_table, NULL);
    /* A kernel without nftables has no tables. */
    return result == -EPROTONOSUPPORT || result == -EOPNOTSUPP || result == -EAFNOSUPPORT || result == -EINVAL ? 0 : result;
}

int residue_find(struct undo_list *found, struct error *err) {
    cleanup_close int route = netlink_open(NETLINK_ROUTE);
    const struct ifinfomsg links = {.ifi_family = AF_UNSPEC};
    const struct tcmsg qdiscs = {.tcm_family = AF_UNSPEC};
    memset(&look, 0, sizeof look);
    look.found = found;
    found->count = 0;
    int result = route < 0 ? route : ask(route, RTM_GETLINK, &links, sizeof links, look_at_link, NULL);
    if (result == 0) {
        result = ask(route, RTM_GETQDISC, &qdiscs, sizeof qdiscs, look_at_qdisc, NULL);
    }
    if (result < 0) {
        return fail(err, "internal", -result, "look at the links and qdiscs");
    }
    if (look.ingress.more) {
        return fail(err, "internal", 0, "more than %d devices have an ingress qdisc", INGRESS_MAX);
    }
    for (size_t i = 0; i < look.ingress.count && result == 0; i++) {
        result = add_ingress(route, look.ingress.index[i]);
    }
    if (result < 0) {
        return fail(err, "internal", -result, "look at the filters of an ingress qdisc");
    }
    for (size_t i = 0; i < look.shaped.count; i++) {
        add(UNDO_QDISC, look.shaped.index[i], 0);
    }
    for (size_t i = 0; i < look.links.count; i++) {
        add(UNDO_LINK, look.links.index[i], 0);
    }
    result = find_tables();
    return result < 0 ? fail(err, "internal", -result, "look at the nftables tables") : 0;
}
