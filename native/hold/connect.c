#include "hold/ask.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_LIMIT_MS = 1000 };

static socklen_t make_address(const struct connection *connection, struct sockaddr_storage *address) {
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
    uint64_t port = 0;
    memset(address, 0, sizeof *address);
    if (!span_number((struct span){connection->port, strlen(connection->port)}, &port) || port == 0 || port > 65535) {
        return 0;
    }
    if (inet_pton(AF_INET, connection->address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, connection->address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        return sizeof *six;
    }
    return 0;
}

/** errno of the connection: 0 when it was accepted. */
static int await(int fd) {
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&ready, 1, CONNECT_LIMIT_MS) != 1) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int give_up(int error) {
    const char *text = strerror(error);
    ssize_t written = write(2, text, strlen(text));
    (void)written; /* The exit code says it too. */
    return 1;
}

int connect_work(const void *argument) {
    struct sockaddr_storage address;
    socklen_t size = make_address(argument, &address);
    if (size == 0) {
        return give_up(EINVAL);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return give_up(errno);
    }
    int64_t since = clock_us(CLOCK_MONOTONIC);
    int error = connect(fd, (const struct sockaddr *)(const void *)&address, size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        error = await(fd);
    }
    int64_t took = clock_us(CLOCK_MONOTONIC) - since;
    /* Closed by RST: whoever accepted it has nothing to wait for, and no TIME_WAIT is left in the target. */
    const struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    if (error != 0 && error != ECONNREFUSED) {
        return give_up(error);
    }
    char text[32];
    size_t length = format_text(text, sizeof text, "%lld\n", (long long)took);
    return write(1, text, length) < 0 ? 1 : 0;
}
