/* Who connects to the target's ports: a socket of packets sees it, changes no traffic, and goes with its descriptor. */
#include "base/clock.h"
#include "base/format.h"
#include "base/span.h"
#include "hold/address.h"
#include "hold/ask.h"
#include "hold/segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a packet only the beginning is read; of many packets in a short time so many at once, and then nothing for a millisecond. */
enum { SOURCES_MAX = 64, KNOWN_MAX = 48, PACKET_BYTES = 2048, AT_ONCE = 64, REST_MS = 1 };

struct source {
    bool six, kube_probe;
    bool known; /**< one of those whose connections are waited for */
    uint8_t address[16];
    uint16_t port;
};

struct listener {
    uint16_t port[LISTEN_PORTS_MAX];
    size_t ports;
    struct source known[KNOWN_MAX]; /**< connections of these to each port are all that is waited for; their ports have no meaning */
    size_t knowns;
    struct source source[SOURCES_MAX];
    size_t sources;
    bool met[LISTEN_PORTS_MAX]; /**< one of those has been seen at the port */
    bool kube_probe;            /**< the kubelet has been seen */
};

static bool is_same_address(const struct source *one, const struct source *other) {
    return one->six == other->six && memcmp(one->address, other->address, one->six ? 16 : 4) == 0;
}

/** False: a word is none of README's, or there are too many. */
static bool read_words(struct listener *listener, char *const *words) {
    for (; *words != NULL; words++) {
        uint64_t port = 0;
        struct source known = {0};
        if (listener->knowns == 0 && listener->ports < LISTEN_PORTS_MAX && span_number((struct span){*words, strlen(*words)}, &port) && port > 0 && port <= 65535) {
            listener->port[listener->ports++] = (uint16_t)port;
            continue;
        }
        known.six = strchr(*words, ':') != NULL;
        if (listener->knowns == KNOWN_MAX || inet_pton(known.six ? AF_INET6 : AF_INET, *words, known.address) != 1) {
            return false;
        }
        listener->known[listener->knowns++] = known;
    }
    return listener->ports > 0;
}

/**
 * Has the kernel drop what cannot matter: all but SYNs from outside to the ports, and segments to them whose data begins with GET. IPv6 packets with extension
 * headers pass. Of a socket of kind SOCK_DGRAM it is read from the IP header on; a read behind the end of a packet drops it.
 */
