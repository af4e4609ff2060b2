#include "enter/link.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/socket.h>

int link_make(int *ours, int *theirs, struct error *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail(err, "internal", errno, "make a socket pair");
    }
    *ours = ends[0];
    *theirs = ends[1];
    int on = 1;
    return setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ? fail(err, "internal", errno, "ask for the senders' pids") : 0;
}

int link_send(int fd, const struct message *message, const int *fds, int count) {
    struct message copy = *message;
    struct iovec data = {.iov_base = &copy, .iov_len = sizeof copy};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, (size_t)count * sizeof(int));
    }
    /* Whoever does not read, stopped perhaps, does not keep us waiting. */
    return sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void take_control(struct msghdr *header, struct arrival *arrival) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            size_t length = part->cmsg_len - CMSG_LEN(0);
            memcpy(arrival->fds, CMSG_DATA(part), length > sizeof arrival->fds ? sizeof arrival->fds : length);
        } else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(part), sizeof sender);
            arrival->sender = sender.pid;
        }
    }
}

static int receive(int fd, int flags, struct arrival *arrival) {
    *arrival = (struct arrival){.sender = 0, .fds = {-1, -1}};
    struct iovec data = {.iov_base = &arrival->message, .iov_len = sizeof arrival->message};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    ssize_t got = 0;
    do {
        got = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        /* A reset is an end too: the peer died with our message unread. */
        return got == 0 || errno == ECONNRESET ? 0 : -errno;
    }
    take_control(&header, arrival);
    return got == (ssize_t)sizeof arrival->message ? 1 : -EBADMSG;
}

int link_receive(int fd, struct arrival *arrival) { return receive(fd, MSG_DONTWAIT, arrival); }

int link_wait(int fd, struct arrival *arrival) { return receive(fd, 0, arrival); }
