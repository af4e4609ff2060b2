#include "hold/ask.h"

#include "hold/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 64 };

static int say(int fd, const char *text) { return write(fd, text, strlen(text)) < 0 ? -1 : 0; }

/** Empty: of neither family. */
static void entry_text(const struct addrinfo *entry, char out[ADDRESS_TEXT]) {
    out[0] = '\0';
    if (entry->ai_family == AF_INET) {
        address_text(false, (const uint8_t *)&((const struct sockaddr_in *)(const void *)entry->ai_addr)->sin_addr, out);
    } else if (entry->ai_family == AF_INET6) {
        address_text(true, (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)entry->ai_addr)->sin6_addr, out);
    }
}

static void write_addresses(const struct addrinfo *first) {
    char seen[ADDRESSES_MAX][ADDRESS_TEXT];
    size_t count = 0;
    for (const struct addrinfo *entry = first; entry != NULL && count < ADDRESSES_MAX; entry = entry->ai_next) {
        entry_text(entry, seen[count]);
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
