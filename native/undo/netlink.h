#ifndef NSEXEC_NETLINK_H
#define NSEXEC_NETLINK_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

/* Our requests are a header and a name. */
enum { REQUEST_BYTES = 512 };

/** One request, or a batch of them, as it grows. All zero at the beginning. */
struct request {
    _Alignas(NLMSG_ALIGNTO) char bytes[REQUEST_BYTES];
    size_t length;
};

/** Begins a message; returns the place of its fixed part, `size` bytes of zeros. */
void *request_begin(struct request *request, uint16_t type, uint16_t flags, size_t size);
/** Adds an attribute to the message that was begun last. */
void request_bytes(struct request *request, uint16_t type, const void *bytes, size_t size);
void request_text(struct request *request, uint16_t type, const char *text);

/** One attribute of an answer. */
struct attribute {
    uint16_t type; /**< without the flags of nlattr */
    struct span value;
};
/** Cuts the next attribute off the front of `rest`; false when nothing whole is left. Nothing is assumed of the lengths in it, nor of how it is aligned. */
bool attribute_cut(struct span *rest, struct attribute *attribute);
/** The first of this type. */
bool attribute_find(struct span attributes, uint16_t type, struct span *value);
/** Whether it is a string that says this, terminated or not. */
bool attribute_is(struct span value, const char *text);
/** The attributes behind the `fixed` bytes of a message's payload; empty when it is shorter than that. */
struct span message_attributes(const struct nlmsghdr *message, size_t fixed);

/** A socket in the caller's network namespace that takes messages of the kernel alone, or -errno. */
int netlink_open(int protocol);

/**
 * What is called for every message of an answer, and with NULL before the first: then what it knows of an earlier answer is to be forgotten, since a dump during which
 * something changed is asked for again. It must not ask anything itself: there is one buffer for answers.
 */
typedef void netlink_visit(const struct nlmsghdr *message, void *context);

/** Sends, and reads until the kernel has acknowledged or the dump is over. 0, or the kernel's -errno; -EAGAIN for a dump that was interrupted again and again. */
int netlink_ask(int fd, const struct request *request, netlink_visit *visit, void *context);

/** Visits what the kernel has said by itself, without waiting: one datagram, and never NULL. False when there is nothing more. */
bool netlink_hear(int fd, netlink_visit *visit, void *context);

#endif
