#include "hold/ask.h"

#include "base/format.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 64 };

static int say(int fd, const char *text) { return write(fd, text, strlen(text)) < 0 ? -1 : 0; }

/**
 * Not inet_ntop: it brings printf along, floating point and all. Of IPv6 every group is written: whoever reads it compares addresses and not texts.
 */
static void format_address(const struct addrinfo *entry, char *out, size_t size) {
    const uint8_t *at = NULL;
    out[0] = '\0';
    if (entry->ai_family == AF_INET) {
        at = (const uint8_t *)&((const struct sockaddr_in *)(const void *)entry->ai_addr)->sin_addr;
        format_text(out, size, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
    } else if (entry->ai_family == AF_INET6) {
        at = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)entry->ai_addr)->sin6_addr;
        size_t length = 0;
        for (int i = 0; i < 16 && length < size; i += 2) {
            length += format_text(out + length, size - length, i == 0 ? "%llx" : ":%llx", (unsigned long long)(at[i] << 8 | at[i + 1]));
        }
    }
}

static void write_addresses(const struct addrinfo *first) {
    char seen[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t count = 0;
    for (const struct addrinfo *entry = first; entry != NULL && count < ADDRESSES_MAX; entry = entry->ai_next) {
        format_address(entry, seen[count], sizeof seen[count]);
        bool known = seen[count][0] == '\0';
        for (size_t i = 0; i < count; i++) {
            known = known || strcmp(seen[i], seen[count]) == 0;
        }
        if (!known) {
            say(1, seen[count++]);
            say(1, "\n");
        }
    }
}

int lookup_work(const void *argument) {
    const struct lookup *lookup = argument;
    struct message failed = {0};
    if (!entrance_arrange(&lookup->entrance, NULL, 0) || take_last_steps(lookup->steps, &failed) < 0) {
        say(2, "cannot enter the target's files\n");
        return EXIT_OWN_FAILURE;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(lookup->name, NULL, &hints, &found);
    if (result != 0) {
        say(2, gai_strerror(result));
        say(2, "\n");
        return 1;
    }
    write_addresses(found);
    freeaddrinfo(found);
    return 0;
}
