// The two ends of a conversation between pods, as an application has it: what a network fault does is measured by this, not by what made it.
//   peer serve PORT...                                    answers on TCP and UDP, IPv4 and IPv6, until it is killed
//   peer ask ADDRESS PORT COUNT INTERVAL_MS [tcp|udp|bare|connect]  one line per round trip: its microseconds, or what happened instead
//   peer pour ADDRESS PORT BYTES, peer draw ADDRESS PORT BYTES   milliseconds to send, to receive that much by TCP
// tcp asks on one connection, one question after the other; connect opens one per question; udp does not wait for an answer before
// it sends the next, and adds to the line what else it saw: twice, overtaken (by a later one), damaged (the payload; for that, bare
// is UDP without checksums, else the kernel drops it. Such questions get no ICMP answer by IPv6).
// A TCP connection begins with a letter: e echoes, p swallows and acknowledges at the end, d is followed by how many bytes to send.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#endif

enum { MOST = 64, WORDS = 256, LIMIT_MS = 2000, TRANSFER_LIMIT_MS = 60000 };

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static const char *word_for(int error) {
  switch (error) {
    case 0: return "closed";
    case ECONNREFUSED: return "refused";
    case ECONNRESET:
    case EPIPE: return "reset";
    case ETIMEDOUT:
    case EAGAIN: return "lost";
    case EHOSTUNREACH:
    case ENETUNREACH: return "unreachable";
    case EPERM:
    case EACCES: return "denied";
    default: return strerror(error);
  }
}

static bool wait_for(int fd, short events, int64_t until_us) {
  struct pollfd p = {.fd = fd, .events = events};
  int64_t left = until_us - now_us();
  return poll(&p, 1, left > 0 ? (int)((left + 999) / 1000) : 0) > 0;
}

static void need_no_checksums(int fd, bool send_none) {
  int one = 1;
  setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &one, sizeof one);
  if (!send_none) return;
  setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one);
  setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &one, sizeof one);
}

static struct sockaddr_storage address_of(const char *text, int port, socklen_t *length) {
  struct sockaddr_storage any = {0};
  struct sockaddr_in *four = (void *)&any;
  struct sockaddr_in6 *six = (void *)&any;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    *length = sizeof *four;
  } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *length = sizeof *six;
  } else {
    fprintf(stderr, "peer: %s is not an IP address\n", text);
    exit(2);
  }
  return any;
}

// Returns a connected socket or -1 with errno; ETIMEDOUT after the limit.
static int dial(const char *address, int port, int type, bool bare, int64_t until_us) {
  socklen_t length = 0;
  struct sockaddr_storage to = address_of(address, port, &length);
  int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd == -1) return -1;
  int one = 1, error = 0;
  if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  else need_no_checksums(fd, bare);
  if (connect(fd, (struct sockaddr *)&to, length) == -1) {
    error = errno;
    if (error == EINPROGRESS) {
      socklen_t size = sizeof error;
      error = ETIMEDOUT;
      if (wait_for(fd, POLLOUT, until_us)) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}

// ---- serve

struct conversation {
  enum { STARTING, ECHOING, SWALLOWING, TOLD, SENDING } state;
  int64_t to_send;
};

static int listen_on(int port, int type) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_ANY_INIT};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int one = 1, zero = 0;
  int fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
  bool dual = fd != -1 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero) == 0;
  if (!dual) fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (type == SOCK_DGRAM) need_no_checksums(fd, true);
  int bound = dual ? bind(fd, (struct sockaddr *)&six, sizeof six) : bind(fd, (struct sockaddr *)&four, sizeof four);
  if (bound == -1 || (type == SOCK_STREAM && listen(fd, MOST) == -1)) {
    fprintf(stderr, "peer: port %d: %s\n", port, strerror(errno));
    exit(1);
  }
  return fd;
}

static bool send_all(int fd, const char *data, size_t length) {
  int64_t until = now_us() + LIMIT_MS * 1000LL;
  while (length > 0) {
    ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
    if (sent == -1 && errno == EAGAIN && wait_for(fd, POLLOUT, until)) continue;
    if (sent <= 0) return false;
    data += sent;
    length -= (size_t)sent;
  }
  return true;
}

// Returns whether the conversation goes on.
static bool converse(int fd, struct conversation *c) {
  static char buffer[65536];
  if (c->state == SENDING) {
    static const char zeros[65536];
    ssize_t sent = send(fd, zeros, c->to_send < (int64_t)sizeof zeros ? (size_t)c->to_send : sizeof zeros, MSG_NOSIGNAL);
    if (sent > 0) c->to_send -= sent;
    return (sent > 0 || errno == EAGAIN) && c->to_send > 0;
  }
  ssize_t got = recv(fd, buffer, sizeof buffer - 1, 0);
  if (got == -1) return errno == EAGAIN;
  if (got == 0) {
    if (c->state == SWALLOWING) send_all(fd, "p", 1);
    return false;
  }
  buffer[got] = 0;
  if (c->state == STARTING) {
    c->state = buffer[0] == 'p' ? SWALLOWING : buffer[0] == 'd' ? SENDING : ECHOING;
    if (c->state == SENDING) c->to_send = strtoll(buffer + 1, NULL, 10);
  }
  return c->state != ECHOING || send_all(fd, buffer, (size_t)got);
}

