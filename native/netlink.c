/* Just enough of netlink(7) to remove a qdisc, a link and an nftables table, and to see whether they are there. */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* An answer of the kernel comes at once; only a kernel that is stuck in rtnl_lock lets us wait. */
enum { ANSWER_LIMIT_S = 5, ANSWER_BYTES = 32768 };

void *request_begin(struct request *request, uint16_t type, uint16_t flags, size_t size) {
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)(request->bytes + request->length);
    memset(header, 0, NLMSG_SPACE(size));
    header->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    header->nlmsg_type = type;
    header->nlmsg_flags = flags;
    header->nlmsg_seq = 1;
    request->length += NLMSG_SPACE(size);
    return NLMSG_DATA(header);
}

/** The message that was begun last: the only one that ends where the request does. */
static struct nlmsghdr *last_message(struct request *request) {
    size_t at = 0;
    for (;;) {
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)(request->bytes + at);
        at += NLMSG_ALIGN(header->nlmsg_len);
        if (at >= request->length) {
            return header;
        }
    }
}

void request_text(struct request *request, uint16_t type, const char *text) {
    size_t size = strlen(text) + 1;
    struct nlattr *attribute = (struct nlattr *)(void *)(request->bytes + request->length);
    struct nlmsghdr *header = last_message(request);
    attribute->nla_type = type;
    attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
    memset(attribute + 1, 0, NLA_ALIGN(size));
    memcpy(attribute + 1, text, size);
    request->length += NLA_HDRLEN + NLA_ALIGN(size);
    header->nlmsg_len = (uint32_t)(request->length - (size_t)((char *)header - request->bytes));
}

bool attribute_cut(struct span *rest, struct attribute *attribute) {
    struct nlattr header;
    if (rest->length < sizeof header) {
        return false;
    }
    memcpy(&header, rest->at, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest->length) {
        return false;
    }
    attribute->type = header.nla_type & NLA_TYPE_MASK;
    attribute->value = (struct span){rest->at + sizeof header, header.nla_len - sizeof header};
    size_t taken = NLA_ALIGN(header.nla_len);
    taken = taken > rest->length ? rest->length : taken;
    rest->at += taken;
    rest->length -= taken;
    return true;
}

bool attribute_find(struct span attributes, uint16_t type, struct span *value) {
    struct attribute attribute;
    while (attribute_cut(&attributes, &attribute)) {
        if (attribute.type == type) {
            *value = attribute.value;
            return true;
        }
    }
    return false;
}

bool attribute_is(struct span value, const char *text) {
    value.length = strnlen(value.at, value.length);
    return span_equal(value, text);
}

struct span message_attributes(const struct nlmsghdr *message, size_t fixed) {
    size_t before = NLMSG_SPACE(fixed);
    return message->nlmsg_len <= before ? (struct span){"", 0} : (struct span){(const char *)message + before, message->nlmsg_len - before};
}

int netlink_open(int protocol) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/** 1: go on reading; 0: done; else the kernel's -errno. */
static int take_message(const struct nlmsghdr *message, netlink_visit *visit, void *context) {
    if (message->nlmsg_type == NLMSG_DONE) {
        /* A dump that broke off says so at its end: what it has not shown is not absent. */
        int32_t number = 0;
        memcpy(&number, NLMSG_DATA(message), message->nlmsg_len >= NLMSG_LENGTH(sizeof number) ? sizeof number : 0);
        return number < 0 ? number : 0;
    }
    if (message->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = NLMSG_DATA(message);
        return message->nlmsg_len >= NLMSG_LENGTH(sizeof *error) ? error->error : -EBADMSG;
    }
    if (visit != NULL) {
        visit(message, context);
    }
    return 1;
}

int netlink_ask(int fd, const struct request *request, netlink_visit *visit, void *context) {
    static _Alignas(NLMSG_ALIGNTO) char answer[ANSWER_BYTES];
    if (send(fd, request->bytes, request->length, 0) < 0) {
        return -errno;
    }
    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof sender;
        ssize_t got = recvfrom(fd, answer, sizeof answer, MSG_TRUNC, (struct sockaddr *)(void *)&sender, &size);
        /* Not of the kernel: a target with CAP_NET_ADMIN can write to us, too. */
        if ((got < 0 && errno == EINTR) || (got >= 0 && sender.nl_pid != 0)) {
            continue;
        }
        if (got <= 0 || got > (ssize_t)sizeof answer) {
            return got < 0 ? -errno : got == 0 ? -EIO : -EMSGSIZE;
        }
        int left = (int)got;
        for (const struct nlmsghdr *message = (const struct nlmsghdr *)(void *)answer; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            int result = take_message(message, visit, context);
            if (result <= 0) {
                return result;
            }
        }
    }
}
