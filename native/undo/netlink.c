/* Just enough of netlink(7) to remove a qdisc, a link and an nftables table, and to see whether they are there. */
#include "undo/netlink.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* An answer of the kernel comes at once; only a kernel that is stuck in rtnl_lock lets us wait. */
enum { ANSWER_LIMIT_S = 5, ANSWER_BYTES = 32768 };
/* A dump during which something changed is asked for again, so often; and messages that are not the kernel's are passed over, so many. */
enum { DUMP_TRIES = 8, STRAYS_MAX = 1024 };

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

void request_bytes(struct request *request, uint16_t type, const void *bytes, size_t size) {
    struct nlattr *attribute = (struct nlattr *)(void *)(request->bytes + request->length);
    struct nlmsghdr *header = last_message(request);
    attribute->nla_type = type;
    attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
    memset(attribute + 1, 0, NLA_ALIGN(size));
    memcpy(attribute + 1, bytes, size);
    request->length += NLA_HDRLEN + NLA_ALIGN(size);
    header->nlmsg_len = (uint32_t)(request->length - (size_t)((char *)header - request->bytes));
}

void request_text(struct request *request, uint16_t type, const char *text) { request_bytes(request, type, text, strlen(text) + 1); }

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
    cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    const struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    /* Connected to the kernel, the socket refuses what a process of the target sends to it. */
    if (fd < 0 || connect(fd, (const struct sockaddr *)(const void *)&kernel, sizeof kernel) < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return steal_fd(&fd);
}

/** Its bytes, of the kernel's next answer; 0: it was not one, read on; -errno. */
static ssize_t receive(int fd, char answer[ANSWER_BYTES], int flags) {
    struct sockaddr_nl sender = {0};
    socklen_t size = sizeof sender;
    ssize_t got = recvfrom(fd, answer, ANSWER_BYTES, MSG_TRUNC | flags, (struct sockaddr *)(void *)&sender, &size);
    if (got < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    /* Whoever has CAP_NET_ADMIN in the network namespace can send to a group of listeners. */
    if (sender.nl_pid != 0) {
        return 0;
    }
    return got == 0 ? -EIO : got > ANSWER_BYTES ? -EMSGSIZE : got;
}

enum { READ_ON = 1, INTERRUPTED = 2 };

/** READ_ON, 0 when it was the last message, or the kernel's -errno. */
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
    return READ_ON;
}

/** All messages of one answer; `interrupted` is set when one says that the dump is not of one moment. */
static int take_answer(const char *answer, ssize_t length, netlink_visit *visit, void *context, bool *interrupted) {
    int left = (int)length;
    for (const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        *interrupted = *interrupted || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        int result = take_message(message, visit, context);
        if (result <= 0) {
            return result;
        }
    }
    return READ_ON;
}

static _Alignas(NLMSG_ALIGNTO) char buffer[ANSWER_BYTES];

/** Once: as netlink_ask, or INTERRUPTED. */
static int ask_once(int fd, const struct request *request, netlink_visit *visit, void *context) {
    bool interrupted = false;
    int result = READ_ON;
    if (visit != NULL) {
        visit(NULL, context);
    }
    if (send(fd, request->bytes, request->length, 0) < 0) {
        return -errno;
    }
    for (int strays = 0; result == READ_ON;) {
        ssize_t got = receive(fd, buffer, 0);
        if (got < 0) {
            return (int)got;
        }
        if (got == 0 && ++strays > STRAYS_MAX) {
            return -EBUSY;
        }
        result = take_answer(buffer, got, visit, context, &interrupted);
    }
    return result == 0 && interrupted ? INTERRUPTED : result;
}

int netlink_ask(int fd, const struct request *request, netlink_visit *visit, void *context) {
    for (int i = 0; i < DUMP_TRIES; i++) {
        int result = ask_once(fd, request, visit, context);
        if (result != INTERRUPTED) {
            return result;
        }
    }
    return -EAGAIN;
}

bool netlink_hear(int fd, netlink_visit *visit, void *context) {
    bool interrupted = false;
    ssize_t got = receive(fd, buffer, MSG_DONTWAIT);
    if (got > 0) {
        (void)take_answer(buffer, got, visit, context, &interrupted);
    }
    return got >= 0 || got == -EMSGSIZE || got == -ENOBUFS;
}