static int serve(int count, char **ports) {
  struct pollfd fds[MOST];
  struct conversation conversations[MOST];
  int used = 0;
  for (int i = 0; i < count; i++) {
    fds[used++] = (struct pollfd){.fd = listen_on(atoi(ports[i]), SOCK_STREAM), .events = POLLIN};
    fds[used++] = (struct pollfd){.fd = listen_on(atoi(ports[i]), SOCK_DGRAM), .events = POLLIN};
  }
  int listening = used;
  for (;;) {
    if (poll(fds, (nfds_t)used, -1) == -1) return 1;
    for (int i = used - 1; i >= listening; i--) {
      if (!fds[i].revents) continue;
      bool goes_on = converse(fds[i].fd, &conversations[i]);
      fds[i].events = conversations[i].state == SENDING ? POLLOUT : POLLIN;
      if (goes_on) continue;
      close(fds[i].fd);
      fds[i] = fds[--used];
      conversations[i] = conversations[used];
    }
    for (int i = 0; i < listening; i++) {
      if (!fds[i].revents) continue;
      if (i % 2 == 0) {
        int fd = accept4(fds[i].fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd == -1) continue;
        if (used == MOST) {
          close(fd);
          continue;
        }
        conversations[used] = (struct conversation){.state = STARTING};
        fds[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
      } else {
        char datagram[2048];
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(fds[i].fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
        if (got >= 0) sendto(fds[i].fd, datagram, (size_t)got, 0, (struct sockaddr *)&from, length);
      }
    }
  }
}

// ---- ask

static void sleep_until(int64_t until_us) {
  struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void report(int64_t us, int error) {
  if (error == -1) printf("%lld\n", (long long)us);
  else printf("%s\n", word_for(error));
  fflush(stdout);
}

static void ask_by_connecting(const char *address, int port, int count, int interval_ms) {
  int64_t next = now_us();
  for (int i = 0; i < count; i++, next += interval_ms * 1000LL) {
    sleep_until(next);
    int64_t began = now_us();
    int fd = dial(address, port, SOCK_STREAM, false, began + LIMIT_MS * 1000LL);
    report(now_us() - began, fd == -1 ? errno : -1);
    if (fd != -1) close(fd);
  }
}

static void ask_by_tcp(const char *address, int port, int count, int interval_ms) {
  int fd = -1;
  int64_t next = now_us();
  for (int i = 0; i < count; i++, next += interval_ms * 1000LL) {
    sleep_until(next);
    if (fd == -1) fd = dial(address, port, SOCK_STREAM, false, now_us() + LIMIT_MS * 1000LL);
    if (fd == -1) {
      report(0, errno);
      continue;
    }
    char question[16], answer[16] = "";
    snprintf(question, sizeof question, "e%013d\n", i);
    int64_t began = now_us(), until = began + LIMIT_MS * 1000LL;
    int error = send(fd, question, 15, MSG_NOSIGNAL) == 15 ? -1 : errno;
    // The answers to questions that were given up come first.
    for (size_t have = 0; error == -1 && strcmp(question, answer) != 0;) {
      if (have == 15) have = 0;
      if (!wait_for(fd, POLLIN, until)) {
        error = ETIMEDOUT;
        break;
      }
      ssize_t got = recv(fd, answer + have, 15 - have, 0);
      if (got <= 0) error = got == 0 ? 0 : errno;
      else have += (size_t)got;
      answer[have] = 0;
    }
    report(now_us() - began, error);
    if (error != -1 && error != ETIMEDOUT) {
      close(fd);
      fd = -1;
    }
  }
}

struct trip {
  int64_t sent_us, took_us;
  int error, copies;
  bool damaged, overtaken;
};

// All WORDS of the payload are the question's number: it is known although one of them is damaged.
static void hear(int fd, struct trip *trips, int count, int *last_heard, int last_sent) {
  uint32_t words[WORDS + 1] = {0};
  ssize_t got = recv(fd, words, sizeof words, 0);
  if (got == -1) {
    if (errno != EAGAIN) trips[last_sent].error = errno;
    return;
  }
  uint32_t number = words[0] == words[1] || words[0] == words[2] ? words[0] : words[1];
  if (number >= (uint32_t)count) return;
  struct trip *trip = &trips[number];
  if (trip->copies++ == 0) trip->took_us = now_us() - trip->sent_us;
  for (int i = 0; i < WORDS; i++) trip->damaged |= words[i] != number;
  trip->damaged |= got != WORDS * sizeof *words;
  if ((int)number < *last_heard) trip->overtaken = true;
  else *last_heard = (int)number;
}

static void ask_by_datagrams(const char *address, int port, int count, int interval_ms, bool bare) {
  struct trip *trips = calloc((size_t)count, sizeof *trips);
  int fd = dial(address, port, SOCK_DGRAM, bare, 0), last_heard = -1;
  if (fd == -1 || !trips) {
    report(0, errno);
    return;
  }
  int64_t began = now_us();
  for (int i = 0; i < count; i++) {
    while (wait_for(fd, POLLIN, began + i * interval_ms * 1000LL)) hear(fd, trips, count, &last_heard, i ? i - 1 : 0);
    uint32_t words[WORDS];
    for (int k = 0; k < WORDS; k++) words[k] = (uint32_t)i;
    trips[i] = (struct trip){.sent_us = now_us(), .error = ETIMEDOUT};
    if (send(fd, words, sizeof words, 0) == -1) {
      // An answer of ICMP to the last question, or no to this one.
      if (errno == ECONNREFUSED && i) trips[i - 1].error = errno, errno = 0;
      if (errno || send(fd, words, sizeof words, 0) == -1) trips[i].error = errno;
    }
  }
  int64_t until = now_us() + LIMIT_MS * 1000LL;
  for (int open = 1; open && wait_for(fd, POLLIN, until);) {
    hear(fd, trips, count, &last_heard, count - 1);
    open = 0;
    for (int i = 0; i < count; i++) open += trips[i].copies == 0 && trips[i].error == ETIMEDOUT;
    // Copies come right behind.
    if (!open) until = now_us() + 100000, open = 1;
  }
  for (int i = 0; i < count; i++) {
    if (trips[i].copies == 0) report(0, trips[i].error);
    else
      printf("%lld%s%s%s\n", (long long)trips[i].took_us, trips[i].damaged ? " damaged" : "", trips[i].copies > 1 ? " twice" : "",
             trips[i].overtaken ? " overtaken" : "");
  }
}

// ---- pour and draw

static int transfer(const char *address, int port, int64_t bytes, bool pour) {
  static char buffer[65536];
  int64_t began = now_us(), until = began + TRANSFER_LIMIT_MS * 1000LL;
  int fd = dial(address, port, SOCK_STREAM, false, began + LIMIT_MS * 1000LL), error = fd == -1 ? errno : -1;
  if (error == -1 && !pour) {
    char request[32];
    int length = snprintf(request, sizeof request, "d%lld\n", (long long)bytes);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) == -1) error = errno;
  }
  memset(buffer, 'p', sizeof buffer);
  while (error == -1 && bytes > 0) {
    if (!wait_for(fd, pour ? POLLOUT : POLLIN, until)) {
      error = ETIMEDOUT;
      break;
    }
    size_t some = bytes < (int64_t)sizeof buffer ? (size_t)bytes : sizeof buffer;
    ssize_t moved = pour ? send(fd, buffer, some, MSG_NOSIGNAL) : recv(fd, buffer, some, 0);
    if (moved > 0) bytes -= moved;
    else if (moved == 0 || errno != EAGAIN) error = moved == 0 ? 0 : errno;
  }
  if (error == -1 && pour) {
    // The server's word that all of it has arrived: what lies in a queue on the way is not sent.
    shutdown(fd, SHUT_WR);
    if (!wait_for(fd, POLLIN, until)) error = ETIMEDOUT;
    else if (recv(fd, buffer, 1, 0) != 1) error = errno;
  }
  report((now_us() - began) / 1000, error);
  return error == -1 ? 0 : 1;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(verb, "serve") == 0 && argc > 2 && argc - 2 <= MOST / 4) return serve(argc - 2, argv + 2);
  if ((strcmp(verb, "pour") == 0 || strcmp(verb, "draw") == 0) && argc == 5)
    return transfer(argv[2], atoi(argv[3]), atoll(argv[4]), verb[0] == 'p');
  if (strcmp(verb, "ask") == 0 && argc >= 6 && atoi(argv[4]) > 0 && atoi(argv[4]) <= 100000) {
    const char *by = argc > 6 ? argv[6] : "tcp";
    int port = atoi(argv[3]), count = atoi(argv[4]), interval_ms = atoi(argv[5]);
    bool bare = strcmp(by, "bare") == 0;
    if (bare || strcmp(by, "udp") == 0) ask_by_datagrams(argv[2], port, count, interval_ms, bare);
    else if (strcmp(by, "connect") == 0) ask_by_connecting(argv[2], port, count, interval_ms);
    else ask_by_tcp(argv[2], port, count, interval_ms);
    return 0;
  }
  fprintf(stderr, "usage: peer serve PORT... | ask ADDRESS PORT COUNT INTERVAL_MS [tcp|udp|bare|connect] | pour|draw ADDRESS PORT BYTES\n");
  return 2;
}
