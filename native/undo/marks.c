/* Recognises what a net fault of ours has made by how it hangs together. */
#include "undo/marks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>
#include <sys/socket.h>

bool marks_read_link(const struct nlmsghdr *message, struct link_facts *facts) {
    const struct ifinfomsg *link = NLMSG_DATA(message);
    struct span attributes = message_attributes(message, sizeof *link);
    struct span name;
    struct span info;
    struct span kind;
    struct span queue;
    *facts = (struct link_facts){0};
    if (message->nlmsg_type != RTM_NEWLINK || !attribute_find(attributes, IFLA_IFNAME, &name)) {
        return false;
    }
    facts->index = link->ifi_index;
    memcpy(facts->name, name.at, strnlen(name.at, name.length < IFNAMSIZ ? name.length : IFNAMSIZ - 1));
    facts->is_ifb = attribute_find(attributes, IFLA_LINKINFO, &info) && attribute_find(info, IFLA_INFO_KIND, &kind) && attribute_is(kind, "ifb");
    if (attribute_find(attributes, IFLA_TXQLEN, &queue) && queue.length >= sizeof facts->queue) {
        memcpy(&facts->queue, queue.at, sizeof facts->queue);
    }
    return true;
}

bool marks_is_ingress(const struct nlmsghdr *message) {
    const struct tcmsg *qdisc = NLMSG_DATA(message);
    struct span attributes = message_attributes(message, sizeof *qdisc);
    struct span kind;
    struct span block;
    return message->nlmsg_type == RTM_NEWQDISC && attribute_find(attributes, TCA_KIND, &kind) && qdisc->tcm_parent == TC_H_INGRESS && attribute_is(kind, "ingress") &&
           !attribute_find(attributes, TCA_INGRESS_BLOCK, &block);
}

static bool link_exists(int index) {
    char name[IFNAMSIZ];
    return index != 0 && if_indextoname((unsigned int)index, name) != NULL;
}

static bool is_ours(const struct redirects *redirects, int index) {
    for (size_t i = 0; i < redirects->link_count; i++) {
        if (redirects->links[i] == index) {
            return true;
        }
    }
    return false;
}

static void look_at_action(struct span action, struct redirects *redirects) {
    struct span kind;
    struct span options;
    struct span bytes;
    struct tc_mirred mirred;
    if (!attribute_find(action, TCA_ACT_KIND, &kind) || !attribute_is(kind, "mirred") || !attribute_find(action, TCA_ACT_OPTIONS, &options) ||
        !attribute_find(options, TCA_MIRRED_PARMS, &bytes) || bytes.length < sizeof mirred) {
        redirects->other = true;
        return;
    }
    memcpy(&mirred, bytes.at, sizeof mirred);
    bool redirects_out = mirred.eaction == TCA_EGRESS_REDIR;
    bool ours = redirects_out && is_ours(redirects, (int)mirred.ifindex);
    bool nowhere = redirects_out && !link_exists((int)mirred.ifindex);
    redirects->to_ours = ours ? (int)mirred.ifindex : redirects->to_ours;
    redirects->to_nowhere = redirects->to_nowhere || nowhere;
    redirects->other = redirects->other || !(ours || nowhere);
}

/** Ours take every packet: one key whose mask lets all pass. */
static bool matches_all(struct span bytes) {
    struct tc_u32_sel selector;
    struct tc_u32_key key;
    if (bytes.length < sizeof selector + sizeof key) {
        return false;
    }
    memcpy(&selector, bytes.at, sizeof selector);
    memcpy(&key, bytes.at + sizeof selector, sizeof key);
    return selector.nkeys == 1 && key.mask == 0;
}

static void look_at_filter(const struct nlmsghdr *message, void *context) {
    struct redirects *redirects = context;
    if (message == NULL) {
        *redirects = (struct redirects){.links = redirects->links, .link_count = redirects->link_count};
        return;
    }
    const struct tcmsg *filter = NLMSG_DATA(message);
    struct span attributes = message_attributes(message, sizeof *filter);
    struct span kind;
    struct span options;
    struct span selector;
    struct span actions = {"", 0};
    struct attribute action;
    if (message->nlmsg_type != RTM_NEWTFILTER || !attribute_find(attributes, TCA_KIND, &kind)) {
        return;
    }
    if (!attribute_is(kind, "u32")) {
        redirects->other = true;
        return;
    }
    /* The tables of u32 are dumped too: they match nothing themselves. */
    if (!attribute_find(attributes, TCA_OPTIONS, &options) || !attribute_find(options, TCA_U32_SEL, &selector)) {
        return;
    }
    uint32_t is = filter->tcm_info;
    bool like_ours = is == TC_H_MAKE(1U << 16, (uint32_t)htons(ETH_P_IP)) || is == TC_H_MAKE(2U << 16, (uint32_t)htons(ETH_P_IPV6));
    redirects->other = redirects->other || !like_ours || !matches_all(selector) || !attribute_find(options, TCA_U32_ACT, &actions);
    while (attribute_cut(&actions, &action)) {
        look_at_action(action.value, redirects);
    }
}

int marks_follow(int route, int device, struct redirects *redirects) {
    struct request request = {0};
    struct tcmsg *of = request_begin(&request, RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP, sizeof *of);
    of->tcm_family = AF_UNSPEC;
    of->tcm_ifindex = device;
    of->tcm_parent = TC_H_MAJ(TC_H_INGRESS);
    int result = netlink_ask(route, &request, look_at_filter, redirects);
    return result == -ENODEV || result == -EINVAL || result == -ENOENT ? 0 : result;
}