static int attach_filter(int fd, const struct listener *listener) {
    enum { KEEP = PACKET_BYTES, GET = 0x47455420, SYN = 0x02, SYN_ACK = 0x12 };
    static const struct sock_filter head[] = {
        /* What comes to the target from outside, and not what it sends, to others or to itself: it could fill the socket's buffer with that. */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 6),
        /* IPv4: TCP, and of a packet in fragments the first. */
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 2, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_JMP | BPF_JA, 7),
        BPF_STMT(BPF_RET | BPF_K, 0),
        /* IPv6. */
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, KEEP),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LDX | BPF_IMM, 40),
        /* TCP, which begins at X: the port, and then a jump for each. */
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
    };
    static const struct sock_filter tail[] = {
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 7, 0),
        /* The data begins at X and four times the upper half of this byte. */
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 12),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GET, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, KEEP),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    enum { HEAD = sizeof head / sizeof *head, TAIL = sizeof tail / sizeof *tail };
    struct sock_filter code[HEAD + LISTEN_PORTS_MAX + TAIL];
    memcpy(code, head, sizeof head);
    for (size_t i = 0; i < listener->ports; i++) {
        code[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, listener->port[i], (uint8_t)(listener->ports - i), 0);
    }
    memcpy(code + HEAD + listener->ports, tail, sizeof tail);
    const struct sock_fprog program = {.len = (unsigned short)(HEAD + listener->ports + TAIL), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/** Bound only when its filter is there. -1 with errno. */
static int open_socket(const struct listener *listener) {
    const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (attach_filter(fd, listener) < 0 || bind(fd, (const struct sockaddr *)(const void *)&all, sizeof all) < 0)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool is_of_interest(const struct listener *listener, uint16_t port, size_t *at) {
    for (*at = 0; *at < listener->ports; ++*at) {
        if (listener->port[*at] == port) {
            return true;
        }
    }
    return false;
}

static bool may_give_way(const struct source *source) { return !source->kube_probe && !source->known; }

/** The entry of this source; a new one where there is none. Where there are too many, the kubelet and who is waited for take the place of another; else NULL. */
static struct source *remember(struct listener *listener, const struct source *seen) {
    struct source *other = NULL;
    for (size_t i = 0; i < listener->sources; i++) {
        struct source *source = &listener->source[i];
        if (source->port == seen->port && is_same_address(source, seen)) {
            return source;
        }
        other = may_give_way(source) ? source : other;
    }
    if (listener->sources < SOURCES_MAX) {
        other = &listener->source[listener->sources++];
    } else if (may_give_way(seen) || other == NULL) {
        return NULL;
    }
    *other = *seen;
    return other;
}

static void take_packet(struct listener *listener, const uint8_t *packet, size_t length) {
    struct segment segment;
    size_t at = 0;
    if (!segment_parse(&segment, packet, length) || !is_of_interest(listener, segment.port, &at)) {
        return;
    }
    struct source seen = {.six = segment.six, .port = segment.port, .kube_probe = segment_is_kube_probe(&segment)};
    memcpy(seen.address, segment.source, segment.six ? 16 : 4);
    if (!segment.opens && !seen.kube_probe) {
        return;
    }
    for (size_t i = 0; i < listener->knowns; i++) {
        seen.known = seen.known || is_same_address(&listener->known[i], &seen);
    }
    struct source *source = remember(listener, &seen);
    if (source != NULL) {
        source->kube_probe = source->kube_probe || seen.kube_probe;
    }
    listener->kube_probe = listener->kube_probe || seen.kube_probe;
    listener->met[at] = listener->met[at] || seen.known;
}

static bool has_heard_enough(const struct listener *listener) {
    bool all = true;
    for (size_t i = 0; i < listener->ports; i++) {
        all = all && listener->met[i];
    }
    return listener->kube_probe || all;
}

/** Reads what is there, AT_ONCE at most. */
static void read_packets(struct listener *listener, int fd) {
    for (int i = 0; i < AT_ONCE && !has_heard_enough(listener); i++) {
        uint8_t packet[PACKET_BYTES];
        ssize_t got = recv(fd, packet, sizeof packet, 0);
        if (got < 0) {
            return;
        }
        take_packet(listener, packet, (size_t)got);
    }
}

static void write_sources(const struct listener *listener) {
    for (size_t i = 0; i < listener->sources; i++) {
        const struct source *source = &listener->source[i];
        char address[ADDRESS_TEXT];
        char line[ADDRESS_TEXT + 32];
        address_text(source->six, source->address, address);
        size_t length = format_text(line, sizeof line, "%s %u %s\n", address, source->port, source->kube_probe ? "kube-probe" : "syn");
        ssize_t written = write(1, line, length);
        (void)written; /* The file has room for all of them. */
    }
}

static int give_up(int error) {
    const char *text = strerror(error);
    ssize_t written = write(2, text, strlen(text));
    (void)written; /* The exit code says it too. */
    return 1;
}

int listen_work(const void *argument) {
    const struct listening *listening = argument;
    struct listener listener = {0};
    if (listening->limit_ms == 0 || !read_words(&listener, listening->words)) {
        return give_up(EINVAL);
    }
    int fd = open_socket(&listener);
    if (fd < 0) {
        return give_up(errno);
    }
    int64_t until = clock_us(CLOCK_MONOTONIC) / 1000 + (int64_t)listening->limit_ms;
    while (!has_heard_enough(&listener)) {
        int64_t left = until - clock_us(CLOCK_MONOTONIC) / 1000;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        /* A device that goes down is an error, told once. */
        if (left <= 0 || poll(&ready, 1, (int)left) == 0) {
            break;
        }
        read_packets(&listener, fd);
        poll(NULL, 0, REST_MS);
    }
    close(fd);
    write_sources(&listener);
    return 0;
}
